//! The handle: one cache with its clock, its log, its stores and its settings.
//!
//! May use: `clock`, `error`, `l1`, `log`, `shared`, `stats`, `sync`.
//!
//! There is one process default: the one that [`Fastness::install`] was called on, or an embedded cache made on first use. A call
//! inside [`with_cache`] uses the handle given there instead, and a call site with `on = expr` the one that it names.
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::l1::{AnyStore, L1, StoreContext, call, free_earlier, watch};
use crate::log::{Log, Reach, Record};
#[cfg(feature = "redis")]
use crate::shared::SharedStats;
use crate::shared::{SharedApi as _, Tier};
use crate::stats::Counters;
use crate::sync::{Mutex, lock, thread_is_ending, watch_thread};

mod builder;
mod overrides;
mod stats;

pub use builder::Builder;
pub(crate) use overrides::with_current_cache;
pub use overrides::{with_cache, with_cache_sync};
pub use stats::{HandleStats, SiteStats};

/// A cache: what annotated functions store their values in. Cheap to clone; clones are the same cache.
///
/// A program that wants the embedded defaults needs none of this: annotated functions work without any set-up. Build one
/// to change settings, or to give a test a cache of its own.
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
    inner: Arc<Inner>,
}

type Erased = Arc<dyn Any + Send + Sync>;
type Cells = scc::HashIndex<(usize, TypeId), Erased, foldhash::fast::RandomState>;

pub(crate) struct Inner {
    context: StoreContext,
    /// The shared tier, where there is one.
    tier: Option<Arc<Tier>>,
    capacity: usize,
    /// Per call site and instantiation, what it keeps here.
    cells: Arc<Cells>,
    /// Per key template and types, the store. Under one lock with `all`.
    stores: Mutex<HandleStores>,
    sites: Mutex<Vec<SiteCounters>>,
}

#[derive(Default)]
struct HandleStores {
    by_key: HashMap<(String, TypeId, Option<TypeId>), Erased>,
    all: Vec<Arc<dyn AnyStore>>,
    /// Objects that call sites of the same values share, by their number and type.
    common: HashMap<(u64, TypeId), Erased>,
    /// The function that has the values of a key template where only its path is known: in the shared tier, and for direct calls.
    owners: HashMap<String, TypeId>,
}

struct SiteCounters {
    name: String,
    key: String,
    counters: Arc<Counters>,
}

static DEFAULT: OnceLock<Fastness> = OnceLock::new();

impl Fastness {
    /// Returns the handle in force here: that of the innermost [`with_cache`], else the process default.
    pub fn current() -> Self {
        Self::current_override().unwrap_or_else(|| Self::process_default().clone())
    }

    /// Makes this the process default.
    ///
    /// # Errors
    ///
    /// If there is one already, because another was installed or an annotated function was called before.
    pub fn install(self) -> Result<(), Error> {
        DEFAULT.set(self).map_err(|_| Kind::AlreadyInstalled.into())
    }

    /// What this handle's call sites did so far.
    pub fn stats(&self) -> HandleStats {
        let mut stats = HandleStats {
            invalidations: self.log().records(),
            floor_verdicts: self.log().floor_verdicts(),
            ..HandleStats::default()
        };
        for site in lock(&self.inner.sites).iter() {
            let own = site.counters.snapshot();
            stats.total += own;
            stats.sites.push(SiteStats { name: site.name.clone(), key: site.key.clone(), stats: own });
        }
        for store in self.stores() {
            stats.entries += store.living();
            stats.evictions += store.evictions();
        }
        stats
    }

    /// What the shared tier does; `None` where there is none.
    #[cfg(feature = "redis")]
    pub fn shared(&self) -> Option<SharedStats> {
        self.inner.tier.as_ref().map(|tier| tier.stats())
    }

    /// Bounds the entries of all call sites together, at once and from now on; each store gives up its share. Meant for a
    /// guard that watches memory; `usize::MAX` lifts the bound.
    pub fn set_max_entries(&self, entries: usize) {
        let budget = &self.inner.context.budget;
        budget.set_limit(entries);
        let used = budget.used();
        if used <= entries {
            return;
        }
        for store in self.stores() {
            let share = store.len() as u128 * entries as u128 / used.max(1) as u128;
            store.shrink_to(usize::try_from(share).unwrap_or(usize::MAX));
        }
        self.sweep();
    }

    /// Invalidates everything that is cached, and frees it in this process before it returns; with a shared tier it is invalidated by
    /// all processes, to whom it is announced in the background.
    ///
    /// Values are dropped by the thread that calls it. From within the `Drop` of a cached value it returns first, and the others are
    /// dropped after that one. What another thread is reading at that moment is dropped soon after, by the sweep or by this thread's next
    /// operation.
    pub fn clear(&self) {
        self.announce_later(Record::clear());
        self.sweep();
    }

    /// Frees what is dead, or has it freed.
    fn sweep(&self) {
        let is_left = self.stores().into_iter().filter(|store| !store.sweep()).count() > 0;
        free_earlier();
        if is_left {
            call();
        }
    }

    /// All stores. Out of the lock, which every new call site needs: what is done with them takes a while, and may drop values.
    fn stores(&self) -> Vec<Arc<dyn AnyStore>> {
        lock(&self.inner.stores).all.clone()
    }

