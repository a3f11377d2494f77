//! The two tables of a node and the one judgement over each.
//!
//! The local table judges L1 entries and flights by the local position at which their load began. The feed judges values of
//! the shared tier by the log position at which their load began. A judgement is one step of the model: the code must read the
//! feed's incarnation and tables so that a reset in between is noticed (one object per incarnation, swapped as a whole).

use crate::mutants::{Mutant, Rules};
use crate::state::{ALL, Feed, Incarnation, KEY, Local, Node, PREFIX, Scopes, Stored};

impl Local {
    /// Whether a load that began at this local position may be served.
    pub(crate) fn valid(&self, local: u8) -> bool {
        local >= self.floor && self.scopes.iter().all(|scope| local >= *scope)
    }

    /// Makes every load that began before now invalid for these scopes; returns the position after.
    pub(crate) fn raise(&mut self, scopes: Scopes) -> u8 {
        self.counter += 1;
        raise_to(&mut self.scopes, &mut self.floor, scopes, self.counter);
        self.counter
    }
}

impl Feed {
    /// Whether this is the incarnation that the node follows.
    pub(crate) fn follows(&self, other: Incarnation, rules: Rules) -> bool {
        self.incarnation.is_some_and(|own| {
            (own.run == other.run || rules.has(Mutant::IncarnationWithoutRun))
                && (own.nonce == other.nonce || rules.has(Mutant::IncarnationWithoutNonce))
        })
    }

    /// The last id that is known to concern these scopes.
    pub(crate) fn last(&self, scopes: Scopes) -> u8 {
        let pair = |bit: Scopes, index: usize| if scopes & bit == 0 { 0 } else { self.scopes[index] };
        self.floor.max(pair(KEY, 0)).max(pair(PREFIX, 1))
    }

    /// Folds by max.
    pub(crate) fn raise(&mut self, scopes: Scopes, id: u8, rules: Rules) {
        if rules.has(Mutant::FoldWithoutMax) {
            let index = usize::from(scopes & KEY == 0);
            self.scopes[index] = id;
            return;
        }
        raise_to(&mut self.scopes, &mut self.floor, scopes, id);
    }

    /// Takes a pair out of the table; its id goes to the floor.
    pub(crate) fn evict(&mut self, index: usize, rules: Rules) {
        let id = std::mem::take(&mut self.scopes[index]);
        if !rules.has(Mutant::EvictWithoutFloor) {
            self.floor = self.floor.max(id);
        }
    }
}

impl Node {
    /// Whether a value of the shared tier may be served.
    pub(crate) fn judge(&self, stored: Stored, stale_reply: bool, rules: Rules) -> bool {
        let doubt = self.ring.iter().any(|entry| entry.doubt);
        (self.feed.follows(stored.incarnation, rules) || rules.has(Mutant::JudgeIgnoresIncarnation))
            && (!stale_reply || rules.has(Mutant::OldReplyJudged))
            && (!doubt || rules.has(Mutant::DoubtReadsShared))
            && stored.id >= self.feed.last(KEY | PREFIX)
    }
}

fn raise_to(pairs: &mut [u8; 2], floor: &mut u8, scopes: Scopes, to: u8) {
    let [key, prefix] = pairs;
    for (bit, target) in [(KEY, key), (PREFIX, prefix), (ALL, floor)] {
        if scopes & bit != 0 {
            *target = (*target).max(to);
        }
    }
}
