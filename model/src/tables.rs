//! The two tables of a node, and the judgement by each.
//!
//! The local table judges L1 entries and flights by the local position at which their load began. The feed judges values of the
//! shared tier by the log position at which their load began. A judgement is one step of the model: the code must read the
//! feed's incarnation and tables so that it notices a reset in between (one object per incarnation, swapped as a whole).

use crate::mutants::{Mutant, Rules};
use crate::state::{ALL, Feed, Incarnation, KEY, Local, Node, PREFIX, REFRESH, Scopes, Stored};

impl Local {
    /// Returns whether a load that began at this local position may be served.
    pub(crate) fn valid(&self, local: u8) -> bool {
        local >= self.floor && self.scopes.iter().all(|scope| local >= *scope)
    }

    /// Returns whether it may be served as fresh.
    pub(crate) fn current(&self, local: u8) -> bool {
        self.valid(local) && self.refreshed.iter().all(|scope| local >= *scope)
    }

    /// Makes every load that began before now invalid, or expired, for these scopes. Returns the new position.
    pub(crate) fn raise(&mut self, scopes: Scopes, rules: Rules) -> u8 {
        self.counter += 1;
        let table = table(&mut self.scopes, &mut self.refreshed, scopes, rules);
        raise_to(table, &mut self.floor, scopes, self.counter);
        self.counter
    }
}

impl Feed {
    /// Returns whether this is the incarnation that the node follows.
    pub(crate) fn follows(&self, other: Incarnation, rules: Rules) -> bool {
        self.incarnation.is_some_and(|own| {
            (own.run == other.run || rules.has(Mutant::IncarnationWithoutRun))
                && (own.nonce == other.nonce || rules.has(Mutant::IncarnationWithoutNonce))
        })
    }

    /// Returns the last known id that concerns these scopes.
    pub(crate) fn last(&self, scopes: Scopes) -> u8 {
        let table = if scopes & REFRESH == 0 { &self.scopes } else { &self.refreshed };
        let pair = |bit: Scopes, index: usize| if scopes & bit == 0 { 0 } else { table[index] };
        self.floor.max(pair(KEY, 0)).max(pair(PREFIX, 1))
    }

    /// Raises the pairs of these scopes to an id, by max.
    pub(crate) fn raise(&mut self, scopes: Scopes, id: u8, rules: Rules) {
        if rules.has(Mutant::FoldWithoutMax) {
            let index = usize::from(scopes & KEY == 0);
            self.scopes[index] = id;
            return;
        }
        let table = table(&mut self.scopes, &mut self.refreshed, scopes, rules);
        raise_to(table, &mut self.floor, scopes, id);
    }

    /// Evicts a pair, whose id raises the floor.
    pub(crate) fn evict(&mut self, index: usize, rules: Rules) {
        let id = std::mem::take(&mut self.scopes[index]);
        if !rules.has(Mutant::EvictWithoutFloor) {
            self.floor = self.floor.max(id);
        }
    }
}

impl Node {
    /// Returns whether a value of the shared tier may be served, fresh or expired.
    pub(crate) fn judge(&self, stored: Stored, stale_reply: bool, rules: Rules) -> bool {
        let doubt = self.in_doubt(false);
        (self.feed.follows(stored.incarnation, rules) || rules.has(Mutant::JudgeIgnoresIncarnation))
            && (!stale_reply || rules.has(Mutant::OldReplyJudged))
            && (!doubt || rules.has(Mutant::DoubtReadsShared))
            && stored.id >= self.feed.last(KEY | PREFIX)
    }

    /// Returns whether such a value is expired.
    pub(crate) fn is_expired(&self, stored: Stored, rules: Rules) -> bool {
        let doubt = self.in_doubt(true) && !rules.has(Mutant::RefreshInDoubtIsFresh);
        doubt || stored.id < self.feed.last(KEY | PREFIX | REFRESH)
    }

    fn in_doubt(&self, refresh: bool) -> bool {
        self.ring.iter().any(|entry| entry.doubt && (entry.scopes & REFRESH != 0) == refresh)
    }
}

/// Returns the pairs that a record raises.
fn table<'a>(scopes: &'a mut [u8; 2], refreshed: &'a mut [u8; 2], of: Scopes, rules: Rules) -> &'a mut [u8; 2] {
    if of & REFRESH == 0 {
        return scopes;
    }
    if rules.has(Mutant::RefreshTakesPair) {
        *scopes = [0; 2];
    }
    refreshed
}

fn raise_to(pairs: &mut [u8; 2], floor: &mut u8, scopes: Scopes, to: u8) {
    let [key, prefix] = pairs;
    for (bit, target) in [(KEY, key), (PREFIX, prefix), (ALL, floor)] {
        if scopes & bit != 0 {
            *target = (*target).max(to);
        }
    }
}
