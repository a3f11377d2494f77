//! Settings of a memory guard.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::level::{Levels, Pressure};
use super::{Inner, MemoryGuard, MemorySource, Reusable, Told};
use crate::clock::nanos;
use crate::error::{Error, Kind};
use crate::handle::Fastness;
use crate::monitor::process::{Memory, System};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU8, AtomicU64};

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
    source: Option<MemorySource>,
    reusable: Option<Reusable>,
    told: Option<Told>,
    restart_after: Option<Duration>,
}

impl MemoryGuard {
    /// Starts from the defaults: the cache in force where it is built, and this process's memory.
    pub fn builder() -> MemoryGuardBuilder {
        MemoryGuardBuilder {
            levels: Levels { shrink: 85, no_bodies: 92, shed: 95, slack: 3 },
            every: Duration::from_millis(250),
            least: 1_000,
            limit: None,
            cache: None,
            source: None,
            reusable: None,
            told: None,
            restart_after: None,
        }
    }
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

    /// How many entries the tier keeps at least until requests are turned away; then it gives up all, if that takes so many looks.
    /// Default 1 000.
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

    /// Sets where to read the bytes that the allocator holds and the program does not use: it can use them again without taking any
    /// from the system. They do not count as used, so that nobody is turned away for memory that was given up. Called with each
    /// look, like [`source`](Self::source). Default: not known, nothing.
    ///
    /// With jemalloc, `stats.resident` less `stats.allocated`:
    ///
    /// ```
    /// # struct Statistics { resident: u64, allocated: u64 }
    /// # fn statistics() -> Option<Statistics> { Some(Statistics { resident: 500 << 20, allocated: 100 << 20 }) }
    /// use fastness::monitor::MemoryGuard;
    ///
    /// let guard = MemoryGuard::builder().limit(512 << 20).reusable(|| {
    ///     let now = statistics()?; // of your allocator
    ///     Some(now.resident.saturating_sub(now.allocated))
    /// });
    /// # let _ = guard;
    /// ```
    pub fn reusable(mut self, bytes: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Self {
        self.reusable = Some(Arc::new(bytes));
        self
    }

    /// How long requests may be turned away with nothing left to give up, until [`MemoryGuard::is_alive`] is false: with it
    /// [`Monitor::alive`](crate::monitor::Monitor::alive) fails, and whoever runs the process can start it again. Default: for ever.
    pub fn restart_after(mut self, time: Duration) -> Self {
        self.restart_after = Some(time);
        self
    }

    /// Called with each new level, and again when nothing is left to give up, from wherever the pressure is asked for, so it must be
    /// quick; for what else can be given up, and for telling the allocator to give memory back. One that panics harms nobody.
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
            reusable: self.reusable,
            told: self.told,
            restart_after: self.restart_after.map(nanos),
            level: AtomicU8::new(0),
            percentage: AtomicU64::new(0),
            held: AtomicU64::new(Inner::UNKNOWN),
            exhausted: AtomicU64::new(Inner::NOT_EXHAUSTED),
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
