//! Invalidations of which nobody knows whether the log has them.
//!
//! A record is *pending* from before its body runs until its append was folded. If that is not seen (the link broke, the
//! reply is late, the caller went away), the record is *in doubt*: it counts in this process at once, what it concerns is
//! not taken from the shared tier, and it is appended again in the background until that succeeds. Records in doubt die with
//! the process; other nodes then rely on the ttl.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};

use tokio::sync::Notify;

use crate::log::{Log, Record};
use crate::sync::{Mutex, lock};

/// Scopes that are remembered one by one; beyond it everything is in doubt.
const MAX_SCOPES: usize = 1 << 14;

pub(crate) struct Doubt {
    log: Arc<Log>,
    state: Mutex<State>,
    /// Whether there is anything in the state; spares those who only ask the lock.
    any: AtomicBool,
    /// Wakes the replay.
    pub(crate) wake: Notify,
}

#[derive(Default)]
struct State {
    records: Vec<Record>,
    /// How many of the records concern a scope.
    scopes: HashMap<u64, usize>,
    /// How many records concern everything, for themselves or for lack of room.
    everything: usize,
}

impl Doubt {
    pub(crate) fn new(log: Arc<Log>) -> Self {
        Self { log, state: Mutex::default(), any: AtomicBool::new(false), wake: Notify::new() }
    }

    /// A record on its way into the log.
    pub(crate) fn pending(self: &Arc<Self>, record: Record) -> Pending {
        Pending { doubt: self.clone(), record: Some(record) }
    }

    /// Whether a record in doubt concerns one of these scopes.
    pub(crate) fn concerns(&self, scopes: &[u64]) -> bool {
        if !self.any.load(Acquire) {
            return false;
        }
        let state = lock(&self.state);
        state.everything > 0
            || (!state.scopes.is_empty() && scopes.iter().any(|scope| state.scopes.contains_key(scope)))
    }

    pub(crate) fn len(&self) -> usize {
        let state = lock(&self.state);
        state.records.len() + state.everything
    }

    /// What has to be appended again, as one record; `None` if nothing is in doubt.
    pub(crate) fn to_replay(&self) -> Option<Replay> {
        let state = lock(&self.state);
        let (records, everything) = (state.records.len(), state.everything);
        let record = if everything > 0 { Record::clear() } else { Record::union(&state.records) };
        (!record.is_empty()).then_some(Replay { record, records, everything })
    }

    /// The replay was appended and folded.
    pub(crate) fn replayed(&self, replay: &Replay) {
        let mut state = lock(&self.state);
        let state = &mut *state;
        state.everything -= replay.everything;
        for scope in state.records.drain(..replay.records).flat_map(|record| record.scopes().to_vec()) {
            if let Some(count) = state.scopes.get_mut(&scope) {
                *count -= 1;
            }
        }
        state.scopes.retain(|_, count| *count > 0);
        self.any.store(state.everything > 0 || !state.scopes.is_empty(), Release);
    }

    fn enter(&self, record: &Record) {
        let mut state = lock(&self.state);
        let room = state.scopes.len() + record.scopes().len() <= MAX_SCOPES;
        if record.is_clear() || !room {
            state.everything += 1;
        } else {
            for &scope in record.scopes() {
                *state.scopes.entry(scope).or_default() += 1;
            }
            state.records.push(record.clone());
        }
        self.any.store(true, Release);
        drop(state);
        // After the entry, so that a value which was admitted before it is invalidated by this.
        self.log.append(record);
        self.wake.notify_one();
    }
}

/// What is appended again.
pub(crate) struct Replay {
    pub(crate) record: Record,
    /// How many records it stands for.
    records: usize,
    everything: usize,
}

/// A record on its way; in doubt if dropped before it is [settled](Self::settle).
pub(crate) struct Pending {
    doubt: Arc<Doubt>,
    record: Option<Record>,
}

impl Pending {
    pub(crate) fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// The record is in the log, and folded.
    pub(crate) fn settle(mut self) {
        self.record = None;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            self.doubt.enter(&record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(scope: u64) -> Record {
        let mut record = Record::default();
        record.push(scope, 1);
        record
    }

    fn doubt() -> (Arc<Log>, Arc<Doubt>) {
        let log = Arc::new(Log::with_mirror_bytes(1 << 10));
        (log.clone(), Arc::new(Doubt::new(log)))
    }

    #[test]
    fn what_was_not_settled_is_in_doubt_and_counts_here_at_once() {
        let (log, doubt) = doubt();
        let began = log.position();
        doubt.pending(record(7)).settle();
        assert!(!doubt.concerns(&[7]) && log.valid(began, &[7]));
        drop(doubt.pending(record(7)));
        assert!(doubt.concerns(&[1, 7]) && !doubt.concerns(&[1]));
        assert!(!log.valid(began, &[7]));
    }

    #[test]
    fn a_replay_takes_away_only_what_it_stood_for() {
        let (_, doubt) = doubt();
        drop(doubt.pending(record(7)));
        let replay = doubt.to_replay().unwrap();
        drop(doubt.pending(record(7)));
        drop(doubt.pending(record(8)));
        doubt.replayed(&replay);
        assert!(doubt.concerns(&[7]) && doubt.concerns(&[8]));
        doubt.replayed(&doubt.to_replay().unwrap());
        assert!(doubt.to_replay().is_none() && !doubt.concerns(&[7, 8]));
    }

    #[test]
    fn beyond_its_bound_everything_is_in_doubt() {
        let (_, doubt) = doubt();
        for scope in 0..=MAX_SCOPES as u64 {
            drop(doubt.pending(record(scope)));
        }
        assert!(doubt.concerns(&[u64::MAX]));
        let replay = doubt.to_replay().unwrap();
        assert!(replay.record.is_clear());
        doubt.replayed(&replay);
        assert!(!doubt.concerns(&[0]) && doubt.len() == 0);
    }
}
