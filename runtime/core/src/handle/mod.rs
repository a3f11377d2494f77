//! The handle: one cache with its clock, its log, its stores and its settings.
//!
//! May use: `clock`, `error`, `events`, `key`, `l1`, `log`, `policy`, `resilience`, `shared`, `stats`, `sync`, `trace`.
//!
//! A process has one default handle: the one that was [installed](Fastness::install), or an embedded cache that is made on first use. A
//! call inside [`with_cache`] uses the handle given there instead, and a call site with `on = expr` uses the handle of that expression.
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::clock::Clock;
use crate::error::{Error, ErrorDetail};
use crate::events::CacheEvents;
#[cfg(feature = "monitor")]
use crate::l1::GuardBounds;
use crate::l1::{AnyStore, KeyList, L1, StoreContext, call, free_earlier, watch};
use crate::log::{Log, Reach, Record};
#[cfg(feature = "settings")]
use crate::resilience::GivenChanges;
#[cfg(feature = "redis")]
use crate::shared::SharedStats;
use crate::shared::{SharedApi as _, Tier};
use crate::stats::Counters;
#[cfg(feature = "settings")]
use crate::sync::MutexGuard;
use crate::sync::{Mutex, lock, thread_is_ending, watch_thread};

mod builder;
mod collector;
mod control;
mod destination;
mod events;
#[cfg(feature = "settings")]
mod function_settings;
mod listed;
mod mode;
mod overrides;
mod plain;
mod provenance;
mod stats;
mod switch;
mod transaction;
mod turned_off;

pub use builder::Builder;
pub(crate) use collector::Collector;
pub(crate) use control::{FunctionControl, FunctionControls, SiteSwitches};
pub(crate) use destination::Destination;
#[cfg(feature = "settings")]
pub(crate) use function_settings::FunctionStore;
use listed::ListedStores;
pub(crate) use mode::CallMode;
pub use mode::{bypass, bypass_sync, reload, reload_sync};
#[cfg(feature = "http")]
pub(crate) use overrides::CurrentCache;
pub(crate) use overrides::with_current_cache;
pub use overrides::{with_cache, with_cache_sync};
pub use provenance::{provenance, provenance_sync};
pub use stats::{HandleStats, SiteStats};
use switch::Switch;
pub use transaction::CacheTransaction;

/// A cache in which annotated functions store their values. Cheap to clone; clones are the same cache.
///
/// Annotated functions work without a handle of the program's own: they use an embedded cache with the defaults. Build a handle to change
/// settings, or to give a test its own cache.
///
/// ```
/// use fastness::Fastness;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// Fastness::builder().capacity(50_000).build()?.install()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Fastness {
    inner: Arc<HandleInner>,
}

type Erased = Arc<dyn Any + Send + Sync>;
/// A call site and its instantiation.
type StateId = (usize, TypeId);
type SiteStates = scc::HashIndex<StateId, Erased, foldhash::fast::RandomState>;

pub(crate) struct HandleInner {
    context: StoreContext,
    events: CacheEvents,
    /// The shared tier, if there is one.
    tier: Option<Arc<Tier>>,
    capacity: usize,
    /// The states of call sites, by site and instantiation.
    states: Arc<SiteStates>,
    /// The stores, by key template and types; locked while a call site gets its store, never during an operation of a store.
    stores: Mutex<HandleStores>,
    sites: Mutex<Vec<SiteCounters>>,
    /// The switch of all call sites, and the controls of functions.
    switch: Arc<Switch>,
    functions: Mutex<FunctionControls>,
    /// The settings in force, locked while others are applied.
    #[cfg(feature = "settings")]
    settings: Mutex<HandleSettings>,
    listed: ListedStores,
}

#[derive(Default)]
struct HandleStores {
    by_key: HashMap<(String, TypeId, Option<TypeId>), Erased>,
    all: Vec<Arc<dyn AnyStore>>,
    /// Objects that call sites of the same values share, by their number and type.
    common: HashMap<(u64, TypeId), Erased>,
    /// The function that owns the values of a key template, where functions are known only by their paths: in the shared tier and for
    /// direct calls.
    owners: HashMap<String, TypeId>,
}

/// The settings that a handle gives.
#[cfg(feature = "settings")]
#[derive(Debug, Default)]
pub(crate) struct HandleSettings {
    /// All of them, as they are shown.
    pub(crate) shown: serde_json::Map<String, serde_json::Value>,
    pub(crate) policies: GivenChanges,
}

struct SiteCounters {
    name: String,
    key: String,
    counters: Arc<Counters>,
    switches: SiteSwitches,
}

static DEFAULT: OnceLock<Fastness> = OnceLock::new();

