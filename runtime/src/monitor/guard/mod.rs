//! What is done while memory is short, before the system does it by killing the process.

use std::fmt;
use std::sync::{Arc, TryLockError};
use std::time::Duration;

use super::process::{Memory, System};
use super::sources::caught;
use crate::clock::{Clock, nanos};
use crate::error::{Error, Kind};
use crate::handle::Fastness;
use crate::sync::Mutex;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::sync::atomic::{AtomicU8, AtomicU64};

mod level;

pub use level::Pressure;
use level::{Levels, step};

/// Watches memory, and takes from caches before the system takes from the process: at 85 % the in-process tier gives up a
/// quarter of its entries with each look, at 92 % bodies of responses are no longer cached, at 95 % requests are turned away
/// (by `http::MemoryGuardLayer`). Each level ends 3 points below where it begins; the tier then grows back, a quarter with
/// each look.
///
/// Memory is looked at when someone asks for the [`pressure`](Self::pressure) and the last look is 250 ms old: by the layer,
/// with each request, and by a [`Monitor`](super::Monitor), with each sample. A look reads a few small files. Where the
/// system does not tell what is in use, there is no pressure.
///
/// # Giving memory back
///
/// What is freed goes to the allocator, which need not give it to the system. Tell it to, by
/// [`on_pressure`](MemoryGuardBuilder::on_pressure) where it has a function for that, or by its settings: jemalloc with
/// `background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0`, mimalloc with `MIMALLOC_PURGE_DELAY=0`, glibc with
/// `MALLOC_TRIM_THRESHOLD_=131072` and `MALLOC_ARENA_MAX=2`.
///
/// ```
/// use fastness::Fastness;
/// use fastness::monitor::{Memory, MemoryGuard, Pressure};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = Fastness::builder().build().await?;
/// let guard = MemoryGuard::builder()
///     .cache(&fast)
///     .source(|| Some(Memory::new(93, 100)))
///     .on_pressure(|pressure| eprintln!("memory: {}", pressure.as_str()))
///     .build()?;
/// assert_eq!(guard.pressure(), Pressure::NoBodies);
/// assert!(!guard.may_cache() && guard.may_serve());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MemoryGuard {
    inner: Arc<Inner>,
}

struct Inner {
    levels: Levels,
    every: u64,
    least: usize,
    clock: Clock,
    cache: Fastness,
    source: Arc<dyn Fn() -> Option<Memory> + Send + Sync>,
    told: Option<Arc<dyn Fn(Pressure) + Send + Sync>>,
    level: AtomicU8,
    /// When to look again, in nanoseconds of the clock.
    due: AtomicU64,
    /// What the cache was allowed before memory became short, while it is allowed less. Whoever looks has it for a whole look;
    /// it is only ever tried, so what a look calls may ask for the pressure itself, and drop what it likes.
    original: Mutex<Option<usize>>,
}

impl MemoryGuard {
    /// Starts from the defaults: the cache in force here, and this process's memory.
    pub fn builder() -> MemoryGuardBuilder {
        MemoryGuardBuilder {
            levels: Levels { shrink: 85, no_bodies: 92, shed: 95, slack: 3 },
            every: Duration::from_millis(250),
            least: 1_000,
            limit: None,
            cache: None,
            source: None,
            told: None,
        }
    }

    /// How short memory is. Looks, if the last look is old enough.
    pub fn pressure(&self) -> Pressure {
        let inner = &*self.inner;
        let (now, due) = (inner.clock.coarse(), inner.due.load(Relaxed));
        let again = now.saturating_add(inner.every);
        // One caller looks; the others go on with what is known.
        if now >= due && inner.due.compare_exchange(due, again, SeqCst, Relaxed).is_ok() {
            inner.look();
        }
        Pressure::from_u8(inner.level.load(Relaxed))
    }

    /// Whether bodies of responses may be cached.
    pub fn may_cache(&self) -> bool {
        self.pressure() < Pressure::NoBodies
    }

    /// Whether requests may be served.
    pub fn may_serve(&self) -> bool {
        self.pressure() < Pressure::Shed
    }
}

impl Inner {
    fn look(&self) {
        let mut original = match self.original.try_lock() {
            Ok(original) => original,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // A look takes longer than the time between two.
            Err(TryLockError::WouldBlock) => return,
        };
        // A system that stops telling is no reason to go on turning requests away.
        let memory = caught(|| (self.source)()).flatten();
        let before = Pressure::from_u8(self.level.load(Relaxed));
        let level = memory.map_or(Pressure::None, |memory| self.levels.next(before, memory.percentage()));
        self.level.store(level as u8, Relaxed);
        self.bound_entries(level, &mut original);
        if level == before {
            return;
        }
        let percent = memory.map_or(0, |memory| memory.percentage());
        let (from, to) = (before.as_str(), level.as_str());
        if level > before {
            tracing::warn!(from, to, percent, "memory is short");
        } else {
            tracing::info!(from, to, percent, "memory is less short");
        }
        if let Some(told) = &self.told {
            let _ = caught(|| told(level));
        }
    }

