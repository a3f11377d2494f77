//! The in-process tier: decoded, typed values, one bounded store per key template and type.
//!
//! May use: `clock`, `key`, `log`, `sync`.
//!
//! A read finds the entry by hashing the arguments where they are and comparing them with the stored ones: no lock, no
//! allocation, no key text. Beside the lock-free index stands a queue ([`s3fifo`]) in shards, each under a mutex that only
//! inserts of new keys take; it decides who goes when the store is full.
//!
//! Invariants: an entry is judged by the log each time it is about to be served, so inserting one that was invalidated
//! meanwhile is harmless; a key whose value is replaced keeps its place in the queue; no value replaces one whose load began later.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use scc::HashIndex;
use scc::hash_index::Entry as Place;

use crate::clock::Clock;
use crate::key::args::Args;
use crate::key::{Hashed, Prehashed};
use crate::log::Log;
use crate::sync::thread_is_ending;

mod budget;
mod entry;
mod room;
mod s3fifo;

pub(crate) use budget::Budget;
pub(crate) use entry::{Entry, Found, Lifetime, LoadStart};
use room::Room;
use s3fifo::Residents;

/// What all stores of one handle share.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) clock: Clock,
    pub(crate) log: Arc<Log>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) hasher: foldhash::fast::RandomState,
}

pub(crate) struct L1<K, V> {
    index: HashIndex<Hashed<K>, Entry<V>, Prehashed>,
    room: Room,
}

impl<K: Clone + Eq + 'static, V: Clone + 'static> L1<K, V> {
    pub(crate) fn new(capacity: usize, common: Common) -> Self {
        Self { index: HashIndex::with_hasher(Prehashed::default()), room: Room::new(capacity, common) }
    }

    /// Owns the arguments.
    pub(crate) fn own<A: Args<Owned = K>>(&self, args: &A) -> Hashed<K> {
        Hashed { hash: self.hash(args), args: args.own() }
    }

    #[inline]
    fn hash<A: Args<Owned = K>>(&self, args: &A) -> u64 {
        let mut hasher = self.room.common.hasher.build_hasher();
        args.feed(&mut hasher);
        hasher.finish()
    }

    /// The value for these arguments, if it is fresh and valid.
    // By force; see `Front::hit`.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(crate) fn hit<A: Args<Owned = K>>(&self, args: &A) -> Option<V> {
        if thread_is_ending() {
            return None;
        }
        let probe = Probe { hash: self.hash(args), args };
        self.index
            .peek_with(&probe, |_, entry| entry.hit(self.room.common.clock.coarse(), &self.room.common.log).cloned())
            .flatten()
    }

    /// What `with` makes of the value for these arguments, and of the time, if the value is fresh and valid. No lock is held.
    #[cfg(feature = "http")]
    #[inline]
    pub(crate) fn hit_with<A: Args<Owned = K>, R>(&self, args: &A, with: impl FnOnce(&V, u64) -> R) -> Option<R> {
        if thread_is_ending() {
            return None;
        }
        let probe = Probe { hash: self.hash(args), args };
        let now = self.room.common.clock.coarse();
        self.index
            .peek_with(&probe, |_, entry| entry.hit(now, &self.room.common.log).map(|value| with(value, now)))
            .flatten()
    }

    /// Most stores of absences and errors are, and those of values that are in the shared tier only.
    pub(crate) fn is_empty(&self) -> bool {
        self.room.len() == 0
    }

    /// The value of this key, if it is valid, fresh or not.
    pub(crate) fn look(&self, key: &Hashed<K>) -> Option<Found<V>> {
        if self.is_empty() || thread_is_ending() {
            return None;
        }
        self.index.peek_with(&Query::of(key), |_, entry| entry.look(&self.room.common.log)).flatten()
    }

    /// Marks an entry, valid or not. Under its bucket's lock: a lock-free read may be of a copy that a growing index leaves
    /// behind. A writer's lock, because a reader's would be compiled for this alone.
    pub(crate) fn mark(&self, key: &Hashed<K>, mark: impl FnOnce(&Entry<V>)) {
        if !thread_is_ending()
            && let Some(place) = self.index.get_sync(&Query::of(key))
        {
            mark(place.get());
        }
    }

    /// A load begins now.
    pub(crate) fn start(&self) -> LoadStart {
        // In this order, so that of two loads the one with the larger number has not the smaller epoch as a rule.
        let number = self.room.number();
        LoadStart { epoch: self.room.common.log.position(), number }
    }

    /// Stores a value, unless there is one whose load began later.
    pub(crate) fn insert(&self, key: Hashed<K>, entry: Entry<V>) {
        if thread_is_ending() || !self.room.is_open() {
            return;
        }
        let hash = key.hash;
        match self.index.entry_sync(key) {
            Place::Occupied(mut place) => {
                if place.get().number() <= entry.number() {
                    place.update(entry);
                }
                return;
            }
            Place::Vacant(place) => drop(place.insert_entry(entry)),
        }
        self.room.admit(hash, self);
    }

    /// Removes a value, unless its load began later than the one with this number.
    pub(crate) fn remove(&self, key: &Hashed<K>, number: u64) {
        if !thread_is_ending() && self.index.remove_if_sync(&Query::of(key), |entry| entry.number() <= number) {
            self.room.forget();
        }
    }

    /// Whether there is a value whose load began later than the one with this number.
    pub(crate) fn has_newer(&self, key: &Hashed<K>, number: u64) -> bool {
        let newer = |_: &_, entry: &Entry<V>| entry.number() > number;
        !self.is_empty() && !thread_is_ending() && self.index.peek_with(&Query::of(key), newer).unwrap_or_default()
    }

    pub(crate) fn common(&self) -> &Common {
        &self.room.common
    }
}

