//! Requests of this process: those in flight, claimed by single flight, and those that were answered.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::digest::RequestDigest;
use super::stored::StoredRequest;
use crate::clock::{Clock, nanos};
use crate::flight::{Flights, Joined, LoadPermit, Terms};
use crate::key::Hashed;
use crate::sync::{Mutex, lock};

/// Table of a layer's requests in this process.
pub(super) struct RequestTable {
    clock: Clock,
    in_flight: Arc<Flights>,
    answered: Mutex<AnsweredRequests>,
}

#[derive(Default)]
struct AnsweredRequests {
    by_key: HashMap<RequestDigest, AnsweredRequest>,
    /// Keys, the oldest first, and the times at which they expire.
    order: VecDeque<(RequestDigest, u64)>,
    bytes: usize,
}

struct AnsweredRequest {
    stored: Arc<StoredRequest>,
    /// Time at which it expires, in nanoseconds of the clock.
    until: u64,
}

/// Decision on a request.
pub(super) enum Decision {
    /// First request of its key: process it.
    Process(Claim),
    /// Request that was answered.
    Answered(Arc<StoredRequest>),
    /// The same request is in flight.
    InFlight,
    /// Request whose key was used for another one.
    ReusedKey,
}

/// The right to process a request; released when dropped.
pub(super) struct Claim {
    table: Arc<RequestTable>,
    key: RequestDigest,
    permit: LoadPermit,
}

impl RequestTable {
    pub(super) fn new(clock: Clock) -> Self {
        Self { in_flight: Arc::new(Flights::without_log(clock.clone())), clock, answered: Mutex::default() }
    }

    pub(super) fn admit(self: &Arc<Self>, key: RequestDigest, fingerprint: RequestDigest) -> Decision {
        if let Some(decision) = self.answered(key, fingerprint) {
            return decision;
        }
        let note = u128::from_be_bytes(fingerprint);
        // No patience limit: a server polls a request until it ends, or drops it.
        let terms = Terms { wait: false, patience: u64::MAX, note };
        match self.in_flight.join(hashed(key).erased(), &[], terms) {
            // Another request may have been answered since the check.
            Joined::Lead(permit) => match self.answered(key, fingerprint) {
                Some(decision) => decision,
                None => Decision::Process(Claim { table: self.clone(), key, permit }),
            },
            Joined::Taken(other) if other == note => Decision::InFlight,
            Joined::Taken(_) | Joined::Within | Joined::Wait(_) => Decision::ReusedKey,
        }
    }

    /// Decides on a request whose key was answered; `None` if it was not.
    fn answered(&self, key: RequestDigest, fingerprint: RequestDigest) -> Option<Decision> {
        let now = self.clock.now();
        let answered = &mut *lock(&self.answered);
        answered.remove_oldest(|_, until| until <= now);
        answered.remove_if_expired(key, now);
        let stored = &answered.by_key.get(&key)?.stored;
        let same = stored.fingerprint == fingerprint;
        Some(if same { Decision::Answered(stored.clone()) } else { Decision::ReusedKey })
    }
}

/// Returns a key in the form of single flight. It is a digest, so a part of it serves as the hash.
fn hashed(key: RequestDigest) -> Hashed<RequestDigest> {
    let hash = key.last_chunk().map_or(0, |part| u64::from_be_bytes(*part));
    Hashed { hash, args: key }
}

impl AnsweredRequests {
    /// Removes answers, the oldest first, while `remove` holds for the bytes of all and the expiry of the oldest.
    fn remove_oldest(&mut self, remove: impl Fn(usize, u64) -> bool) {
        while let Some((key, until)) = self.order.front().copied()
            && remove(self.bytes, until)
        {
            self.order.pop_front();
            self.remove_if_expired(key, until);
        }
    }

    /// Removes the answer of a key if it expires by `time`: answers of other processes expire earlier than their position in `order` tells.
    fn remove_if_expired(&mut self, key: RequestDigest, time: u64) {
        if let Entry::Occupied(answer) = self.by_key.entry(key)
            && answer.get().until <= time
        {
            self.bytes -= answer.remove().stored.bytes();
        }
    }
}

