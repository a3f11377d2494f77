//! What this node knows of the shared log: the fold of the stream.
//!
//! The stream's entries have an order of their own, and entries of the shared tier carry a place in it; [`FeedJudge`]
//! judges them by it. Everything in this process is judged by the local log alone, which this fold appends to. So the
//! in-process tier never sees a stream id, and a hit costs the same with a shared tier as without.
//!
//! Invariants:
//! - a fold raises the shared table first, then the local log, and moves the position last;
//! - a record folded twice (as a push on each connection, as the reply of its own append, in a delta) is appended to the
//!   local log once, unless the table had to forget it in between;
//! - what carries another incarnation is stale: ids are comparable within one life of one server's log only;
//! - only what was read from the log itself begins another life. A message of an unknown life is a *rumour*: it may be of another
//!   database or of nobody's log, so the log is looked at, and until then nothing is taken from the shared tier.

use std::sync::Arc;

use super::notices::Notices;
use super::seam::{PutEpochs, SharedEpoch};
use super::stream::{Appended, Incarnation, Life, Published, StreamEntry, StreamId};
use crate::log::{Epoch, Judgement, Log, Mirror, Record, expiry_of};
use crate::sync::{Mutex, MutexGuard, lock};

/// A value that is to replace what is cached, on its way through the log.
pub(crate) struct ExpectedPut {
    /// Where its body began, in the local log.
    pub(crate) began: Epoch,
    pub(crate) scopes: Box<[u64]>,
}

pub(crate) struct Feed {
    log: Arc<Log>,
    mirror_bytes: usize,
    notices: Arc<Notices>,
    state: Mutex<FeedState>,
}

struct FeedState {
    incarnation: Option<Incarnation>,
    /// The log that was [forgotten](Feed::forget) last, until one is entered.
    forgotten: Option<Incarnation>,
    /// The entry up to which everything was folded. Never a stray.
    position: StreamId,
    /// The number of rumours and gaps that were heard, and how many of them a look at the log has explained.
    rumours: u64,
    confirmed: u64,
    /// Entries that began before this one are stale.
    floor: StreamId,
    mirror: Mirror,
    /// The last refresh, packed; spares most judgements a look for refreshes.
    refreshed: u64,
    /// Puts whose own record has not been folded yet, by the token that the record carries.
    putting: Vec<(u64, ExpectedPut)>,
    /// Those whose record came as a push, before its reply.
    placed: Vec<(u64, Option<PutEpochs>)>,
    /// Logs that were left for another server's: one that was cut off from its successor may still answer.
    left: Vec<Incarnation>,
}

/// What became of an entry of the log that came as a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folded {
    Done,
    /// One or more entries before it are missing: read them.
    Gap,
    /// An entry of a life that is not known: look at the log.
    Rumour,
}

/// The knowledge of the log at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogView {
    incarnation: Option<Incarnation>,
    position: StreamId,
    rumours: u64,
}

impl Feed {
    pub(crate) fn new(log: Arc<Log>, mirror_bytes: usize, notices: Arc<Notices>) -> Self {
        let state = FeedState {
            incarnation: None,
            forgotten: None,
            position: StreamId::ZERO,
            rumours: 0,
            confirmed: 0,
            floor: StreamId::ZERO,
            mirror: Mirror::with_bytes(mirror_bytes),
            refreshed: 0,
            putting: Vec::new(),
            placed: Vec::new(),
            left: Vec::new(),
        };
        Self { log, mirror_bytes, notices, state: Mutex::new(state) }
    }

    /// The position of a load that begins now; `None` before the log was first read.
    pub(crate) fn epoch(&self) -> Option<SharedEpoch> {
        let state = lock(&self.state);
        let incarnation = state.incarnation?;
        Some(SharedEpoch { incarnation: incarnation.hash(), id: state.position.packed_down() })
    }

