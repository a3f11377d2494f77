//! Policies by name: every use of a name gets the same policy, and uses with other settings are recorded.
//!
//! Names may come from outside, so their number is bounded: above the bound, the least recently used policy is dropped, among those that
//! can be dropped without loss. If none can, a new name gets a new policy for each call, which is not stored.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use scc::HashIndex;

use super::keyed::{Evictable, stored_name};
use crate::clock::Clock;
use crate::sync::{Mutex, lock, thread_is_ending, watch_thread};

#[cfg(test)]
mod tests;

/// The maximum number of recorded uses of a name, one per place in the source and settings. Settings may come from outside, as names may.
const USES: usize = 16;

/// A use of a name: its place in the source, and the requested settings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Use<S> {
    pub(super) location: &'static Location<'static>,
    pub(super) settings: S,
}

/// All named policies of one kind.
pub(super) struct Named<T: 'static, S: 'static> {
    by_name: HashIndex<Arc<str>, Arc<NamedSlot<T, S>>>,
    /// The number of names. The lock orders all changes of the map.
    count: Mutex<usize>,
    most: AtomicUsize,
    /// True once the warning that a name was not stored was logged.
    warned: AtomicBool,
    clock: Clock,
}

struct NamedSlot<T, S> {
    value: T,
    /// The last lookup, by the coarse time in nanoseconds.
    used: AtomicU64,
    /// The uses, one per place; the first has the settings in force.
    uses: Mutex<Vec<Use<S>>>,
}

impl<T: Clone + Evictable, S: Clone + PartialEq> Named<T, S> {
    /// Creates a registry for at most `most` names.
    pub(super) fn new(most: usize, clock: Clock) -> Self {
        let (count, most) = (Mutex::new(0), AtomicUsize::new(most));
        Self { by_name: HashIndex::new(), count, most, warned: AtomicBool::new(false), clock }
    }

    /// Sets the maximum number of names. Stored policies stay until another name needs a place.
    pub(super) fn set_most(&self, most: usize) {
        self.most.store(most, Relaxed);
    }

    pub(super) fn get(&self, name: &str) -> Option<T> {
        if thread_is_ending() { None } else { self.find(&stored_name(name)).map(|held| held.value.clone()) }
    }

    fn find(&self, name: &str) -> Option<Arc<NamedSlot<T, S>>> {
        let held = self.by_name.peek_with(name, |_, held| held.clone())?;
        let now = self.clock.coarse();
        // The time is written once a tick only, because all threads read it.
        if held.used.load(Relaxed) != now {
            held.used.store(now, Relaxed);
        }
        Some(held)
    }

    /// Returns the policy of this name, created by `make` if there is none. `make` gets the name as it is stored.
    pub(super) fn get_or_make(&self, name: &str, requested: Use<S>, make: impl FnOnce(&str) -> T) -> T {
        let name = &*stored_name(name);
        if thread_is_ending() {
            return make(name);
        }
        let held = self.find(name).unwrap_or_else(|| self.add(name, make));
        watch_thread();
        let mut uses = lock(&held.uses);
        if uses.len() < USES && !uses.contains(&requested) {
            uses.push(requested);
        }
        held.value.clone()
    }

    #[cold]
    fn add(&self, name: &str, make: impl FnOnce(&str) -> T) -> Arc<NamedSlot<T, S>> {
        let mut count = lock(&self.count);
        // Another thread may have added the policy meanwhile.
        if let Some(found) = self.find(name) {
            return found;
        }
        let held =
            Arc::new(NamedSlot { value: make(name), used: AtomicU64::new(self.clock.now()), uses: Mutex::default() });
        let most = self.most.load(Relaxed).max(1);
        while *count >= most && self.drop_one() {
            *count -= 1;
        }
        if *count < most {
            *count += usize::from(self.by_name.insert_sync(name.into(), held.clone()).is_ok());
        } else if !self.warned.swap(true, Relaxed) {
            tracing::warn!(
                name,
                most,
                "too many breaker names: all stored breakers are open or in use, so a new one is not stored; raise `Breaker::set_max_named`"
            );
        }
        held
    }

    /// Drops the least recently used policy, among those that are held nowhere else and can be dropped without loss.
    fn drop_one(&self) -> bool {
        let guard = scc::Guard::new();
        let idle = self.by_name.iter(&guard).filter(|(_, held)| Arc::strong_count(held) == 1 && held.value.is_idle());
        let longest_ago = idle.min_by_key(|(_, held)| held.used.load(Relaxed));
        longest_ago.is_some_and(|(name, _)| self.by_name.remove_sync(name))
    }

    /// Returns all policies, in no order.
    pub(super) fn all(&self) -> Vec<T> {
        let guard = scc::Guard::new();
        self.by_name.iter(&guard).map(|(_, held)| held.value.clone()).collect()
    }

    /// Returns every use of every name.
    pub(super) fn uses(&self) -> Vec<(Arc<str>, Use<S>)> {
        let guard = scc::Guard::new();
        let mut all = Vec::new();
        for (name, held) in self.by_name.iter(&guard) {
            all.extend(lock(&held.uses).iter().map(|one| (name.clone(), one.clone())));
        }
        all
    }
}
