//! Policies by name: whoever uses the same name gets the same one, and whoever asked for it otherwise is on record.
//!
//! Names may come from outside, so their number is bounded: over the bound, the one goes that was used longest ago, of those that can
//! be forgotten without harm. Where none can, a new name gets one of its own for each call, which is not kept.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use scc::HashIndex;

use super::keyed::{Keep, kept_name};
use crate::clock::Clock;
use crate::sync::{Mutex, lock, thread_is_ending, watch_thread};

#[cfg(test)]
mod tests;

/// Uses of a name on record: one per place in the source and settings, which may come from outside like the name.
const USES: usize = 16;

/// One place that named a policy, and the settings that it asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Use<S> {
    pub(super) location: &'static Location<'static>,
    pub(super) settings: S,
}

/// All policies of one kind.
pub(super) struct Named<T: 'static, S: 'static> {
    by_name: HashIndex<Arc<str>, Arc<Held<T, S>>>,
    /// Number of names. Its lock orders all changes of the map.
    count: Mutex<usize>,
    most: AtomicUsize,
    /// Set once it was told that a name found no place.
    told: AtomicBool,
    clock: Clock,
}

struct Held<T, S> {
    value: T,
    /// When it was asked for last, by the coarse time.
    used: AtomicU64,
    /// One per place, the one whose settings are in force first.
    uses: Mutex<Vec<Use<S>>>,
}

impl<T: Clone + Keep, S: Clone + PartialEq> Named<T, S> {
    /// Keeps so many at most.
    pub(super) fn new(most: usize, clock: Clock) -> Self {
        let (count, most) = (Mutex::new(0), AtomicUsize::new(most));
        Self { by_name: HashIndex::new(), count, most, told: AtomicBool::new(false), clock }
    }

    /// Allows so many from now on. Those that are there stay until another needs a place.
    pub(super) fn set_most(&self, most: usize) {
        self.most.store(most, Relaxed);
    }

    pub(super) fn get(&self, name: &str) -> Option<T> {
        if thread_is_ending() { None } else { self.find(&kept_name(name)).map(|held| held.value.clone()) }
    }

    fn find(&self, name: &str) -> Option<Arc<Held<T, S>>> {
        let held = self.by_name.peek_with(name, |_, held| held.clone())?;
        let now = self.clock.coarse();
        // Written once a tick, since all threads read it.
        if held.used.load(Relaxed) != now {
            held.used.store(now, Relaxed);
        }
        Some(held)
    }

    /// Returns the one of this name, made with these settings if there is none. `make` gets the name as it is kept.
    pub(super) fn get_or_make(&self, name: &str, asked: Use<S>, make: impl FnOnce(&str) -> T) -> T {
        let name = &*kept_name(name);
        if thread_is_ending() {
            return make(name);
        }
        let held = self.find(name).unwrap_or_else(|| self.add(name, make));
        watch_thread();
        let mut uses = lock(&held.uses);
        if uses.len() < USES && !uses.contains(&asked) {
            uses.push(asked);
        }
        held.value.clone()
    }

    #[cold]
    fn add(&self, name: &str, make: impl FnOnce(&str) -> T) -> Arc<Held<T, S>> {
        let mut count = lock(&self.count);
        // Another may have been faster.
        if let Some(found) = self.find(name) {
            return found;
        }
        let held = Arc::new(Held { value: make(name), used: AtomicU64::new(self.clock.now()), uses: Mutex::default() });
        let most = self.most.load(Relaxed).max(1);
        while *count >= most && self.forget_one() {
            *count -= 1;
        }
        if *count < most {
            *count += usize::from(self.by_name.insert_sync(name.into(), held.clone()).is_ok());
        } else if !self.told.swap(true, Relaxed) {
            tracing::warn!(name, most, "a name finds no place: all breakers are open or in use");
        }
        held
    }

    /// Forgets the one that was used longest ago, of those that nobody is about to use and without which nothing is lost.
    fn forget_one(&self) -> bool {
        let guard = scc::Guard::new();
        let idle = self.by_name.iter(&guard).filter(|(_, held)| Arc::strong_count(held) == 1 && held.value.is_idle());
        let longest_ago = idle.min_by_key(|(_, held)| held.used.load(Relaxed));
        longest_ago.is_some_and(|(name, _)| self.by_name.remove_sync(name))
    }

    /// All of them, in no order.
    pub(super) fn all(&self) -> Vec<T> {
        let guard = scc::Guard::new();
        self.by_name.iter(&guard).map(|(_, held)| held.value.clone()).collect()
    }

    /// Every use of every name.
    pub(super) fn uses(&self) -> Vec<(Arc<str>, Use<S>)> {
        let guard = scc::Guard::new();
        let mut all = Vec::new();
        for (name, held) in self.by_name.iter(&guard) {
            all.extend(lock(&held.uses).iter().map(|one| (name.clone(), one.clone())));
        }
        all
    }
}
