//! A bound on the entries of all stores of one handle together.

use crate::sync::atomic::AtomicUsize;
use crate::sync::atomic::Ordering::Relaxed;
use std::sync::Weak;

use super::any_store::AnyStore;
use crate::sync::{Mutex, lock};

/// How many entries there are, and may be.
pub(crate) struct Budget {
    used: AtomicUsize,
    limit: AtomicUsize,
    /// Not under a store's lock, and no store's lock is taken under it.
    stores: Mutex<Vec<Weak<dyn AnyStore>>>,
}

impl Budget {
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

    /// Whether a store of so many entries may grow at the cost of the largest one, which then gave up an entry.
    pub(crate) fn taken_from_the_largest(&self, len: usize) -> bool {
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

impl std::fmt::Debug for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budget").field("used", &self.used).field("limit", &self.limit).finish_non_exhaustive()
    }
}