    fn bound_entries(&self, level: Pressure, original: &mut Option<usize>) {
        let (used, limit) = self.cache.entries_and_bound();
        let bound = match (level, *original) {
            (Pressure::None, None) => return,
            (_, before) => step(level, used, limit, before.unwrap_or(limit), self.least),
        };
        let allowed = *original.get_or_insert(limit);
        if bound == allowed {
            *original = None;
        }
        if bound != limit {
            self.cache.set_max_entries(bound);
        }
    }
}

impl fmt::Debug for MemoryGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = Pressure::from_u8(self.inner.level.load(Relaxed));
        f.debug_struct("MemoryGuard").field("level", &level).field("levels", &self.inner.levels).finish_non_exhaustive()
    }
}

/// Settings of a [`MemoryGuard`].
///
/// ```
/// use fastness::monitor::MemoryGuard;
///
/// let guard = MemoryGuard::builder().limit(512 << 20).shrink_at(80).stop_bodies_at(88).shed_at(94).build()?;
/// # Ok::<_, fastness::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `build()`"]
pub struct MemoryGuardBuilder {
    levels: Levels,
    every: Duration,
    least: usize,
    limit: Option<u64>,
    cache: Option<Fastness>,
    source: Option<Arc<dyn Fn() -> Option<Memory> + Send + Sync>>,
    told: Option<Arc<dyn Fn(Pressure) + Send + Sync>>,
}

impl MemoryGuardBuilder {
    /// The cache that gives up entries. Default: the one in force where the guard is built.
    pub fn cache(mut self, cache: &Fastness) -> Self {
        self.cache = Some(cache.clone());
        self
    }

    /// From how many percent of memory in use the in-process tier shrinks. Default 85.
    pub fn shrink_at(mut self, percent: u64) -> Self {
        self.levels.shrink = percent;
        self
    }

    /// From how many percent bodies are not cached. Default 92.
    pub fn stop_bodies_at(mut self, percent: u64) -> Self {
        self.levels.no_bodies = percent;
        self
    }

    /// From how many percent requests are turned away. Default 95.
    pub fn shed_at(mut self, percent: u64) -> Self {
        self.levels.shed = percent;
        self
    }

    /// How many points below its beginning a level ends. Default 3.
    pub fn slack(mut self, points: u64) -> Self {
        self.levels.slack = points;
        self
    }

    /// The least time between two looks. Default 250 ms.
    pub fn every(mut self, time: Duration) -> Self {
        self.every = time;
        self
    }

    /// How many entries the tier keeps at least. Default 1 000.
    pub fn least_entries(mut self, entries: usize) -> Self {
        self.least = entries;
        self
    }

    /// How many bytes this process may hold. Default: what its control group allows, else what the machine has.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = Some(bytes);
        self
    }

    /// Where to read memory instead; it is called at most once in [`every`](Self::every), from wherever the pressure is
    /// asked for, so it must be quick. Whoever panics has no figure.
    pub fn source(mut self, source: impl Fn() -> Option<Memory> + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Called with each new level, from wherever the pressure is asked for, so it must be quick; for what else can be given
    /// up, and for telling the allocator to give memory back. One that panics harms nobody.
    pub fn on_pressure(mut self, told: impl Fn(Pressure) + Send + Sync + 'static) -> Self {
        self.told = Some(Arc::new(told));
        self
    }

    /// Builds it.
    ///
    /// # Errors
    ///
    /// If the levels are not in their order.
    pub fn build(self) -> Result<MemoryGuard, Error> {
        if !self.levels.make_sense() {
            let text = "the levels of a memory guard must be in order: slack < shrink_at <= stop_bodies_at <= shed_at";
            return Err(Kind::Setting(text).into());
        }
        let cache = self.cache.unwrap_or_else(Fastness::current);
        let limit = self.limit;
        let source = self.source.unwrap_or_else(|| {
            let system = System::new();
            Arc::new(move || system.memory(limit))
        });
        let clock = cache.clock().clone();
        // The coarse time, by which looks are due, has to move.
        clock.ensure_ticking();
        let inner = Inner {
            levels: self.levels,
            every: nanos(self.every),
            least: self.least.max(1),
            clock,
            cache,
            source,
            told: self.told,
            level: AtomicU8::new(0),
            due: AtomicU64::new(0),
            original: Mutex::new(None),
        };
        Ok(MemoryGuard { inner: Arc::new(inner) })
    }
}

