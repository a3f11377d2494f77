//! The handle: one cache with its clock, its log, its stores and its settings.
//!
//! May use: `clock`, `error`, `l1`, `log`, `stats`, `sync`.
//!
//! There is one process default: what [`Fastness::install`] was called on, or an embedded cache made on first use. A call
//! inside [`scope`] uses that scope's handle instead, and a call site with `on = expr` the one that it names.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, OnceLock};

use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::l1::{AnyStore, Budget, Common, L1};
use crate::log::{Log, Record};
use crate::stats::{Counters, Stats};
use crate::sync::lock;

/// Entries per store where neither the builder nor the attribute says otherwise.
const CAPACITY: usize = 10_000;
/// Bytes of the table that remembers invalidations: 80 000 scopes.
const MIRROR_BYTES: usize = 1 << 20;

/// A cache: what annotated functions store their values in. Cheap to clone; clones are the same cache.
///
/// A program that wants the embedded defaults needs none of this: annotated functions work without any set-up. Build one
/// to change settings, or to give a test a cache of its own.
///
/// ```
/// use fastness::Fastness;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// Fastness::builder().capacity(50_000).build().await?.install()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Fastness {
    shared: Arc<Shared>,
}

type Erased = Arc<dyn Any + Send + Sync>;

pub(crate) struct Shared {
    common: Common,
    capacity: usize,
    /// Per call site and instantiation, what it keeps here.
    cells: scc::HashIndex<(usize, TypeId), Erased>,
    /// Per key template and types, the store. Under one lock with `all`.
    stores: Mutex<Stores>,
    sites: Mutex<Vec<SiteCounters>>,
}

#[derive(Default)]
struct Stores {
    by_key: HashMap<(String, TypeId), Erased>,
    all: Vec<Arc<dyn AnyStore>>,
}

struct SiteCounters {
    name: String,
    key: String,
    counters: Arc<Counters>,
}

/// What all call sites of one handle did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HandleStats {
    /// All call sites together.
    pub total: Stats,
    /// Each call site that was called, in the order of first calls.
    pub sites: Vec<SiteStats>,
    /// Invalidations so far, by whatever means.
    pub invalidations: u64,
    /// Entries in the in-process tier now.
    pub entries: usize,
    /// Entries that had to go for lack of room.
    pub evictions: u64,
    /// How often an entry was judged by a floor because the table of invalidations had no room for its scope: each may
    /// have spoiled a hit. If it grows with your hits, give the table more memory ([`Builder::invalidation_memory`]).
    pub floor_verdicts: u64,
}

/// What one call site did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SiteStats {
    /// The function's path.
    pub name: String,
    /// Its key template.
    pub key: String,
    /// Its counters.
    pub stats: Stats,
}

static DEFAULT: OnceLock<Fastness> = OnceLock::new();
/// Whether [`scope`] was ever used: until then no call looks for one.
static SCOPED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static CURRENT: RefCell<Vec<Fastness>> = const { RefCell::new(Vec::new()) };
}

impl Fastness {
    /// Starts from the defaults: embedded, 10 000 entries per call site, 1 MiB to remember invalidations.
    pub fn builder() -> Builder {
        Builder {
            capacity: CAPACITY,
            max_entries: usize::MAX,
            mirror_bytes: MIRROR_BYTES,
            clock: Clock::system(),
        }
    }

    /// The handle in force here: of the innermost [`scope`], else the process default.
    pub fn current() -> Self {
        Self::scoped().unwrap_or_else(|| Self::process_default().clone())
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
            invalidations: self.log().position(),
            floor_verdicts: self.log().floor_verdicts(),
            ..HandleStats::default()
        };
        for site in lock(&self.shared.sites).iter() {
            let own = site.counters.snapshot();
            stats.total += own;
            stats.sites.push(SiteStats {
                name: site.name.clone(),
                key: site.key.clone(),
                stats: own,
            });
        }
        for store in &lock(&self.shared.stores).all {
            stats.entries += store.len();
            stats.evictions += store.evictions();
        }
        stats
    }

    /// Bounds the entries of all call sites together, at once and from now on; each store gives up its share. Meant for a
    /// guard that watches memory; `usize::MAX` lifts the bound.
    pub fn set_max_entries(&self, entries: usize) {
        let budget = &self.shared.common.budget;
        budget.set_limit(entries);
        let used = budget.used();
        if used <= entries {
            return;
        }
        for store in &lock(&self.shared.stores).all {
            let share = store.len() as u128 * entries as u128 / used.max(1) as u128;
            store.shrink_to(usize::try_from(share).unwrap_or(usize::MAX));
        }
    }

    /// Invalidates everything that is cached.
    pub fn clear(&self) {
        self.log().clear();
    }

    pub(crate) fn append(&self, record: &Record) {
        if !record.is_empty() {
            self.shared.common.clock.now();
            self.log().append(record);
        }
    }

    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.shared.common.log
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.common.clock
    }

    pub(crate) fn process_default() -> &'static Self {
        DEFAULT.get_or_init(|| Self::builder().make())
    }

    /// Whether any call may be inside a scope.
    #[inline]
    pub(crate) fn may_be_scoped() -> bool {
        SCOPED.load(Relaxed)
    }

    pub(crate) fn scoped() -> Option<Self> {
        Self::may_be_scoped()
            .then(|| CURRENT.with(|stack| stack.borrow().last().cloned()))
            .flatten()
    }

    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// What a call site keeps here, made on its first call.
    pub(crate) fn cell<C: Send + Sync + 'static>(
        &self,
        site: usize,
        here: TypeId,
        make: impl FnOnce() -> C,
    ) -> Arc<C> {
        let cell = self
            .shared
            .cells
            .peek_with(&(site, here), |_, cell| cell.clone());
        let cell = cell.unwrap_or_else(|| {
            let entry = self.shared.cells.entry_sync((site, here));
            entry.or_insert_with(|| Arc::new(make())).get().clone()
        });
        downcast(cell)
    }

    /// The store of a key template, made when first asked for.
    pub(crate) fn store<K, V>(&self, key: &str, capacity: Option<usize>) -> Arc<L1<K, V>>
    where
        K: Clone + Eq + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let mut stores = lock(&self.shared.stores);
        let id = (key.to_owned(), TypeId::of::<L1<K, V>>());
        if let Some(store) = stores.by_key.get(&id) {
            return downcast(store.clone());
        }
        let store = Arc::new(L1::<K, V>::new(
            capacity.unwrap_or(self.shared.capacity),
            self.shared.common.clone(),
        ));
        stores.by_key.insert(id, store.clone());
        stores.all.push(store.clone());
        store
    }

    pub(crate) fn counters(&self, name: &str, key: &str) -> Arc<Counters> {
        let counters = Arc::new(Counters::default());
        let site = SiteCounters {
            name: name.to_owned(),
            key: key.to_owned(),
            counters: counters.clone(),
        };
        lock(&self.shared.sites).push(site);
        counters
    }
}

