//! The settings of one function, as its call sites read them: on a miss only, and then one word unless there are any.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use crate::l1::{AnyStore, StoreBounds, most_entries};
use crate::policy::PolicySettings;
use crate::sync::{Mutex, lock};

/// The settings of one function.
#[derive(Default)]
pub(crate) struct FunctionSettings {
    /// True while `policy` has any.
    is_set: AtomicBool,
    policy: RwLock<PolicySettings>,
    stores: Mutex<FunctionStores>,
}

/// The stores of a function, with the bounds that its settings give them.
#[derive(Default)]
struct FunctionStores {
    bounds: StoreBounds,
    stores: Vec<FunctionStore>,
    /// The options that settings may give, once a call site is known.
    options: Option<Vec<&'static str>>,
}

/// A store of a function.
#[derive(Clone)]
pub(crate) struct FunctionStore {
    pub(crate) store: Weak<dyn AnyStore>,
    /// True if it has a capacity of its own, which a bound in bytes leaves as it is.
    pub(crate) has_capacity: bool,
    /// True if it holds values, whose bytes are bounded.
    pub(crate) has_values: bool,
}

impl FunctionStore {
    fn set(&self, function: usize, bounds: StoreBounds) -> Option<Arc<dyn AnyStore>> {
        let store = self.store.upgrade()?;
        let implied = bounds.max_bytes.filter(|_| !self.has_capacity && self.has_values);
        let capacity = bounds.capacity.or(implied.map(most_entries));
        store.set_bounds(function, StoreBounds { capacity, max_bytes: bounds.max_bytes.filter(|_| self.has_values) });
        Some(store)
    }
}

impl FunctionSettings {
    /// Returns the options that settings give to the policy of a call; `None` if there are none.
    pub(crate) fn policy(&self) -> Option<PolicySettings> {
        let is_set = self.is_set.load(Acquire);
        is_set.then(|| *self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a store, which gets the bounds of the settings, and the options that settings may give to its call site.
    pub(crate) fn add_stores(&self, added: impl IntoIterator<Item = FunctionStore>, options: &[&'static str]) {
        let mut stores = lock(&self.stores);
        for store in added {
            if stores.bounds != StoreBounds::default() {
                store.set(self.number(), stores.bounds);
            }
            if stores.stores.iter().all(|known| !Weak::ptr_eq(&known.store, &store.store)) {
                stores.stores.push(store);
            }
        }
        let known = stores.options.get_or_insert_default();
        known.extend(options.iter().filter(|option| !known.contains(option)).copied().collect::<Vec<_>>());
    }

    /// Returns the options that settings may give; `None` if no call site is known.
    pub(crate) fn options(&self) -> Option<Vec<&'static str>> {
        lock(&self.stores).options.clone()
    }

    /// Sets all options of the function, and returns the stores that may have to evict entries.
    pub(crate) fn set(&self, policy: PolicySettings, bounds: StoreBounds) -> Vec<Arc<dyn AnyStore>> {
        let mut stores = lock(&self.stores);
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
        self.is_set.store(policy != PolicySettings::default(), Release);
        if std::mem::replace(&mut stores.bounds, bounds) == bounds {
            return Vec::new();
        }
        stores.stores.iter().filter_map(|store| store.set(self.number(), bounds)).collect()
    }

    /// Returns the number by which stores know the function: the address of its settings, which do not move.
    fn number(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl std::fmt::Debug for FunctionSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FunctionSettings").field("policy", &self.policy()).finish_non_exhaustive()
    }
}
