//! Records in doubt: invalidations and refreshes that may or may not be in the log.
//!
//! A record is *pending* from before its append is sent until the append was folded. If that does not happen (the connection broke, the
//! reply is late, the caller was dropped), the record is *in doubt*: it counts in this process at once; entries that it concerns are not
//! taken from the shared tier, or are taken as expired if it is a refresh; and it is appended again in the background until that succeeds.
//! Records in doubt are lost when the process ends; other processes then rely on the ttl.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};

use tokio::sync::Notify;

use crate::log::{Epoch, Judgement, Log, Record, expiry_of};
use crate::sync::{Mutex, lock};

/// Maximum number of scopes in doubt. Beyond it everything is in doubt.
const MAX_SCOPES: usize = 1 << 14;

/// The records in doubt of one process.
pub(crate) struct Doubt {
    log: Arc<Log>,
    state: Mutex<DoubtState>,
    /// True if a record is in doubt. Spares readers the lock.
    any: AtomicBool,
    /// Wakes the replay.
    pub(crate) wake: Notify,
}

#[derive(Default)]
struct DoubtState {
    records: Vec<Record>,
    /// The number of records that concern a scope, by the key under which they [raise](Record::raised) it.
    scopes: HashMap<u64, usize>,
    /// The number of records that concern everything, or count as such because there are too many.
    everything: usize,
    /// The number of those that count as everything because there are too many.
    widened: usize,
}

impl Doubt {
    pub(crate) fn new(log: Arc<Log>) -> Self {
        Self { log, state: Mutex::default(), any: AtomicBool::new(false), wake: Notify::new() }
    }

    /// Begins to track a record on its way into the log.
    pub(crate) fn pending(self: &Arc<Self>, record: Record) -> PendingRecord {
        PendingRecord { doubt: self.clone(), record: Some(record) }
    }

    /// Judges an entry of the shared tier by its scopes.
    pub(crate) fn judge(&self, scopes: &[u64]) -> Judgement {
        if !self.any.load(Acquire) {
            return Judgement::Current;
        }
        let state = lock(&self.state);
        let concerns = |key: fn(u64) -> u64| scopes.iter().any(|&scope| state.scopes.contains_key(&key(scope)));
        if state.everything > 0 || concerns(|scope| scope) {
            Judgement::Invalidated
        } else if concerns(expiry_of) {
            Judgement::Expired
        } else {
            Judgement::Current
        }
    }

    pub(crate) fn len(&self) -> usize {
        let state = lock(&self.state);
        state.records.len() + state.everything
    }

    /// Returns one record to be appended again: everything, all invalidations, or all refreshes. `None` if no record is in doubt.
    pub(crate) fn to_replay(&self) -> Option<Replay> {
        let state = lock(&self.state);
        let (records, everything, widened) = (state.records.len(), state.everything, state.widened);
        let union = |refreshes| Record::union(state.records.iter().filter(|record| record.is_refresh() == refreshes));
        let record = if everything > 0 {
            Record::clear()
        } else {
            Some(union(false)).filter(|record| !record.is_empty()).unwrap_or_else(|| union(true))
        };
        (!record.is_empty()).then_some(Replay { record, records, everything, widened })
    }

    /// Removes the records of a replay that was appended and folded.
    pub(crate) fn replayed(&self, replay: &Replay) {
        let mut state = lock(&self.state);
        let state = &mut *state;
        state.everything -= replay.everything;
        state.widened -= replay.widened;
        let mut before = replay.records;
        let (record, scopes) = (&replay.record, &mut state.scopes);
        state.records.retain(|pending| {
            let is_replayed = before > 0 && (record.is_clear() || record.is_refresh() == pending.is_refresh());
            before = before.saturating_sub(1);
            if is_replayed {
                for key in pending.raised() {
                    scopes.entry(key).and_modify(|count| *count -= 1);
                }
            }
            !is_replayed
        });
        state.scopes.retain(|_, count| *count > 0);
        self.any.store(state.everything > 0 || !state.scopes.is_empty(), Release);
    }

    /// Adds a record, and appends it to the local log by `append`.
    fn enter<E>(&self, record: &Record, append: impl FnOnce(&Log) -> E) -> E {
        let mut state = lock(&self.state);
        let room = state.scopes.len() + record.scopes().len() <= MAX_SCOPES;
        if record.is_clear() || !room {
            state.everything += 1;
            state.widened += usize::from(!record.is_clear());
        } else {
            for key in record.raised() {
                *state.scopes.entry(key).or_default() += 1;
            }
            state.records.push(record.clone());
        }
        self.any.store(true, Release);
        drop(state);
        // The log comes last, so that it invalidates a value which was admitted before the record was added.
        let epoch = append(&self.log);
        self.wake.notify_one();
        epoch
    }
}

/// A record to be appended again, which stands for several.
pub(crate) struct Replay {
    pub(crate) record: Record,
    /// The number of records that were in doubt, of which this one replaces all of its kind.
    records: usize,
    everything: usize,
    widened: usize,
}