impl Fastness {
    /// Returns the handle in force: that of the innermost [`with_cache`], otherwise the process default.
    pub fn current() -> Self {
        Self::current_override().unwrap_or_else(|| Self::process_default().clone())
    }

    /// Makes this handle the process default.
    ///
    /// # Errors
    ///
    /// Fails if there is a process default already, because another handle was installed or an annotated function was called.
    pub fn install(self) -> Result<(), Error> {
        DEFAULT.set(self).map_err(|_| ErrorDetail::AlreadyInstalled.into())
    }

    /// Returns the counters of this handle and its call sites so far.
    pub fn stats(&self) -> HandleStats {
        let mut stats = HandleStats {
            invalidations: self.log().records(),
            floor_verdicts: self.log().floor_verdicts(),
            disabled: !self.is_enabled(),
            ..HandleStats::default()
        };
        for site in lock(&self.inner.sites).iter() {
            let snapshot = site.counters.snapshot();
            stats.total += snapshot;
            let (name, key, disabled) = (site.name.clone(), site.key.clone(), site.switches.is_off());
            stats.sites.push(SiteStats { name, key, disabled, stats: snapshot });
        }
        for store in self.stores() {
            stats.entries += store.living();
            stats.bytes += store.bytes();
            stats.evictions += store.evictions();
        }
        stats
    }

    /// Returns the state and counters of the shared tier; `None` without one.
    #[cfg(feature = "redis")]
    pub fn shared(&self) -> Option<SharedStats> {
        self.inner.tier.as_ref().map(|tier| tier.stats())
    }

    /// Bounds the number of entries of all call sites together, at once and from now on; each store evicts its share. `usize::MAX` removes
    /// the bound. It is meant for a guard that watches memory.
    pub fn set_max_entries(&self, entries: usize) {
        self.inner.context.budget.set_limit(entries);
        self.shrink_to_limit();
    }

    fn shrink_to_limit(&self) {
        let budget = &self.inner.context.budget;
        let (used, limit) = (budget.used(), budget.limit());
        if used <= limit {
            return;
        }
        for store in self.stores() {
            let share = store.len() as u128 * limit as u128 / used.max(1) as u128;
            store.shrink_to(usize::try_from(share).unwrap_or(usize::MAX), budget.cause_by_entries());
        }
        self.sweep();
    }

    /// Bounds the bytes of all entries together, at once and from now on, as [`Builder::max_bytes`] does; each store evicts its share.
    /// `usize::MAX` removes the bound.
    pub fn set_max_bytes(&self, bytes: usize) {
        self.inner.context.budget.set_max_bytes(bytes);
        self.shrink_to_bytes();
    }

    /// Bounds all entries together for the memory guard with this number, in entries and in bytes; `None` removes its bounds. Of several
    /// guards, and of the user's bounds, the lowest hold.
    #[cfg(feature = "monitor")]
    pub(crate) fn set_guard(&self, guard: u64, bounds: Option<GuardBounds>) {
        self.inner.context.budget.set_guard(guard, bounds);
        self.shrink_to_bytes();
        self.shrink_to_limit();
    }

    fn shrink_to_bytes(&self) {
        let budget = &self.inner.context.budget;
        let (used, bytes) = (budget.bytes(), budget.max_bytes());
        if used <= bytes {
            return;
        }
        for store in self.stores() {
            let share = store.bytes() as u128 * bytes as u128 / used.max(1) as u128;
            store.shrink_to_bytes(usize::try_from(share).unwrap_or(usize::MAX), budget.cause_by_bytes());
        }
        self.sweep();
    }

    /// Invalidates all entries, and frees them in this process before it returns. With a shared tier the invalidation is announced to all
    /// processes in the background. Inside of a [`CacheTransaction`], that is done when it commits.
    ///
    /// The calling thread drops the values. If the `Drop` of a cached value calls this, the other values are dropped after that one. Values
    /// that another thread is reading at that moment are dropped soon after, by the sweep or by this thread's next operation.
    pub fn clear(&self) {
        self.announce_later(Record::clear());
        self.sweep();
    }

    /// Frees dead entries, or wakes the sweep to do so.
    fn sweep(&self) {
        let is_left = self.stores().into_iter().filter(|store| !store.sweep()).count() > 0;
        free_earlier();
        if is_left {
            call();
        }
    }

    /// Returns all stores, cloned so that the lock, which every new call site needs, is not held during long operations that may drop
    /// values.
    fn stores(&self) -> Vec<Arc<dyn AnyStore>> {
        lock(&self.inner.stores).all.clone()
    }

    /// Invalidates the scopes of a record in this process at once, and announces them to other processes in the background.
    pub(crate) fn announce_later(&self, record: Record) {
        self.destination().announce_later(record);
    }

