//! The in-process tier: decoded, typed values, one bounded store per key template and type.
//!
//! May use: `clock`, `key`, `log`, `sync`.
//!
//! A read finds the entry by hashing the arguments where they are and comparing them with the stored ones: no lock, no
//! allocation, no key text. Beside the lock-free index stands a queue ([`s3fifo`]) in shards, each under a mutex that only
//! inserts of new keys take; it decides who goes when the store is full.
//!
//! Invariants: an entry is judged by the log each time it is about to be served, so inserting one that was invalidated
//! meanwhile is harmless; a key whose value is replaced keeps its place in the queue.

use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::atomic::{AtomicU64, AtomicUsize};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use scc::HashIndex;
use scc::hash_index::Entry as Place;

use crate::clock::Clock;
use crate::key::args::Args;
use crate::key::{Hashed, Prehashed};
use crate::log::Log;
use crate::sync::{Mutex, lock};

mod budget;
mod entry;
mod s3fifo;

pub(crate) use budget::Budget;
pub(crate) use entry::{Entry, Found, Lifetime};
use s3fifo::{Residents, S3Fifo};

/// A shard per this many entries, so that a small store evicts exactly and a large one inserts in parallel.
const ENTRIES_PER_SHARD: usize = 512;
const MAX_SHARDS: usize = 16;

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
    queues: Box<[Mutex<S3Fifo>]>,
    capacity: usize,
    evictions: AtomicU64,
    len: AtomicUsize,
    common: Common,
}

impl<K: Clone + Eq + 'static, V: Clone + 'static> L1<K, V> {
    pub(crate) fn new(capacity: usize, common: Common) -> Self {
        let shards = (capacity / ENTRIES_PER_SHARD).clamp(1, MAX_SHARDS);
        Self {
            index: HashIndex::with_hasher(Prehashed::default()),
            queues: (0..shards).map(|_| Mutex::default()).collect(),
            capacity,
            evictions: AtomicU64::new(0),
            len: AtomicUsize::new(0),
            common,
        }
    }

    /// Owns the arguments.
    pub(crate) fn own<A: Args<Owned = K>>(&self, args: &A) -> Hashed<K> {
        Hashed { hash: self.hash(args), args: args.own() }
    }

    #[inline]
    fn hash<A: Args<Owned = K>>(&self, args: &A) -> u64 {
        let mut hasher = self.common.hasher.build_hasher();
        args.feed(&mut hasher);
        hasher.finish()
    }

    /// The value for these arguments, if it is fresh and valid.
    // By force; see `Front::hit`.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(crate) fn hit<A: Args<Owned = K>>(&self, args: &A) -> Option<V> {
        let probe = Probe { hash: self.hash(args), args };
        self.index.peek_with(&probe, |_, entry| entry.hit(self.common.clock.coarse(), &self.common.log)).flatten()
    }

    /// Most stores of absences and errors are, and those of values that are in the shared tier only.
    pub(crate) fn is_empty(&self) -> bool {
        self.len.load(Relaxed) == 0
    }

    /// The value of this key, if it is valid, fresh or not.
    pub(crate) fn look(&self, key: &Hashed<K>) -> Option<Found<V>> {
        if self.is_empty() {
            return None;
        }
        self.index.peek_with(key, |_, entry| entry.look(&self.common.log)).flatten()
    }

    /// Marks an entry, valid or not. Under its bucket's lock: a lock-free read may be of a copy that a growing index leaves
    /// behind.
    pub(crate) fn mark(&self, key: &Hashed<K>, mark: impl FnOnce(&Entry<V>)) {
        self.index.read_sync(key, |_, entry| mark(entry));
    }

    pub(crate) fn insert(&self, key: Hashed<K>, entry: Entry<V>) {
        if self.capacity == 0 || !self.common.clock.ensure_ticking() {
            return;
        }
        let hash = key.hash;
        match self.index.entry_sync(key) {
            Place::Occupied(mut place) => {
                place.update(entry);
                return;
            }
            Place::Vacant(place) => drop(place.insert_entry(entry)),
        }
        self.len.fetch_add(1, Relaxed);
        self.common.budget.add();
        // Over the total, the largest store gives up an entry, or this one if it is that.
        let budget = &self.common.budget;
        let over = budget.exceeded() && !budget.taken_from_the_largest(self.len.load(Relaxed));
        let mut queue = lock(self.queue(hash));
        let room = if over { queue.len() } else { self.share() };
        queue.admit(hash, room.min(self.share()), self);
    }

    pub(crate) fn remove(&self, key: &Hashed<K>) {
        if self.index.remove_sync(key) {
            self.forget();
        }
    }

    pub(crate) fn common(&self) -> &Common {
        &self.common
    }

    fn forget(&self) {
        self.len.fetch_sub(1, Relaxed);
        self.common.budget.remove();
    }

    /// The capacity of one shard.
    fn share(&self) -> usize {
        self.capacity / self.queues.len()
    }

    fn queue(&self, hash: u64) -> &Mutex<S3Fifo> {
        let shard = (hash >> 16) as usize % self.queues.len();
        &self.queues[shard]
    }
}

impl<K, V> std::fmt::Debug for L1<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("L1").field("len", &self.len).field("capacity", &self.capacity).finish_non_exhaustive()
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
        self.len.load(Relaxed)
    }

    fn evictions(&self) -> u64 {
        self.evictions.load(Relaxed)
    }

    fn shrink_to(&self, entries: usize) {
        let each = entries.div_ceil(self.queues.len());
        for queue in &self.queues {
            lock(queue).shrink(each, self);
        }
        // To the exact number: from the longest queues.
        while self.len() > entries {
            let longest = self.queues.iter().max_by_key(|queue| lock(queue).len());
            let Some(mut queue) = longest.map(lock).filter(|queue| queue.len() > 0) else { return };
            let each = queue.len() - 1;
            queue.shrink(each, self);
        }
    }
}

impl<K: Clone + Eq + 'static, V: Clone + 'static> Residents for L1<K, V> {
    fn hits(&self, hash: u64) -> Option<u8> {
        self.index.peek_with(&ByHash(hash), |_, entry| entry.hits())
    }

    fn set_hits(&self, hash: u64, hits: u8) {
        self.index.peek_with(&ByHash(hash), |_, entry| entry.set_hits(hits));
    }

    fn evict(&self, hash: u64) {
        if self.index.remove_sync(&ByHash(hash)) {
            self.evictions.fetch_add(1, Relaxed);
            self.forget();
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

/// A key as the queue knows it. Two keys of one hash would take each other's place in the queue, and nothing else.
struct ByHash(u64);

impl<K> scc::Equivalent<Hashed<K>> for ByHash {
    fn equivalent(&self, key: &Hashed<K>) -> bool {
        self.0 == key.hash
    }
}

impl Hash for ByHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

#[cfg(test)]
mod tests;
