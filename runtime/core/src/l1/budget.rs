//! The bound on the entries of all stores of one handle together.

use crate::sync::atomic::AtomicUsize;
use crate::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use super::any_store::AnyStore;
use crate::sync::{Mutex, lock};

/// The number of entries of one handle and their bytes, and the limits on both.
pub(crate) struct EntryBudget {
    used: AtomicUsize,
    limit: AtomicUsize,
    bytes: AtomicUsize,
    /// The bound in bytes that the user has set.
    max_bytes: AtomicUsize,
    /// The bound in bytes for the memory that the process has left, which a memory guard sets.
    room_left: AtomicUsize,
    /// Never locked together with a lock of a store.
    stores: Mutex<Vec<Weak<dyn AnyStore>>>,
}

impl EntryBudget {
    pub(crate) fn new(limit: usize, max_bytes: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit),
            bytes: AtomicUsize::new(0),
            max_bytes: AtomicUsize::new(max_bytes),
            room_left: AtomicUsize::new(usize::MAX),
            stores: Mutex::default(),
        }
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.used.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn remove(&self, bytes: usize) {
        self.used.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(bytes, Relaxed);
    }

    /// Counts an entry whose value was replaced.
    pub(crate) fn replace(&self, old: usize, new: usize) {
        self.bytes.fetch_add(new, Relaxed);
        self.bytes.fetch_sub(old, Relaxed);
    }

    /// Returns the bytes of all entries. An entry that another thread removes may be subtracted before it was added.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed).cast_signed().max(0).cast_unsigned()
    }

    /// Returns the bound in bytes.
    pub(crate) fn max_bytes(&self) -> usize {
        self.max_bytes.load(Relaxed).min(self.room_left.load(Relaxed))
    }

    pub(crate) fn set_max_bytes(&self, bytes: usize) {
        self.max_bytes.store(bytes, Relaxed);
    }

    /// Bounds the bytes by the memory that the process has left; `usize::MAX` removes that bound.
    #[cfg(feature = "monitor")]
    pub(crate) fn set_room_left(&self, bytes: usize) {
        self.room_left.store(bytes, Relaxed);
    }

    /// Evicts entries of the stores with the most bytes until the bound holds. No lock of a store may be held.
    pub(crate) fn make_room(&self) {
        while self.bytes() > self.max_bytes() {
            let heaviest = self.stores().into_iter().max_by_key(|store| store.bytes());
            let Some(heaviest) = heaviest else { return };
            let evicted = heaviest.evict_one();
            heaviest.settle();
            if !evicted {
                return;
            }
        }
    }

    /// Returns the stores that are still in use. They leave the lock first: the last reference to a store drops its values.
    fn stores(&self) -> Vec<Arc<dyn AnyStore>> {
        lock(&self.stores).iter().filter_map(Weak::upgrade).collect()
    }

    /// Returns the number of all entries, with the same reservation as [`bytes`](Self::bytes).
    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed).cast_signed().max(0).cast_unsigned()
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Relaxed)
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Relaxed);
    }

    pub(crate) fn add_store(&self, store: Weak<dyn AnyStore>) {
        lock(&self.stores).push(store);
    }

    /// Evicts one entry of the largest store, if that has more than a store of `len` entries. Returns whether it did.
    pub(crate) fn evict_from_largest(&self, len: usize) -> bool {
        let largest = self.stores().into_iter().max_by_key(|store| store.len());
        let Some(largest) = largest.filter(|store| store.len() > len.saturating_add(1)) else {
            return false;
        };
        largest.shrink_to(largest.len() - 1);
        largest.settle();
        true
    }

    pub(crate) fn exceeded(&self) -> bool {
        self.used() > self.limit()
    }
}

impl std::fmt::Debug for EntryBudget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntryBudget").field("used", &self.used).field("limit", &self.limit).finish_non_exhaustive()
    }
}
