//! What this process knows of requests: those under way, and the answers of those that were done.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::key::Digest;
use super::stored::Stored;
use crate::clock::{Clock, nanos};
use crate::sync::{Mutex, lock};

pub(super) struct Table {
    clock: Clock,
    requests: Mutex<Requests>,
}

#[derive(Default)]
struct Requests {
    by_key: HashMap<Digest, Known>,
    /// Those that were done, the oldest first, and when they go.
    done: VecDeque<(Digest, u64)>,
    bytes: usize,
}

enum Known {
    UnderWay { fingerprint: Digest },
    Done { stored: Arc<Stored>, until: u64 },
}

/// What is to become of a request.
pub(super) enum Admission {
    /// It is the first of its key: do it.
    First(Claim),
    Done(Arc<Stored>),
    UnderWay,
    /// Its key belongs to another request.
    Other,
}

/// The right to do a request; given back when dropped.
pub(super) struct Claim {
    table: Arc<Table>,
    key: Digest,
}

impl Table {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, requests: Mutex::default() }
    }

    pub(super) fn admit(self: &Arc<Self>, key: Digest, fingerprint: Digest) -> Admission {
        let now = self.clock.now();
        let requests = &mut *lock(&self.requests);
        requests.forget(|_, until| until <= now);
        requests.forget_one(key, now);
        match requests.by_key.entry(key) {
            Entry::Vacant(free) => {
                free.insert(Known::UnderWay { fingerprint });
                Admission::First(Claim { table: self.clone(), key })
            }
            Entry::Occupied(known) => match known.get() {
                Known::UnderWay { fingerprint: own } if *own == fingerprint => Admission::UnderWay,
                Known::Done { stored, .. } if stored.fingerprint == fingerprint => Admission::Done(stored.clone()),
                Known::UnderWay { .. } | Known::Done { .. } => Admission::Other,
            },
        }
    }
}

impl Requests {
    /// Forgets answers from the oldest on, as long as this holds of the bytes that all take and of when the oldest goes.
    fn forget(&mut self, goes: impl Fn(usize, u64) -> bool) {
        while let Some((key, until)) = self.done.front().copied()
            && goes(self.bytes, until)
        {
            self.done.pop_front();
            self.forget_one(key, until);
        }
    }

    /// Forgets the answer of a key, if it goes by this time: those that another process gave go sooner than their place says.
    fn forget_one(&mut self, key: Digest, by: u64) {
        if let Entry::Occupied(known) = self.by_key.entry(key)
            && let Known::Done { stored, until } = known.get()
            && *until <= by
        {
            self.bytes -= stored.bytes();
            known.remove();
        }
    }
}

impl Claim {
    /// The request was done: keeps what is known of it for `ttl`, and of all that is known as much as `memory` bytes.
    pub(super) fn done(self, stored: Arc<Stored>, ttl: Duration, memory: usize) {
        let until = self.table.clock.now().saturating_add(nanos(ttl));
        let requests = &mut *lock(&self.table.requests);
        requests.bytes += stored.bytes();
        requests.by_key.insert(self.key, Known::Done { stored, until });
        requests.done.push_back((self.key, until));
        requests.forget(|bytes, _| bytes > memory);
        // The drop of the claim finds that it has ended.
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut requests = lock(&self.table.requests);
        if let Entry::Occupied(known) = requests.by_key.entry(self.key)
            && matches!(known.get(), Known::UnderWay { .. })
        {
            known.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(n: u8) -> Digest {
        [n; 16]
    }

    fn stored(n: u8) -> Arc<Stored> {
        Arc::new(Stored { fingerprint: key(n), answer: None })
    }

    fn first(table: &Arc<Table>, n: u8) -> Claim {
        match table.admit(key(n), key(n)) {
            Admission::First(claim) => claim,
            _ => panic!("{n} is known"),
        }
    }

    #[test]
    fn a_claim_that_is_dropped_leaves_nothing() {
        let table = Arc::new(Table::new(Clock::manual()));
        let claim = first(&table, 1);
        assert!(matches!(table.admit(key(1), key(1)), Admission::UnderWay));
        assert!(matches!(table.admit(key(1), key(2)), Admission::Other));
        drop(claim);
        first(&table, 1).done(stored(1), SECOND, usize::MAX);
        assert!(matches!(table.admit(key(1), key(1)), Admission::Done(_)));
        assert!(matches!(table.admit(key(1), key(2)), Admission::Other));
    }

    #[test]
    fn answers_go_when_their_time_is_up() {
        let clock = Clock::manual();
        let table = Arc::new(Table::new(clock.clone()));
        first(&table, 1).done(stored(1), SECOND, usize::MAX);
        clock.advance(SECOND / 2);
        first(&table, 2).done(stored(2), SECOND, usize::MAX);
        clock.advance(SECOND / 2);
        drop(first(&table, 1));
        assert!(matches!(table.admit(key(2), key(2)), Admission::Done(_)));
        clock.advance(SECOND);
        drop(first(&table, 2));
        let requests = lock(&table.requests);
        assert_eq!((requests.by_key.len(), requests.done.len(), requests.bytes), (0, 0, 0));
    }

    #[test]
    fn an_answer_that_goes_sooner_is_not_kept_by_those_before_it() {
        let clock = Clock::manual();
        let table = Arc::new(Table::new(clock.clone()));
        first(&table, 1).done(stored(1), SECOND * 10, usize::MAX);
        first(&table, 2).done(stored(2), SECOND, usize::MAX);
        clock.advance(SECOND);
        first(&table, 2).done(stored(2), SECOND * 10, usize::MAX);
        assert!(matches!(table.admit(key(1), key(1)), Admission::Done(_)));
        assert!(matches!(table.admit(key(2), key(2)), Admission::Done(_)), "its first end is not its second");
        clock.advance(SECOND * 10);
        drop(first(&table, 1));
        let requests = lock(&table.requests);
        assert_eq!((requests.done.len(), requests.bytes), (0, 0));
    }

    #[test]
    fn the_oldest_answers_make_room() {
        let table = Arc::new(Table::new(Clock::manual()));
        let two = 2 * stored(0).bytes();
        for n in 1..=3 {
            first(&table, n).done(stored(n), SECOND, two);
        }
        drop(first(&table, 1));
        assert!(matches!(table.admit(key(2), key(2)), Admission::Done(_)));
        assert!(matches!(table.admit(key(3), key(3)), Admission::Done(_)));
    }
}
