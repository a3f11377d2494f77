//! What this process knows of requests: those under way, which single flight claims, and the answers of those that were done.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::digest::Digest;
use super::stored::Stored;
use crate::clock::{Clock, nanos};
use crate::flight::{Flights, Joined, Permit, Terms};
use crate::key::Hashed;
use crate::sync::{Mutex, lock};

pub(super) struct Table {
    clock: Clock,
    under_way: Arc<Flights>,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    by_key: HashMap<Digest, Known>,
    /// Their keys, the oldest first, and when they go.
    order: VecDeque<(Digest, u64)>,
    bytes: usize,
}

struct Known {
    stored: Arc<Stored>,
    until: u64,
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
    permit: Permit,
}

impl Table {
    pub(super) fn new(clock: Clock) -> Self {
        Self { under_way: Arc::new(Flights::without_log(clock.clone())), clock, done: Mutex::default() }
    }

    pub(super) fn admit(self: &Arc<Self>, key: Digest, fingerprint: Digest) -> Admission {
        if let Some(admission) = self.known(key, fingerprint) {
            return admission;
        }
        let note = u128::from_be_bytes(fingerprint);
        // The request of a client that waits for its answer, or of one that has gone, is polled by its server or not at all.
        let terms = Terms { wait: false, patience: u64::MAX, note };
        match self.under_way.join(hashed(key).erased(), &[], terms) {
            // Another may have done it since the look.
            Joined::Lead(permit) => match self.known(key, fingerprint) {
                Some(admission) => admission,
                None => Admission::First(Claim { table: self.clone(), key, permit }),
            },
            Joined::Taken(own) if own == note => Admission::UnderWay,
            Joined::Taken(_) | Joined::Within | Joined::Wait(_) => Admission::Other,
        }
    }

    /// What becomes of a request whose key was done.
    fn known(&self, key: Digest, fingerprint: Digest) -> Option<Admission> {
        let now = self.clock.now();
        let done = &mut *lock(&self.done);
        done.forget(|_, until| until <= now);
        done.forget_one(key, now);
        let stored = &done.by_key.get(&key)?.stored;
        let same = stored.fingerprint == fingerprint;
        Some(if same { Admission::Done(stored.clone()) } else { Admission::Other })
    }
}

/// A key as single flight takes it: it is a digest, so a part of it is a hash.
fn hashed(key: Digest) -> Hashed<Digest> {
    let hash = key.last_chunk().map_or(0, |part| u64::from_be_bytes(*part));
    Hashed { hash, args: key }
}

impl Done {
    /// Forgets answers from the oldest on, as long as this holds of the bytes that all take and of when the oldest goes.
    fn forget(&mut self, goes: impl Fn(usize, u64) -> bool) {
        while let Some((key, until)) = self.order.front().copied()
            && goes(self.bytes, until)
        {
            self.order.pop_front();
            self.forget_one(key, until);
        }
    }

    /// Forgets the answer of a key, if it goes by this time: those that another process gave go sooner than their place says.
    fn forget_one(&mut self, key: Digest, by: u64) {
        if let Entry::Occupied(known) = self.by_key.entry(key)
            && known.get().until <= by
        {
            self.bytes -= known.remove().stored.bytes();
        }
    }
}

impl Claim {
    /// The request was done: keeps what is known of it for `ttl`, and of all that is known as much as `memory` bytes.
    pub(super) fn done(self, stored: Arc<Stored>, ttl: Duration, memory: usize) {
        let Self { table, key, permit } = self;
        let until = table.clock.now().saturating_add(nanos(ttl));
        let done = &mut *lock(&table.done);
        done.bytes += stored.bytes();
        done.by_key.insert(key, Known { stored, until });
        done.order.push_back((key, until));
        done.forget(|bytes, _| bytes > memory);
        // Behind the answer: whoever is admitted next finds it.
        drop(permit);
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
        let done = lock(&table.done);
        assert_eq!((done.by_key.len(), done.order.len(), done.bytes), (0, 0, 0));
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
        let done = lock(&table.done);
        assert_eq!((done.order.len(), done.bytes), (0, 0));
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

    /// As soon as one has an answer, no other is admitted, whenever it comes.
    #[test]
    fn one_of_many_at_once_is_the_first() {
        let table = Arc::new(Table::new(Clock::manual()));
        for n in 0..50 {
            let claims = std::thread::scope(|threads| {
                let admit = || {
                    let Admission::First(claim) = table.admit(key(n), key(n)) else { return 0 };
                    claim.done(stored(n), SECOND, usize::MAX);
                    1
                };
                let all: Vec<_> = (0..4).map(|_| threads.spawn(admit)).collect();
                all.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>()
            });
            assert_eq!(claims, 1);
        }
    }
}