    /// The judge of what came over a connection to this server, if the log is still its log: a connection that was replaced
    /// while it answered may have missed what the new one folded. `None` also while there are rumours.
    pub(crate) fn judge(&self, server: u64) -> Option<FeedJudge<'_>> {
        let state = lock(&self.state);
        let own = state.incarnation.filter(|own| own.server == server && state.rumours == state.confirmed)?;
        Some(FeedJudge { incarnation: own.hash(), floor: state.floor.packed_down(), state })
    }

    /// The server on which the log is; what connections to another one say does not count.
    pub(crate) fn server(&self) -> Option<u64> {
        lock(&self.state).incarnation.map(|own| own.server)
    }

    /// Where a delta has to begin, if the log of this server is known.
    pub(crate) fn resume(&self, server: u64) -> Option<(Life, StreamId)> {
        let state = lock(&self.state);
        let own = state.incarnation.filter(|own| own.server == server)?;
        Some((own.life, state.position))
    }

    /// Begins anew with a log of which nothing is known, at its first entry: everything that was cached is stale.
    pub(crate) fn reset(&self, incarnation: Incarnation, first: StreamId) {
        let mut state = lock(&self.state);
        self.restart(&mut state, incarnation, first);
    }

    /// Forgets what is in the log, so that the next connection begins anew. Remembers which log it was, because another server's may
    /// be entered next.
    pub(crate) fn forget(&self) {
        let mut state = lock(&self.state);
        state.forgotten = state.incarnation.take().or(state.forgotten);
        drop(state);
        self.log.append(&Record::clear());
    }

    /// Returns whether this log was left for another server's.
    pub(crate) fn has_left(&self, log: Incarnation) -> bool {
        lock(&self.state).left.contains(&log)
    }

    fn restart(&self, state: &mut FeedState, incarnation: Incarnation, first: StreamId) {
        let forgotten = state.forgotten.take();
        if let Some(old) = state.incarnation.or(forgotten).filter(|old| old.server != incarnation.server) {
            state.left.push(old);
        }
        state.mirror = Mirror::with_bytes(self.mirror_bytes);
        state.refreshed = 0;
        state.floor = first;
        state.incarnation = Some(incarnation);
        self.log.append(&Record::clear());
        state.position = first;
        self.notices.reset();
    }

    /// Returns what is known now, to compare with what the log is found to be.
    pub(crate) fn view(&self) -> LogView {
        let state = lock(&self.state);
        LogView { incarnation: state.incarnation, position: state.position, rumours: state.rumours }
    }

    /// Returns whether the log of this server still is the one that is known, when its last entry is this one. `before` is what was known
    /// before the server was asked, and all that it had pushed until its answer is folded by now. If it is the same log, the rumours
    /// of before are explained.
    pub(crate) fn is_confirmed(&self, server: u64, last: Option<&StreamEntry>, before: LogView) -> bool {
        let mut state = lock(&self.state);
        let Some(own) = state.incarnation.filter(|own| own.server == server) else { return false };
        // An entry that is missing at the end was removed, or the whole log was replaced by an older copy.
        let known = before.incarnation != Some(own) || last.is_some_and(|last| last.id >= before.position);
        let same = last.is_some_and(|last| last.life == Some(own.life) && last.id <= state.position);
        if known && same {
            state.confirmed = state.confirmed.max(before.rumours);
        }
        known && same
    }

    /// The log was read to its end: what was heard until `before` is explained.
    pub(crate) fn confirm(&self, before: LogView) {
        let mut state = lock(&self.state);
        state.confirmed = state.confirmed.max(before.rumours);
    }

    /// Folds an entry that came as a push.
    pub(crate) fn push(&self, server: u64, published: &Published) -> Folded {
        let Published { entry, previous, token, record } = published;
        let mut state = lock(&self.state);
        let Some(own) = state.incarnation.filter(|own| own.server == server) else { return Folded::Gap };
        if own.life != entry.life {
            state.rumours += 1;
            return Folded::Rumour;
        }
        if *previous > state.position {
            state.rumours += 1;
            return Folded::Gap;
        }
        self.raise(&mut state, entry.id, record.as_ref(), *token);
        state.position = state.position.max(entry.id);
        Folded::Done
    }

    /// Folds the entries of a delta, which begin at the known position or where [`reset`](Self::reset) began.
    pub(crate) fn delta(&self, server: u64, entries: &[StreamEntry]) {
        let mut state = lock(&self.state);
        for StreamEntry { id, life, record } in entries {
            let Some(own) = state.incarnation.filter(|own| own.server == server) else { return };
            match life {
                Some(life) if *life != own.life => self.restart(&mut state, Incarnation { server, life: *life }, *id),
                _ => {}
            }
            self.raise(&mut state, *id, record.as_ref(), 0);
            if life.is_some() {
                state.position = state.position.max(*id);
            }
        }
    }

    /// Folds this node's own record, which the server has just appended. `None` if the server is not the one of the log that is
    /// known: the record has then to be taken as lost. If the log is in another life, the record is in it and counts here, and what
    /// else is in it has to be read.
    pub(crate) fn own(&self, server: u64, entry: &Appended, record: &Record, token: u64) -> Option<Folded> {
        let mut state = lock(&self.state);
        let own = state.incarnation.filter(|own| own.server == server)?;
        if own.life != entry.life {
            state.rumours += 1;
            self.log.append(record);
            return Some(Folded::Rumour);
        }
        self.raise(&mut state, entry.id, Some(record), token);
        Some(Folded::Done)
    }

    /// Raises what a record concerns; everything, if it cannot be read.
    fn raise(&self, state: &mut FeedState, id: StreamId, record: Option<&Record>, token: u64) {
        let everything = Record::clear();
        let unreadable = record.is_none();
        let record = record.unwrap_or(&everything);
        let packed = id.packed_up();
        let known = if record.is_clear() {
            state.floor >= id
        } else {
            id.is_exact() && record.raised().all(|key| state.mirror.pair(key) >= Some(packed))
        };
        let put = state.putting.iter().position(|(own, _)| *own == token && token != 0);
        if known && put.is_none() {
            return;
        }
        if unreadable {
            self.notices.unreadable(id);
        }
        if record.is_clear() {
            state.floor = state.floor.max(id);
        }
        for key in record.raised() {
            state.mirror.raise(key, packed);
        }
        if record.is_refresh() {
            state.refreshed = state.refreshed.max(packed);
        }
        match put.map(|index| state.putting.swap_remove(index).1) {
            None => drop(self.log.append(record)),
            Some(put) => {
                let shared = state.incarnation.map(|own| SharedEpoch { incarnation: own.hash(), id: id.packed_down() });
                let local = self.log.append_put(record, put.began, &put.scopes);
                state.placed.push((token, local.map(|local| PutEpochs { local, shared })));
            }
        }
    }

    /// Announces a put: its own record is then told apart from others'.
    pub(crate) fn expect(&self, token: u64, putting: ExpectedPut) {
        lock(&self.state).putting.push((token, putting));
    }

    /// What became of a put, once its record was folded; it is no longer expected.
    pub(crate) fn placed(&self, token: u64) -> Option<PutEpochs> {
        let mut state = lock(&self.state);
        state.putting.retain(|(own, _)| *own != token);
        let index = state.placed.iter().position(|(own, _)| *own == token)?;
        state.placed.swap_remove(index).1
    }
}

/// The judgement of what comes from the shared tier. Nothing is folded while it is held.
pub(crate) struct FeedJudge<'a> {
    incarnation: u64,
    floor: u64,
    state: MutexGuard<'a, FeedState>,
}

impl FeedJudge<'_> {
    /// The judgement of what began at this position and has these scopes.
    pub(crate) fn judge(&self, epoch: SharedEpoch, scopes: &[u64]) -> Judgement {
        let FeedState { mirror, refreshed, .. } = &*self.state;
        let valid = epoch.incarnation == self.incarnation
            && epoch.id >= self.floor
            && scopes.iter().all(|&scope| epoch.id >= mirror.last(scope));
        if !valid {
            Judgement::Invalidated
        } else if epoch.id < *refreshed && scopes.iter().any(|&scope| epoch.id < mirror.last(expiry_of(scope))) {
            Judgement::Expired
        } else {
            Judgement::Current
        }
    }
}

#[cfg(test)]
mod tests;
