//! What is done while memory is short, before the system does it by killing the process.

use std::fmt;
use std::sync::{Arc, TryLockError};

use super::process::Memory;
use super::sources::caught;
use crate::clock::Clock;
use crate::handle::Fastness;
use crate::sync::Mutex;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::sync::atomic::{AtomicU8, AtomicU64};

mod builder;
mod level;
#[cfg(test)]
mod tests;

pub use builder::MemoryGuardBuilder;
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

/// Where memory is read.
type Source = Arc<dyn Fn() -> Option<Memory> + Send + Sync>;
/// Who is told of a new level.
type Told = Arc<dyn Fn(Pressure) + Send + Sync>;

struct Inner {
    levels: Levels,
    every: u64,
    least: usize,
    clock: Clock,
    cache: Fastness,
    source: Source,
    told: Option<Told>,
    level: AtomicU8,
    /// When to look again, in nanoseconds of the clock.
    due: AtomicU64,
    /// What the cache was allowed before memory became short, while it is allowed less. Whoever looks has it for a whole look;
    /// it is only ever tried, so what a look calls may ask for the pressure itself, and drop what it likes.
    original: Mutex<Option<usize>>,
}

impl MemoryGuard {
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