impl fmt::Debug for MemoryGuardBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryGuardBuilder")
            .field("levels", &self.levels)
            .field("every", &self.every)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64 as Percent;

    use super::*;
    use crate::sync::lock;

    const TICK: Duration = Duration::from_millis(250);

    /// A cache with so many entries, and a guard over memory that the test sets.
    async fn guarded(entries: u32) -> (Fastness, Clock, Arc<Percent>, MemoryGuard, Arc<Mutex<Vec<Pressure>>>) {
        let (clock, percent) = (Clock::manual(), Arc::new(Percent::new(50)));
        let fast = Fastness::builder().clock(clock.clone()).build().await.unwrap();
        let cache = fast.cache();
        for n in 0..entries {
            cache.set(&format!("n:{n}"), n, Duration::from_secs(600)).await.unwrap();
        }
        let (read, heard) = (percent.clone(), Arc::new(Mutex::new(Vec::new())));
        let list = heard.clone();
        let guard = MemoryGuard::builder()
            .cache(&fast)
            .least_entries(10)
            .source(move || Some(Memory::new(read.load(SeqCst), 100)))
            .on_pressure(move |pressure| {
                lock(&list).push(pressure);
                panic!("as the test wants it");
            });
        (fast, clock, percent, guard.build().unwrap(), heard)
    }

    #[tokio::test]
    async fn the_tier_shrinks_in_steps_and_grows_back() {
        let (fast, clock, percent, guard, heard) = guarded(1_000).await;
        let look = |at: u64| {
            percent.store(at, SeqCst);
            clock.advance(TICK);
            guard.pressure()
        };
        // The store gives up what it must, and at times a few more.
        let about = |bound: usize| (bound - bound / 20..=bound).contains(&fast.stats().entries);
        assert_eq!((look(84), fast.stats().entries), (Pressure::None, 1_000));
        assert_eq!((look(86), fast.entries_and_bound().1), (Pressure::Shrink, 750));
        assert!(about(750), "{:?}", fast.entries_and_bound());
        let kept = fast.stats().entries;
        assert_eq!((look(83), fast.entries_and_bound().1), (Pressure::Shrink, kept - kept / 4));
        assert!(about(kept - kept / 4), "{:?}", fast.entries_and_bound());
        assert_eq!(look(96), Pressure::Shed);
        assert!(!guard.may_serve() && !guard.may_cache());
        assert_eq!(look(50), Pressure::None);
        let (_, bound) = fast.entries_and_bound();
        assert!(bound < 1_000, "it comes back gradually");
        for _ in 0..20 {
            look(50);
        }
        assert_eq!(fast.entries_and_bound().1, usize::MAX);
        assert_eq!(*lock(&heard), [Pressure::Shrink, Pressure::Shed, Pressure::None]);
    }

    #[tokio::test]
    async fn memory_is_read_no_more_often_than_agreed() {
        let (fast, reads) =
            (Fastness::builder().clock(Clock::manual()).build().await.unwrap(), Arc::new(Percent::new(0)));
        let read = reads.clone();
        let source = move || {
            read.fetch_add(1, SeqCst);
            panic!("as the test wants it");
        };
        let guard = MemoryGuard::builder().cache(&fast).source(source).build().unwrap();
        for _ in 0..100 {
            assert_eq!(guard.pressure(), Pressure::None, "no figure, no pressure");
        }
        assert_eq!(reads.load(SeqCst), 1);
        fast.clock().advance(TICK);
        guard.pressure();
        assert_eq!(reads.load(SeqCst), 2);
    }

    #[tokio::test]
    async fn a_bound_that_was_set_is_set_again() {
        let (fast, clock, percent, guard, _) = guarded(500).await;
        fast.set_max_entries(600);
        percent.store(90, SeqCst);
        clock.advance(TICK);
        guard.pressure();
        let (used, bound) = fast.entries_and_bound();
        assert!(bound == 375 && (356..=375).contains(&used), "{used} of {bound}");
        percent.store(10, SeqCst);
        for _ in 0..5 {
            clock.advance(TICK);
            guard.pressure();
        }
        assert_eq!(fast.entries_and_bound().1, 600);
    }

    #[tokio::test]
    async fn what_a_look_calls_may_ask_for_the_pressure() {
        let fast = Fastness::builder().clock(Clock::manual()).build().await.unwrap();
        let own = Arc::new(std::sync::OnceLock::<MemoryGuard>::new());
        let (inner, reads) = (own.clone(), Arc::new(Percent::new(0)));
        let read = reads.clone();
        let source = move || {
            read.fetch_add(1, SeqCst);
            inner.get().map(MemoryGuard::pressure);
            Some(Memory::new(96, 100))
        };
        let guard = MemoryGuard::builder().cache(&fast).source(source).every(Duration::ZERO).build().unwrap();
        own.set(guard.clone()).unwrap();
        assert_eq!((guard.pressure(), reads.load(SeqCst)), (Pressure::Shed, 1));
    }

    #[test]
    fn levels_out_of_order_are_refused() {
        let error = MemoryGuard::builder().shed_at(80).build().unwrap_err();
        assert!(error.is_bad_setting() && error.to_string().contains("must be in order"), "{error}");
    }
}
