//! The bound on the entries of all stores of one handle together.

use crate::sync::atomic::AtomicUsize;
use crate::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use super::any_store::AnyStore;
use crate::events::Eviction;
use crate::sync::{Mutex, lock};

/// The number of entries of one handle and their bytes, and the limits on both.
pub(crate) struct EntryBudget {
    used: AtomicUsize,
    limit: AtomicUsize,
    bytes: AtomicUsize,
    /// The bound in bytes that the user has set.
    max_bytes: AtomicUsize,
    /// The smallest bounds of memory guards, in bytes and in entries.
    room_left: AtomicUsize,
    guarded: AtomicUsize,
    /// The bounds of each memory guard, by its number.
    #[cfg_attr(not(feature = "monitor"), allow(dead_code))]
    guards: Mutex<Vec<(u64, GuardBounds)>>,
    /// Never locked together with a lock of a store.
    stores: Mutex<Vec<Weak<dyn AnyStore>>>,
}

/// The bounds that one memory guard sets; `usize::MAX` for none.
#[cfg_attr(not(feature = "monitor"), allow(dead_code))] // only a monitor has memory guards
#[derive(Clone, Copy, Debug)]
pub(crate) struct GuardBounds {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

impl EntryBudget {
    pub(crate) fn new(limit: usize, max_bytes: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit),
            bytes: AtomicUsize::new(0),
            max_bytes: AtomicUsize::new(max_bytes),
            room_left: AtomicUsize::new(usize::MAX),
            guarded: AtomicUsize::new(usize::MAX),
            guards: Mutex::default(),
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

    /// Returns the cause of evictions for the bound in bytes that is in force.
    pub(crate) fn cause_by_bytes(&self) -> Eviction {
        let is_memory = self.room_left.load(Relaxed) < self.max_bytes.load(Relaxed);
        if is_memory { Eviction::Memory } else { Eviction::Bytes }
    }

    /// Returns the cause of evictions for the bound in entries that is in force.
    pub(crate) fn cause_by_entries(&self) -> Eviction {
        let is_memory = self.guarded.load(Relaxed) < self.limit.load(Relaxed);
        if is_memory { Eviction::Memory } else { Eviction::Capacity }
    }

    pub(crate) fn set_max_bytes(&self, bytes: usize) {
        self.max_bytes.store(bytes, Relaxed);
    }

    /// Sets the bounds of the memory guard with this number, or removes them. Of several guards, the lowest bounds hold.
    #[cfg(feature = "monitor")]
    pub(crate) fn set_guard(&self, guard: u64, bounds: Option<GuardBounds>) {
        let mut guards = lock(&self.guards);
        guards.retain(|(other, _)| *other != guard);
        guards.extend(bounds.map(|bounds| (guard, bounds)));
        let least =
            |of: fn(&GuardBounds) -> usize| guards.iter().map(|(_, bounds)| of(bounds)).min().unwrap_or(usize::MAX);
        self.room_left.store(least(|bounds| bounds.bytes), Relaxed);
        self.guarded.store(least(|bounds| bounds.entries), Relaxed);
    }

    /// Evicts entries of the stores with the most bytes until the bound holds. No lock of a store may be held.
    pub(crate) fn make_room(&self) {
        while self.bytes() > self.max_bytes() {
            let heaviest = self.stores().into_iter().max_by_key(|store| store.bytes());
            let Some(heaviest) = heaviest else { return };
            let evicted = heaviest.evict_one(self.cause_by_bytes());
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

    /// Returns the bound in entries: the user's, or a lower one of a memory guard.
    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Relaxed).min(self.guarded.load(Relaxed))
    }

    /// Returns the bound in entries that the user has set.
    #[cfg(feature = "monitor")]
    pub(crate) fn configured(&self) -> usize {
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
        largest.shrink_to(largest.len() - 1, self.cause_by_entries());
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
