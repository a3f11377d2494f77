//! The builder of a memory guard.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::level::Levels;
use super::{GuardState, MemoryGuard, MemorySource, OnPressure, Reusable};
use crate::clock::nanos;
use crate::error::{Error, ErrorDetail};
use crate::handle::Fastness;
use crate::l1::GuardBounds;
use crate::monitor::pressure::Pressure;
use crate::monitor::process::{Memory, System};
use crate::sync::Mutex;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::atomic::{AtomicU8, AtomicU64};

/// The number of the next guard.
static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// Builder of a [`MemoryGuard`], from [`MemoryGuard::builder`].
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
    least_entries: usize,
    limit: Option<u64>,
    cache: Option<Fastness>,
    source: Option<MemorySource>,
    reusable: Option<Reusable>,
    on_pressure: Option<OnPressure>,
    restart_after: Option<Duration>,
}

impl MemoryGuard {
    /// Returns a builder with the defaults: the handle in force when it is built, and the memory of this process.
    pub fn builder() -> MemoryGuardBuilder {
        MemoryGuardBuilder {
            levels: Levels { shrink: 85, no_bodies: 92, shed: 95, slack: 3 },
            every: Duration::from_millis(250),
            least_entries: 1_000,
            limit: None,
            cache: None,
            source: None,
            reusable: None,
            on_pressure: None,
            restart_after: None,
        }
    }
}

impl MemoryGuardBuilder {
    /// Sets the handle whose cache gives up entries. Default: the handle in force when the guard is built.
    pub fn cache(mut self, cache: &Fastness) -> Self {
        self.cache = Some(cache.clone());
        self
    }

    /// Sets the percentage of memory in use from which the local tier shrinks. Default 85.
    pub fn shrink_at(mut self, percent: u64) -> Self {
        self.levels.shrink = percent;
        self
    }

    /// Sets the percentage from which response bodies are not cached. Default 92.
    pub fn stop_bodies_at(mut self, percent: u64) -> Self {
        self.levels.no_bodies = percent;
        self
    }

    /// Sets the percentage from which requests are rejected. Default 95.
    pub fn shed_at(mut self, percent: u64) -> Self {
        self.levels.shed = percent;
        self
    }

    /// Sets how many percentage points a level ends below the percentage at which it begins. Default 3.
    pub fn slack(mut self, points: u64) -> Self {
        self.levels.slack = points;
        self
    }

    /// Sets the shortest time between two readings of memory. Default 250 ms.
    pub fn every(mut self, time: Duration) -> Self {
        self.every = time;
        self
    }

    /// Sets how many entries the local tier keeps until requests are rejected; from then on it may give up all. Default 1 000.
    pub fn least_entries(mut self, entries: usize) -> Self {
        self.least_entries = entries;
        self
    }

    /// Sets how many bytes this process may hold. Default: the limit of its control group, else the memory of the machine.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = Some(bytes);
        self
    }

    /// Replaces the reading of this process's memory. The function is called at most once in [`every`](Self::every), by the caller that
    /// reads the pressure, so it must be quick. `None`, or a panic, means that memory is not known.
    pub fn source(mut self, source: impl Fn() -> Option<Memory> + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Sets the source of the bytes that the allocator holds and the program does not use. They do not count as used, so that no request
    /// is rejected for memory that was given up already. Called with each reading, like [`source`](Self::source). Default: none.
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

    /// Sets how long requests may be rejected with nothing left to give up until [`MemoryGuard::is_alive`] is false. Then
    /// [`Monitor::alive`](crate::monitor::Monitor::alive) fails too, so that an orchestrator can restart the process. Default: for ever.
    pub fn restart_after(mut self, time: Duration) -> Self {
        self.restart_after = Some(time);
        self
    }

    /// Sets a function to call with each new level, and again when nothing is left to give up: to free other memory, and to make the
    /// allocator return memory to the system. It is called by the caller that reads the pressure, so it must be quick. A panic is
    /// ignored.
    pub fn on_pressure(mut self, callback: impl Fn(Pressure) + Send + Sync + 'static) -> Self {
        self.on_pressure = Some(Arc::new(callback));
        self
    }

    /// Builds the guard.
    ///
    /// # Errors
    ///
    /// Fails if the levels are not in order: `slack < shrink_at <= stop_bodies_at <= shed_at`.
    pub fn build(self) -> Result<MemoryGuard, Error> {
        if !self.levels.are_valid() {
            let text = "the levels of a memory guard must be in order: slack < shrink_at <= stop_bodies_at <= shed_at";
            return Err(ErrorDetail::Setting(text).into());
        }
        let cache = self.cache.unwrap_or_else(Fastness::current);
        let limit = self.limit;
        let source = self.source.unwrap_or_else(|| {
            let system = System::new();
            Arc::new(move || system.memory(limit))
        });
        let clock = cache.clock().clone();
        // Readings are due by the coarse time, which has to advance.
        clock.ensure_ticking();
        let state = GuardState {
            levels: self.levels,
            every: nanos(self.every),
            least_entries: self.least_entries.max(1),
            clock,
            cache,
            source,
            reusable: self.reusable,
            on_pressure: self.on_pressure,
            restart_after: self.restart_after.map(nanos),
            level: AtomicU8::new(0),
            percentage: AtomicU64::new(0),
            held: AtomicU64::new(GuardState::UNKNOWN),
            exhausted: AtomicU64::new(GuardState::NOT_EXHAUSTED),
            due: AtomicU64::new(0),
            number: NEXT.fetch_add(1, Relaxed),
            bounds: Mutex::new(GuardBounds { entries: usize::MAX, bytes: usize::MAX }),
        };
        Ok(MemoryGuard { state: Arc::new(state) })
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