impl Claim {
    /// Ends the claim with an answer, which is stored for `ttl`; the oldest answers are removed until all take at most `memory` bytes.
    pub(super) fn complete(self, stored: Arc<StoredRequest>, ttl: Duration, memory: usize) {
        let Self { table, key, permit } = self;
        let until = table.clock.now().saturating_add(nanos(ttl));
        let answered = &mut *lock(&table.answered);
        answered.bytes += stored.bytes();
        answered.by_key.insert(key, AnsweredRequest { stored, until });
        answered.order.push_back((key, until));
        answered.remove_oldest(|bytes, _| bytes > memory);
        // Released after the answer is stored, so that the next request finds it.
        drop(permit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(n: u8) -> RequestDigest {
        [n; 16]
    }

    fn stored(n: u8) -> Arc<StoredRequest> {
        Arc::new(StoredRequest { fingerprint: key(n), answer: None })
    }

    fn first(table: &Arc<RequestTable>, n: u8) -> Claim {
        match table.admit(key(n), key(n)) {
            Decision::Process(claim) => claim,
            _ => panic!("{n} is known"),
        }
    }

    #[test]
    fn a_claim_that_is_dropped_leaves_nothing() {
        let table = Arc::new(RequestTable::new(Clock::manual()));
        let claim = first(&table, 1);
        assert!(matches!(table.admit(key(1), key(1)), Decision::InFlight));
        assert!(matches!(table.admit(key(1), key(2)), Decision::ReusedKey));
        drop(claim);
        first(&table, 1).complete(stored(1), SECOND, usize::MAX);
        assert!(matches!(table.admit(key(1), key(1)), Decision::Answered(_)));
        assert!(matches!(table.admit(key(1), key(2)), Decision::ReusedKey));
    }

    #[test]
    fn answers_are_removed_when_their_time_is_up() {
        let clock = Clock::manual();
        let table = Arc::new(RequestTable::new(clock.clone()));
        first(&table, 1).complete(stored(1), SECOND, usize::MAX);
        clock.advance(SECOND / 2);
        first(&table, 2).complete(stored(2), SECOND, usize::MAX);
        clock.advance(SECOND / 2);
        drop(first(&table, 1));
        assert!(matches!(table.admit(key(2), key(2)), Decision::Answered(_)));
        clock.advance(SECOND);
        drop(first(&table, 2));
        let answered = lock(&table.answered);
        assert_eq!((answered.by_key.len(), answered.order.len(), answered.bytes), (0, 0, 0));
    }

    #[test]
    fn the_first_expiry_of_an_answer_does_not_remove_its_successor() {
        let clock = Clock::manual();
        let table = Arc::new(RequestTable::new(clock.clone()));
        first(&table, 1).complete(stored(1), SECOND * 10, usize::MAX);
        first(&table, 2).complete(stored(2), SECOND, usize::MAX);
        clock.advance(SECOND);
        first(&table, 2).complete(stored(2), SECOND * 10, usize::MAX);
        assert!(matches!(table.admit(key(1), key(1)), Decision::Answered(_)));
        assert!(matches!(table.admit(key(2), key(2)), Decision::Answered(_)), "its first end is not its second");
        clock.advance(SECOND * 10);
        drop(first(&table, 1));
        let answered = lock(&table.answered);
        assert_eq!((answered.order.len(), answered.bytes), (0, 0));
    }

    #[test]
    fn the_oldest_answers_make_room() {
        let table = Arc::new(RequestTable::new(Clock::manual()));
        let two = 2 * stored(0).bytes();
        for n in 1..=3 {
            first(&table, n).complete(stored(n), SECOND, two);
        }
        drop(first(&table, 1));
        assert!(matches!(table.admit(key(2), key(2)), Decision::Answered(_)));
        assert!(matches!(table.admit(key(3), key(3)), Decision::Answered(_)));
    }

    /// Once a request is answered, no other with its key is admitted.
    #[test]
    fn exactly_one_of_many_concurrent_claims_is_the_first() {
        let table = Arc::new(RequestTable::new(Clock::manual()));
        for n in 0..50 {
            let claims = std::thread::scope(|threads| {
                let admit = || {
                    let Decision::Process(claim) = table.admit(key(n), key(n)) else { return 0 };
                    claim.complete(stored(n), SECOND, usize::MAX);
                    1
                };
                let all: Vec<_> = (0..4).map(|_| threads.spawn(admit)).collect();
                all.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>()
            });
            assert_eq!(claims, 1);
        }
    }
}
