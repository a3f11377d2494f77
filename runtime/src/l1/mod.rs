//! The in-process tier: decoded, typed values, one bounded store per key template and type.
//!
//! May use: `clock`, `key`, `log`, `sync`.
//!
//! A read finds the entry by hashing the arguments where they are and comparing them with the stored ones: no lock, no
//! allocation, no key text. Beside the lock-free index stands a queue ([`s3fifo`]) in shards, each under a mutex that only
//! inserts of new keys take; it decides who goes when the store is full.
//!
//! Invariants: an entry is judged by the log each time it is about to be served, so inserting one that was invalidated
//! meanwhile is harmless; a key keeps its serial number when its value is replaced, so its place in the queue stays right.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};

use scc::HashIndex;
use scc::hash_index::Entry as Place;

use crate::clock::Clock;
use crate::key::args::Args;
use crate::key::{Hashed, Prehashed};
use crate::log::Log;
use crate::sync::lock;

mod budget;
mod entry;
mod s3fifo;

pub(crate) use budget::Budget;
pub(crate) use entry::{Entry, Found, Lifetime};
use s3fifo::{Residents, S3Fifo, Slot};

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
    index: HashIndex<Key<K>, Entry<V>, Prehashed>,
    queues: Box<[Mutex<S3Fifo>]>,
    capacity: usize,
    serials: AtomicU64,
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
            serials: AtomicU64::new(0),
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
    #[inline]
    pub(crate) fn hit<A: Args<Owned = K>>(&self, args: &A) -> Option<V> {
        let probe = Probe { hash: self.hash(args), args };
        self.index.peek_with(&probe, |_, entry| entry.hit(self.common.clock.coarse(), &self.common.log)).flatten()
    }

    /// The value of this key, if it is valid, fresh or not.
    pub(crate) fn look(&self, key: &Hashed<K>) -> Option<Found<V>> {
        self.peek(key, |entry| entry.look(&self.common.log)).flatten()
    }

    /// Reads an entry, valid or not.
    pub(crate) fn peek<R>(&self, key: &Hashed<K>, read: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        self.index.peek_with(key, |_, entry| read(entry))
    }

    pub(crate) fn insert(&self, hashed: Hashed<K>, entry: Entry<V>) {
        if self.capacity == 0 || !self.common.clock.ensure_ticking() {
            return;
        }
        let slot = Slot { hash: hashed.hash, serial: self.serials.fetch_add(1, Relaxed) };
        match self.index.entry_sync(Key { hashed, serial: slot.serial }) {
            Place::Occupied(mut place) => {
                place.update(entry);
                return;
            }
            Place::Vacant(place) => drop(place.insert_entry(entry)),
        }
        self.len.fetch_add(1, Relaxed);
        self.common.budget.add();
        let mut queue = lock(self.queue(slot.hash));
        // Over the total, this store gives up what it gains; it is the one that grows.
        let room = if self.common.budget.exceeded() { queue.len() } else { self.share() };
        queue.admit(slot, room.min(self.share()), self);
    }

    pub(crate) fn remove(&self, key: &Hashed<K>) {
        if self.index.remove_sync(key) {
            self.forget();
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
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
        self.capacity.div_ceil(self.queues.len())
    }

    fn queue(&self, hash: u64) -> &Mutex<S3Fifo> {
        // The index picks its buckets by the low bits; the shard takes the high ones.
        let shard = (hash >> 48) as usize % self.queues.len();
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
        let each = entries / self.queues.len();
        for queue in &self.queues {
            lock(queue).shrink(each, self);
        }
    }
}

impl<K: Clone + Eq + 'static, V: Clone + 'static> Residents for L1<K, V> {
    fn hits(&self, slot: Slot) -> Option<u8> {
        self.index.peek_with(&BySerial(slot), |_, entry| entry.hits())
    }

    fn set_hits(&self, slot: Slot, hits: u8) {
        self.index.peek_with(&BySerial(slot), |_, entry| entry.set_hits(hits));
    }

    fn evict(&self, slot: Slot) {
        if self.index.remove_sync(&BySerial(slot)) {
            self.evictions.fetch_add(1, Relaxed);
            self.forget();
        }
    }
}

/// A stored key and its place in the queue.
#[derive(Clone)]
struct Key<K> {
    hashed: Hashed<K>,
    serial: u64,
}

impl<K: Eq> PartialEq for Key<K> {
    fn eq(&self, other: &Self) -> bool {
        self.hashed == other.hashed
    }
}

impl<K: Eq> Eq for Key<K> {}

/// A key that is looked up by borrowed arguments.
struct Probe<'a, A> {
    hash: u64,
    args: &'a A,
}

impl<A: Args> scc::Equivalent<Key<A::Owned>> for Probe<'_, A> {
    #[inline]
    fn equivalent(&self, key: &Key<A::Owned>) -> bool {
        self.hash == key.hashed.hash && self.args.same(&key.hashed.args)
    }
}

impl<K: Eq> scc::Equivalent<Key<K>> for Hashed<K> {
    fn equivalent(&self, key: &Key<K>) -> bool {
        *self == key.hashed
    }
}

/// A key that is looked up by its place in the queue.
struct BySerial(Slot);

impl<K> scc::Equivalent<Key<K>> for BySerial {
    fn equivalent(&self, key: &Key<K>) -> bool {
        self.0.serial == key.serial
    }
}

macro_rules! hash_by_field {
    ($([$($generics:tt)*] $ty:ty => |$this:ident| $hash:expr),* $(,)?) => {$(
        impl<$($generics)*> Hash for $ty {
            #[inline]
            fn hash<H: Hasher>(&self, state: &mut H) {
                let $this = self;
                state.write_u64($hash);
            }
        }
    )*};
}

hash_by_field! {
    [K] Key<K> => |key| key.hashed.hash,
    [A] Probe<'_, A> => |probe| probe.hash,
    [] BySerial => |slot| slot.0.hash,
}

#[cfg(test)]
mod tests;