    /// Invalidates here and now; other processes are told in the background.
    pub(crate) fn announce_later(&self, record: Record) {
        if record.is_empty() {
            return;
        }
        // Time moves with invalidations too, should the ticker be starved, or be that of a forked child's parent.
        self.inner.context.clock.notice_fork();
        self.inner.context.clock.now();
        match &self.inner.tier {
            Some(tier) => tier.announce_later(record),
            None => drop(self.log().append(&record)),
        }
    }

    /// Invalidates here and everywhere.
    ///
    /// # Cancel safety
    ///
    /// Dropping it invalidates here, and tells others in the background.
    pub(crate) async fn announce(&self, record: Record) -> Reach {
        match &self.inner.tier {
            Some(tier) if !record.is_empty() => {
                self.inner.context.clock.notice_fork();
                self.inner.context.clock.now();
                tier.announce(record).await
            }
            _ => {
                self.announce_later(record);
                Reach::Announced
            }
        }
    }

    /// How many entries there are, and how many there may be, of all call sites together.
    #[cfg(feature = "monitor")]
    pub(crate) fn entries_and_bound(&self) -> (usize, usize) {
        let budget = &self.inner.context.budget;
        (budget.used(), budget.limit())
    }

    /// Where it reads the time.
    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.context.clock
    }

    /// What is the same for all processes that share what is cached here; `None` if nobody does.
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

    /// What a call site keeps here, made on its first call.
    pub(crate) fn cell<C: Send + Sync + 'static>(&self, site: usize, here: TypeId, make: impl FnOnce() -> C) -> Arc<C> {
        let mut make = Some(make);
        downcast(self.erased_cell(site, here, &mut || Arc::new((make.take().expect("made once"))())))
    }

    /// Not generic, so that the index is compiled here and not in every crate that has call sites.
    fn erased_cell(&self, site: usize, here: TypeId, make: &mut dyn FnMut() -> Erased) -> Erased {
        if thread_is_ending() {
            // A cell that no other call finds, over the same stores.
            return make();
        }
        let cell = self.inner.cells.peek_with(&(site, here), |_, cell| cell.clone());
        let cell = cell.unwrap_or_else(|| self.inner.cells.entry_sync((site, here)).or_insert_with(make).get().clone());
        watch_thread();
        cell
    }

    /// The store of a key template, made when first asked for.
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

    /// The object that call sites of the same values share in this handle, made when it is first asked for.
    pub(crate) fn common<T: Default + Send + Sync + 'static>(&self, number: u64, value: TypeId) -> Arc<T> {
        let id = (number, value);
        downcast(lock(&self.inner.stores).common.entry(id).or_insert_with(|| Arc::<T>::default()).clone())
    }

    /// Whether this function is the one that its path is known by, where its path is in its keys. Paths may be spelled the same where
    /// functions are not (in blocks of one function, in macros): it is the first that is called.
    pub(crate) fn is_owner(&self, key: &str, of: Option<TypeId>) -> bool {
        of.is_none_or(|of| *lock(&self.inner.stores).owners.entry(key.to_owned()).or_insert(of) == of)
    }

    /// The shared tier for a function that [is the owner](Self::is_owner) of its keys or not; others keep to this process.
    pub(crate) fn tier_of(&self, is_owner: bool, name: &str) -> Option<Arc<Tier>> {
        let tier = self.inner.tier.clone()?;
        if !is_owner {
            tracing::warn!(
                function = name,
                "two functions of this path are cached: give one a `key` to share its values"
            );
        }
        is_owner.then_some(tier)
    }

    /// Says that a function's values stay in this process.
    pub(crate) fn no_tier_of(&self, name: &str) -> Option<Arc<Tier>> {
        if self.inner.tier.is_some() {
            tracing::warn!(
                function = name,
                "a closure is among the types of this function, and no other process knows which: its values stay here"
            );
        }
        None
    }

    pub(crate) fn counters(&self, name: &str, key: &str) -> Arc<Counters> {
        let counters = Arc::new(Counters::default());
        if !thread_is_ending() {
            let site = SiteCounters { name: name.to_owned(), key: key.to_owned(), counters: counters.clone() };
            lock(&self.inner.sites).push(site);
        }
        counters
    }
}

impl Drop for Inner {
    /// A thread that is ending must not touch an index, not even to drop it, so another one does. If there is none to be had, they
    /// are lost.
    fn drop(&mut self) {
        static NONE: LazyLock<Arc<Cells>> = LazyLock::new(Arc::default);
        if thread_is_ending() {
            let indexes = (std::mem::replace(&mut self.cells, NONE.clone()), std::mem::take(&mut self.stores));
            let parcel = Arc::new(Mutex::new(Some(indexes)));
            let sent = parcel.clone();
            let thread = std::thread::Builder::new().name("fastness-drop".into());
            if thread.spawn(move || drop(lock(&sent).take())).is_err() {
                std::mem::forget(parcel);
            }
        }
    }
}

/// The type was part of the key under which it was found.
fn downcast<T: Send + Sync + 'static>(any: Erased) -> Arc<T> {
    any.downcast().unwrap_or_else(|_| unreachable!("looked up by its TypeId"))
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
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
    async fn a_handle_that_is_dropped_is_gone() {
        let fast = Fastness::builder().build().unwrap();
        let (inner, cache) = (Arc::downgrade(&fast.inner), fast.cache());
        cache.set(&named("n:1"), 1, std::time::Duration::from_secs(60)).await;
        assert_eq!(cache.get::<i32>(&named("n:1")).await, Some(1));
        drop((fast, cache));
        assert!(inner.upgrade().is_none(), "something that it owns keeps it alive");
    }
}