impl<K, V> std::fmt::Debug for L1<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("L1")
            .field("len", &self.room.len())
            .field("capacity", &self.room.capacity)
            .finish_non_exhaustive()
    }
}

/// A store whose types do not matter: for totals and for the memory guard.
pub(crate) trait AnyStore: Send + Sync {
    fn len(&self) -> usize;
    fn evictions(&self) -> u64;
    /// Evicts until at most this many entries are left.
    fn shrink_to(&self, entries: usize);
}

impl<K, V> AnyStore for L1<K, V>
where
    K: Clone + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn len(&self) -> usize {
        self.room.len()
    }

    fn evictions(&self) -> u64 {
        self.room.evictions()
    }

    fn shrink_to(&self, entries: usize) {
        if !thread_is_ending() {
            self.room.shrink_to(entries, self);
        }
    }
}

impl<K: Clone + Eq + 'static, V: Clone + 'static> Residents for L1<K, V> {
    fn hits(&self, hash: u64) -> Option<u8> {
        self.index.peek_with(&Query::by_hash(hash), |_, entry| entry.hits())
    }

    fn set_hits(&self, hash: u64, hits: u8) {
        self.index.peek_with(&Query::by_hash(hash), |_, entry| entry.set_hits(hits));
    }

    fn evict(&self, hash: u64) {
        if self.index.remove_sync(&Query::by_hash(hash)) {
            self.room.evicted();
        }
    }
}

/// A key that is looked up by borrowed arguments.
struct Probe<'a, A> {
    hash: u64,
    args: &'a A,
}

impl<A: Args> scc::Equivalent<Hashed<A::Owned>> for Probe<'_, A> {
    #[inline]
    fn equivalent(&self, key: &Hashed<A::Owned>) -> bool {
        self.hash == key.hash && self.args.same(&key.args)
    }
}

impl<A> Hash for Probe<'_, A> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// A key as all but the hit path look for it; one type, so that the index is compiled once for it.
struct Query<'a, K> {
    hash: u64,
    /// `None` as the queue knows a key. Two keys of one hash would take each other's place in it, and nothing else.
    args: Option<&'a K>,
}

impl<'a, K> Query<'a, K> {
    fn of(key: &'a Hashed<K>) -> Self {
        Self { hash: key.hash, args: Some(&key.args) }
    }

    fn by_hash(hash: u64) -> Self {
        Self { hash, args: None }
    }
}

impl<K: Eq> scc::Equivalent<Hashed<K>> for Query<'_, K> {
    fn equivalent(&self, key: &Hashed<K>) -> bool {
        self.hash == key.hash && self.args.is_none_or(|args| *args == key.args)
    }
}

impl<K> Hash for Query<'_, K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

#[cfg(test)]
mod tests;
