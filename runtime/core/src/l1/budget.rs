//! The bound on the entries of all stores of one handle together.

use crate::sync::atomic::AtomicUsize;
use crate::sync::atomic::Ordering::Relaxed;
use std::sync::Weak;

use super::any_store::AnyStore;
use crate::sync::{Mutex, lock};

/// The number of entries of one handle, and its limit.
pub(crate) struct EntryBudget {
    used: AtomicUsize,
    limit: AtomicUsize,
    /// Never locked together with a lock of a store.
    stores: Mutex<Vec<Weak<dyn AnyStore>>>,
}

impl EntryBudget {
    pub(crate) fn new(limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), limit: AtomicUsize::new(limit), stores: Mutex::default() }
    }

    pub(crate) fn add(&self) {
        self.used.fetch_add(1, Relaxed);
    }

    pub(crate) fn remove(&self) {
        self.used.fetch_sub(1, Relaxed);
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
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
        let largest = lock(&self.stores).iter().filter_map(Weak::upgrade).max_by_key(|store| store.len());
        let Some(largest) = largest.filter(|store| store.len() > len + 1) else {
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
