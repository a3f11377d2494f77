//! One policy per key, with a bound on their number.
//!
//! Keys (a host, a tenant) may come from outside in any number, so the number of policies is capped: above the cap, the least recently
//! used one is dropped, preferably one that can be dropped without loss. Calls in flight hold the one that they began with.
//!
//! A lookup takes no lock. Adding a policy does, and above the cap it scans all of them: 10 us at 1 000.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock};

use scc::{Guard, HashIndex};

use crate::clock::Clock;
use crate::sync::{Mutex, lock, thread_is_ending, watch_thread};

/// The longest name that is stored in full, in bytes.
const LONGEST: usize = 256;

/// Bounds a name from outside to be stored: a longer one becomes its beginning and 128 bits of hash over all of it.
///
/// The hash is std's, under two keys that each process draws at random, so a client cannot make two names that share a policy.
pub(super) fn stored_name(name: &str) -> Cow<'_, str> {
    static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);
    if name.len() <= LONGEST {
        return Cow::Borrowed(name);
    }
    let beginning: String = name.chars().take(LONGEST / 8).collect();
    let [high, low] = [0, 1].map(|key: usize| KEYS[key].hash_one(name));
    Cow::Owned(format!("{beginning}~{high:016x}{low:016x}"))
}

/// A policy that can be stored per key, and evicted.
pub(super) trait Evictable {
    /// Returns whether it can be dropped and created again without loss.
    fn is_idle(&self) -> bool;
}

#[derive(Debug)]
struct KeyedSlot<T> {
    value: Arc<T>,
    /// The last use, by the coarse time in nanoseconds.
    used: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Keyed<T: 'static> {
    held: HashIndex<Box<str>, Arc<KeyedSlot<T>>>,
    /// The number of policies. The lock orders all changes of the map.
    count: Mutex<usize>,
    cap: usize,
    clock: Clock,
}

impl<T: Evictable> Keyed<T> {
    pub(super) fn new(cap: usize, clock: Clock) -> Self {
        Self { held: HashIndex::new(), count: Mutex::new(0), cap: cap.max(1), clock }
    }

    /// Returns the policy of this key, created if there is none. `dropped` gets the one that is dropped for it.
    pub(super) fn get(&self, key: &str, make: impl FnOnce() -> T, dropped: impl FnOnce(&T)) -> Arc<T> {
        if thread_is_ending() {
            return Arc::new(make());
        }
        let found = self.find(key).unwrap_or_else(|| self.add(key, make, dropped));
        watch_thread();
        found
    }

    fn find(&self, key: &str) -> Option<Arc<T>> {
        self.held.peek_with(key, |_, held| {
            held.used.store(self.clock.coarse(), Relaxed);
            held.value.clone()
        })
    }

    #[cold]
    fn add(&self, key: &str, make: impl FnOnce() -> T, dropped: impl FnOnce(&T)) -> Arc<T> {
        let value = Arc::new(make());
        let mut count = lock(&self.count);
        // Another thread may have added the policy meanwhile.
        if let Some(found) = self.find(key) {
            return found;
        }
        if *count >= self.cap
            && let Some(gone) = self.drop_one()
        {
            *count -= 1;
            dropped(&gone);
        }
        let held = KeyedSlot { value: value.clone(), used: AtomicU64::new(self.clock.now()) };
        if self.held.insert_sync(key.into(), Arc::new(held)).is_ok() {
            *count += 1;
        }
        value
    }

    fn drop_one(&self) -> Option<Arc<T>> {
        let guard = Guard::new();
        let all = self.held.iter(&guard);
        let (key, held) = all.min_by_key(|(_, held)| (!held.value.is_idle(), held.used.load(Relaxed)))?;
        self.held.remove_sync(key).then(|| held.value.clone())
    }

    /// Returns all policies, in no order.
    pub(super) fn all(&self) -> Vec<Arc<T>> {
        let guard = Guard::new();
        self.held.iter(&guard).map(|(_, held)| held.value.clone()).collect()
    }
}