/// The type was part of the key under which it was found.
fn downcast<T: Send + Sync + 'static>(any: Erased) -> Arc<T> {
    any.downcast()
        .unwrap_or_else(|_| unreachable!("looked up by its TypeId"))
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("log", &self.common.log)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// Runs a future with this handle in place of the process default, for it and what it awaits; not for tasks that it
/// spawns. So tests can run side by side, each with a cache of its own.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// #[fastness::cacheable(ttl = 60)]
/// async fn answer() -> u32 { 42 }
///
/// let fast = fastness::Fastness::builder().build().await?;
/// assert_eq!(fastness::scope(&fast, answer()).await, 42);
/// assert_eq!(fast.stats().entries, 1);
/// # Ok(()) }
/// ```
///
/// # Cancel safety
///
/// As safe as the future itself.
pub async fn scope<F: Future>(handle: &Fastness, future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        let _entered = enter(handle);
        future.as_mut().poll(cx)
    })
    .await
}

/// [`scope`] for code that is not async.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// #[fastness::cacheable(ttl = 60)]
/// fn answer() -> u32 { 42 }
///
/// let fast = fastness::Fastness::builder().build().await?;
/// assert_eq!(fastness::scope_sync(&fast, answer), 42);
/// assert_eq!(fast.stats().entries, 1);
/// # Ok(()) }
/// ```
pub fn scope_sync<T>(handle: &Fastness, run: impl FnOnce() -> T) -> T {
    let _entered = enter(handle);
    run()
}

struct Entered;

fn enter(handle: &Fastness) -> Entered {
    SCOPED.store(true, Relaxed);
    CURRENT.with(|stack| stack.borrow_mut().push(handle.clone()));
    Entered
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.with(|stack| stack.borrow_mut().pop());
    }
}

/// Settings of a [`Fastness`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = fastness::Fastness::builder()
///     .capacity(1_000)
///     .max_entries(100_000)
///     .invalidation_memory(8 << 20)
///     .build()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build()`"]
pub struct Builder {
    capacity: usize,
    max_entries: usize,
    mirror_bytes: usize,
    clock: Clock,
}

impl Builder {
    /// Entries per call site, where its attribute does not say `capacity = ..`. Default 10 000.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    /// Entries of all call sites together. Default: no bound.
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Bytes of the table that remembers what was invalidated. Default 1 MiB, some 80 000 scopes. Too small a table costs
    /// hits, never correctness; 8 MiB suffice for 1 000 different keys invalidated a second and ttls of 5 minutes.
    pub fn invalidation_memory(mut self, bytes: usize) -> Self {
        self.mirror_bytes = bytes;
        self
    }

    /// Where to read the time. Default: the system's monotonic clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the handle.
    ///
    /// # Errors
    ///
    /// If a setting makes no sense, such as a capacity of zero.
    // Async from the start, because connecting to a shared tier is.
    #[allow(clippy::unused_async)]
    pub async fn build(self) -> Result<Fastness, Error> {
        if self.capacity == 0 {
            return Err(Kind::Setting(
                "`capacity` is 0: give at least one entry per call site, or leave it at 10 000",
            )
            .into());
        }
        if self.max_entries == 0 {
            return Err(Kind::Setting(
                "`max_entries` is 0: give at least one entry, or leave it unbounded",
            )
            .into());
        }
        Ok(self.make())
    }

    fn make(self) -> Fastness {
        let common = Common {
            clock: self.clock,
            log: Arc::new(Log::with_mirror_bytes(self.mirror_bytes)),
            budget: Arc::new(Budget::new(self.max_entries)),
            hasher: foldhash::fast::RandomState::default(),
        };
        let shared = Shared {
            common,
            capacity: self.capacity,
            cells: scc::HashIndex::default(),
            stores: Mutex::default(),
            sites: Mutex::default(),
        };
        Fastness {
            shared: Arc::new(shared),
        }
    }
}