impl Replay {
    /// Returns whether events of this process have told all that it concerns, when its records came into doubt.
    pub(crate) fn is_announced(&self) -> bool {
        self.widened == 0
    }
}

/// A record on its way into the log. In doubt if it is dropped before [`settle`](Self::settle).
pub(crate) struct PendingRecord {
    doubt: Arc<Doubt>,
    record: Option<Record>,
}

impl PendingRecord {
    pub(crate) fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// Puts the record of a new value in doubt, because it cannot be announced now. Returns the epoch of the new value, if no other record
    /// has invalidated these scopes since `began`.
    pub(crate) fn put(mut self, began: Epoch, scopes: &[u64]) -> Option<Epoch> {
        let record = self.record.take()?;
        self.doubt.enter(&record, |log| log.append_put(&record, began, scopes))
    }

    /// Ends the tracking: the record is in the log, and folded.
    pub(crate) fn settle(mut self) {
        self.record = None;
    }
}

impl Drop for PendingRecord {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            self.doubt.enter(&record, |log| log.append(&record));
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
    fn an_unsettled_record_is_in_doubt_and_counts_in_this_process_at_once() {
        let (log, doubt) = doubt();
        let began = log.position();
        doubt.pending(record(7)).settle();
        assert!(doubt.judge(&[7]) == Judgement::Current && log.valid(began, &[7]));
        drop(doubt.pending(record(7)));
        assert_eq!([doubt.judge(&[1, 7]), doubt.judge(&[1])], [Judgement::Invalidated, Judgement::Current]);
        assert!(!log.valid(began, &[7]));
    }

    #[test]
    fn a_value_that_is_put_is_newer_than_its_own_record_and_no_other() {
        let (log, doubt) = doubt();
        let began = log.position();
        let epoch = doubt.pending(record(7)).put(began, &[7]).unwrap();
        assert!(doubt.judge(&[7]) == Judgement::Invalidated && log.valid(epoch, &[7]) && !log.valid(began, &[7]));
        assert_eq!(doubt.pending(record(7)).put(began, &[7]), None, "another came between");
        assert!(!log.valid(epoch, &[7]));
    }

    #[test]
    fn a_replay_settles_only_its_own_records() {
        let (_, doubt) = doubt();
        drop(doubt.pending(record(7)));
        let replay = doubt.to_replay().unwrap();
        drop(doubt.pending(record(7)));
        drop(doubt.pending(record(8)));
        doubt.replayed(&replay);
        assert_eq!([doubt.judge(&[7]), doubt.judge(&[8])], [Judgement::Invalidated; 2]);
        doubt.replayed(&doubt.to_replay().unwrap());
        assert!(doubt.to_replay().is_none() && doubt.judge(&[7, 8]) == Judgement::Current);
    }

    #[test]
    fn invalidations_and_refreshes_in_doubt_are_replayed_apart() {
        use Judgement::{Current, Expired, Invalidated};
        let (log, doubt) = doubt();
        let began = log.position();
        for record in [record(7).into_refresh(), record(8), record(9).into_refresh(), record(9)] {
            drop(doubt.pending(record));
        }
        let judged = || [7, 8, 9, 10].map(|scope| doubt.judge(&[scope]));
        assert_eq!(judged(), [Expired, Invalidated, Invalidated, Current]);
        assert_eq!([7, 8, 9].map(|scope| log.judge(began, &[scope])), [Expired, Invalidated, Invalidated]);
        let replay = doubt.to_replay().unwrap();
        assert_eq!((replay.record.scopes(), replay.record.is_refresh()), (&[8, 9][..], false));
        drop(doubt.pending(record(8)));
        doubt.replayed(&replay);
        assert_eq!(judged(), [Expired, Invalidated, Expired, Current], "one came while it was replayed");
        doubt.replayed(&doubt.to_replay().unwrap());
        let replay = doubt.to_replay().unwrap();
        assert_eq!((replay.record.scopes(), replay.record.is_refresh()), (&[7, 9][..], true));
        doubt.replayed(&replay);
        assert_eq!(judged(), [Current; 4]);
        assert!(doubt.to_replay().is_none() && doubt.len() == 0);
    }

    #[test]
    fn everything_is_in_doubt_beyond_the_bound() {
        let (_, doubt) = doubt();
        for scope in 0..=MAX_SCOPES as u64 {
            drop(doubt.pending(record(scope)));
        }
        assert_eq!(doubt.judge(&[u64::MAX]), Judgement::Invalidated);
        let replay = doubt.to_replay().unwrap();
        assert!(replay.record.is_clear() && !replay.is_announced(), "that everything is invalid is new");
        doubt.replayed(&replay);
        drop(doubt.pending(Record::clear()));
        let replay = doubt.to_replay().unwrap();
        assert!(replay.record.is_clear() && replay.is_announced());
        doubt.replayed(&replay);
        assert!(doubt.judge(&[0]) == Judgement::Current && doubt.len() == 0);
    }
}