    /// Invalidates the scopes of a record in this process, and waits until they are announced to others.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the scopes are invalidated in this process all the same, and announced to others in the background.
    pub(crate) async fn announce(&self, record: Record) -> Reach {
        self.destination().announce(record).await
    }

    /// Does what [`announce`](Self::announce) does, and blocks the thread. Where it cannot wait, the announcement is sent in the background.
    pub(crate) fn announce_sync(&self, record: Record) -> Reach {
        self.destination().announce_sync(record)
    }

    fn destination(&self) -> Destination<'_> {
        Destination { context: &self.inner.context, tier: self.inner.tier.as_ref() }
    }

    /// Returns the number of entries of all call sites together, and the bound on it.
    #[cfg(feature = "monitor")]
    pub(crate) fn entries_and_bound(&self) -> (usize, usize) {
        let budget = &self.inner.context.budget;
        (budget.used(), budget.limit())
    }

    /// Returns the bound on the number of entries that the user has set.
    #[cfg(feature = "monitor")]
    pub(crate) fn configured_entries(&self) -> usize {
        self.inner.context.budget.configured()
    }

    /// Returns the bytes of all entries together.
    #[cfg(feature = "monitor")]
    pub(crate) fn entry_bytes(&self) -> usize {
        self.inner.context.budget.bytes()
    }

    /// Evicts the entries of these stores that are beyond their bounds. No lock may be held, because values are dropped.
    #[cfg(feature = "settings")]
    pub(crate) fn evict_excess(&self, stores: &[Arc<dyn AnyStore>]) {
        for store in stores {
            store.evict_excess();
        }
        if !stores.is_empty() {
            self.sweep();
        }
    }

    /// Returns the settings in force, locked.
    #[cfg(feature = "settings")]
    pub(crate) fn applied_settings(&self) -> MutexGuard<'_, HandleSettings> {
        lock(&self.inner.settings)
    }

    /// Returns the clock.
    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.context.clock
    }

    /// Returns the identity that all processes with this shared tier have in common; `None` without a shared tier.
    pub(crate) fn fleet(&self) -> Option<String> {
        self.inner.tier.as_ref().map(|tier| tier.identity())
    }

    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.inner.context.log
    }

    #[cfg(feature = "http")]
    pub(crate) fn is_shared(&self) -> bool {
        self.inner.tier.is_some()
    }

    pub(crate) fn process_default() -> &'static Self {
        DEFAULT.get_or_init(|| Self::builder().make())
    }

    pub(crate) fn is_process_default(&self) -> bool {
        DEFAULT.get().is_some_and(|default| Arc::ptr_eq(&self.inner, &default.inner))
    }

    /// Returns the state of a call site in this handle, if it was created and this thread does not end.
    pub(crate) fn find_state<C: Send + Sync + 'static>(&self, id: StateId) -> Option<Arc<C>> {
        self.find_erased(id).map(downcast)
    }

    /// Returns the state of a call site in this handle, created on its first call. `make` runs under a lock, so it runs no code of a user.
    pub(crate) fn site_state<C: Send + Sync + 'static>(&self, id: StateId, make: impl FnOnce() -> C) -> Arc<C> {
        let mut make = Some(make);
        downcast(self.erased_state(id, &mut || Arc::new((make.take().expect("made once"))())))
    }

    /// The state of a call site, type-erased, so that the index is compiled here and not in every crate that has call sites.
    fn erased_state(&self, id: StateId, make: &mut dyn FnMut() -> Erased) -> Erased {
        if thread_is_ending() {
            // This state uses the same stores, but no other call finds it.
            return make();
        }
        let state = self.find_erased(id);
        let state = state.unwrap_or_else(|| self.inner.states.entry_sync(id).or_insert_with(make).get().clone());
        watch_thread();
        state
    }

    fn find_erased(&self, id: StateId) -> Option<Erased> {
        if thread_is_ending() {
            return None;
        }
        let state = self.inner.states.peek_with(&id, |_, state| state.clone());
        watch_thread();
        state
    }

    /// Returns the store of a key template and its types, created on first use.
    pub(crate) fn store<K, V>(&self, key: &str, of: Option<TypeId>, capacity: Option<usize>) -> Arc<L1<K, V>>
    where
        K: Clone + Eq + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let id = (key.to_owned(), TypeId::of::<L1<K, V>>(), of);
        downcast(self.erased_store(id, capacity, |capacity, context| {
            let store = Arc::new(L1::<K, V>::new(capacity, context));
            (store.clone(), store)
        }))
    }

    fn erased_store(
        &self,
        id: (String, TypeId, Option<TypeId>),
        capacity: Option<usize>,
        make: fn(usize, StoreContext) -> (Erased, Arc<dyn AnyStore>),
    ) -> Erased {
        let mut stores = lock(&self.inner.stores);
        if let Some(store) = stores.by_key.get(&id) {
            return store.clone();
        }
        let (store, any) = make(capacity.unwrap_or(self.inner.capacity), self.inner.context.clone());
        stores.by_key.insert(id, store.clone());
        self.inner.context.budget.add_store(Arc::downgrade(&any));
        watch(Arc::downgrade(&any));
        stores.all.push(any);
        store
    }

    /// Returns the object that call sites of the same values share in this handle, created on first use.
    pub(crate) fn common<T: Default + Send + Sync + 'static>(&self, number: u64, value: TypeId) -> Arc<T> {
        let id = (number, value);
        downcast(lock(&self.inner.stores).common.entry(id).or_insert_with(|| Arc::<T>::default()).clone())
    }

    /// Returns whether this function owns the values of its key template. Different functions may have the same path (in blocks of one
    /// function, in macros); the first one that is called owns the values.
    pub(crate) fn is_owner(&self, key: &str, of: Option<TypeId>) -> bool {
        of.is_none_or(|of| *lock(&self.inner.stores).owners.entry(key.to_owned()).or_insert(of) == of)
    }

    /// Returns the shared tier for a function that [owns](Self::is_owner) its keys; other functions use the local tier only.
    pub(crate) fn tier_of(&self, is_owner: bool, name: &str) -> Option<Arc<Tier>> {
        let tier = self.inner.tier.clone()?;
        if !is_owner {
            tracing::warn!(
                function = name,
                "another function of the same path is cached, so the values of this one stay in this process: give it a `key`"
            );
        }
        is_owner.then_some(tier)
    }

    /// Logs that the values of a function stay in this process, if there is a shared tier.
    pub(crate) fn no_tier_of(&self, name: &str) -> Option<Arc<Tier>> {
        if self.inner.tier.is_some() {
            tracing::warn!(
                function = name,
                "a closure is among the types of this function, so its values stay in this process: use a named function instead of the closure"
            );
        }
        None
    }

    /// Adds a store, with its address, to those whose keys are listed under this path of a function.
    pub(crate) fn add_keys(&self, path: &str, id: usize, keys: Arc<dyn KeyList>) {
        self.inner.listed.add(path, id, keys);
    }

    /// Returns the stores of the functions with these paths, each store once.
    pub(crate) fn keys_of(&self, paths: &[String]) -> Vec<Arc<dyn KeyList>> {
        self.inner.listed.named(paths)
    }

    pub(crate) fn counters(&self, name: &str, key: &str, switches: &SiteSwitches) -> Arc<Counters> {
        let counters = Arc::new(Counters::default());
        if !thread_is_ending() {
            let (counters, switches) = (counters.clone(), switches.clone());
            let site = SiteCounters { name: name.to_owned(), key: key.to_owned(), counters, switches };
            lock(&self.inner.sites).push(site);
        }
        counters
    }
}

impl Drop for HandleInner {
    /// Leaves the indexes to another thread, if this thread is ending: an ending thread must not touch an index, not even to drop it. If no
    /// thread can be started, the indexes are leaked.
    fn drop(&mut self) {
        static NONE: LazyLock<Arc<SiteStates>> = LazyLock::new(Arc::default);
        if thread_is_ending() {
            let indexes = (std::mem::replace(&mut self.states, NONE.clone()), std::mem::take(&mut self.stores));
            // A breaker that has a setting of this handle is found by an index, too.
            #[cfg(feature = "settings")]
            let indexes = (indexes, std::mem::take(&mut self.settings));
            let shared = Arc::new(Mutex::new(Some(indexes)));
            let moved = shared.clone();
            let thread = std::thread::Builder::new().name("fastness-drop".into());
            if thread.spawn(move || drop(lock(&moved).take())).is_err() {
                std::mem::forget(shared);
            }
        }
    }
}

/// Downcasts an object to the type that was part of its key.
fn downcast<T: Send + Sync + 'static>(any: Erased) -> Arc<T> {
    any.downcast().unwrap_or_else(|_| unreachable!("looked up by its TypeId"))
}

impl std::fmt::Debug for HandleInner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandleInner")
            .field("log", &self.context.log)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::named;

    #[tokio::test]
    async fn a_dropped_handle_is_freed() {
        let fast = Fastness::builder().build().unwrap();
        let (inner, cache) = (Arc::downgrade(&fast.inner), fast.cache());
        cache.set(&named("n:1"), 1, std::time::Duration::from_secs(60)).await;
        assert_eq!(cache.get::<i32>(&named("n:1")).await, Some(1));
        drop((fast, cache));
        assert!(inner.upgrade().is_none(), "a part of the handle has a reference to it");
    }
}
