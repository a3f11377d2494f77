//! What is done while memory is short, before the system does it by killing the process.

use std::fmt;
use std::sync::{Arc, TryLockError};
use std::time::Duration;

use serde::Serialize;

use super::figures::whole_millis;
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
/// each look. It keeps `least_entries`, until requests are turned away: then it may give up all.
///
/// Where nothing is left to give up and requests are still turned away, only a restart helps: the guard says so in its
/// [`snapshot`](Self::snapshot) and in health, and after [`restart_after`](MemoryGuardBuilder::restart_after) by
/// [`is_alive`](Self::is_alive).
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
/// `MALLOC_TRIM_THRESHOLD_=131072` and `MALLOC_ARENA_MAX=2`. Where it tells how much it holds, pass that on by
/// [`reusable`](MemoryGuardBuilder::reusable).
///
/// ```
/// use fastness::Fastness;
/// use fastness::monitor::{Memory, MemoryGuard, Pressure};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = Fastness::builder().build()?;
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
type MemorySource = Arc<dyn Fn() -> Option<Memory> + Send + Sync>;
/// Source of the bytes that the allocator holds.
type Reusable = Arc<dyn Fn() -> Option<u64> + Send + Sync>;
/// Who is told of a new level.
type Told = Arc<dyn Fn(Pressure) + Send + Sync>;

struct Inner {
    levels: Levels,
    every: u64,
    least: usize,
    clock: Clock,
    cache: Fastness,
    source: MemorySource,
    reusable: Option<Reusable>,
    told: Option<Told>,
    /// In nanoseconds.
    restart_after: Option<u64>,
    level: AtomicU8,
    /// As of the last look.
    percentage: AtomicU64,
    /// Bytes that the allocator held as of the last look, or [`UNKNOWN`](Self::UNKNOWN).
    held: AtomicU64,
    /// Time since which nothing is left to give up, in nanoseconds of the clock, or [`NOT_EXHAUSTED`](Self::NOT_EXHAUSTED).
    exhausted: AtomicU64,
    /// When to look again, in nanoseconds of the clock.
    due: AtomicU64,
    /// What the cache was allowed before memory became short, while it is allowed less. Whoever looks has it for a whole look;
    /// it is only ever tried, so what a look calls may ask for the pressure itself, and drop what it likes.
    original: Mutex<Option<usize>>,
}

impl MemoryGuard {
    /// Returns the level of pressure on memory. Looks first, if the last look is old enough.
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

    /// Tells whether the process should go on: false where requests have been turned away with nothing left to give up for longer than
    /// [`restart_after`](MemoryGuardBuilder::restart_after).
    pub fn is_alive(&self) -> bool {
        self.pressure();
        let longest = self.inner.restart_after;
        self.inner.exhausted_for().is_none_or(|time| longest.is_none_or(|longest| time <= longest))
    }

    /// Gives the figures of the last look.
    pub fn snapshot(&self) -> GuardSnapshot {
        let (pressure, inner) = (self.pressure(), &*self.inner);
        GuardSnapshot {
            pressure,
            percentage: inner.percentage.load(Relaxed),
            entries: inner.cache.entries_and_bound().0,
            reusable: Some(inner.held.load(Relaxed)).filter(|bytes| *bytes != Inner::UNKNOWN),
            exhausted: inner.exhausted_for().map(|nanos| whole_millis(Duration::from_nanos(nanos))),
        }
    }
}

/// Figures of a [`MemoryGuard`] at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GuardSnapshot {
    /// Level of pressure on memory.
    pub pressure: Pressure,
    /// Memory in use, in whole percent, without what is `reusable`; 0 where the system does not tell.
    pub percentage: u64,
    /// Entries that the in-process tier could give up.
    pub entries: usize,
    /// Bytes that the allocator holds and the program does not use, where the guard can ask for them.
    pub reusable: Option<u64>,
    /// Milliseconds for which requests have been turned away with nothing left to give up; `None` where that is not so.
    pub exhausted: Option<u64>,
}

impl Inner {
    const UNKNOWN: u64 = u64::MAX;
    const NOT_EXHAUSTED: u64 = u64::MAX;

    /// Nanoseconds for which nothing has been left to give up.
    fn exhausted_for(&self) -> Option<u64> {
        let since = Some(self.exhausted.load(Relaxed)).filter(|since| *since != Self::NOT_EXHAUSTED)?;
        Some(self.clock.coarse().saturating_sub(since))
    }

    /// Memory in use now, without what the allocator merely holds.
    fn read(&self) -> Option<Memory> {
        let Some(memory) = caught(|| (self.source)()).flatten() else {
            self.percentage.store(0, Relaxed);
            return None;
        };
        let held = self.reusable.as_ref().and_then(|reusable| caught(|| reusable()).flatten());
        self.held.store(held.unwrap_or(Self::UNKNOWN), Relaxed);
        let memory = Memory::new(memory.used().saturating_sub(held.unwrap_or(0)), memory.total());
        self.percentage.store(memory.percentage(), Relaxed);
        Some(memory)
    }

    fn tell(&self, level: Pressure) {
        if let Some(told) = &self.told {
            let _ = caught(|| told(level));
        }
    }

    fn look(&self) {
        let mut original = match self.original.try_lock() {
            Ok(original) => original,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // A look takes longer than the time between two.
            Err(TryLockError::WouldBlock) => return,
        };
        let before = Pressure::from_u8(self.level.load(Relaxed));
        let mut level = self.judge(before);
        self.bound_entries(level, &mut original);
        if level == Pressure::Shed && self.cache.entries_and_bound().0 == 0 {
            level = self.exhaust(level);
        } else {
            self.exhausted.store(Self::NOT_EXHAUSTED, Relaxed);
        }
        if level == before {
            return;
        }
        let percent = self.percentage.load(Relaxed);
        let (from, to) = (before.as_str(), level.as_str());
        if level > before {
            tracing::warn!(from, to, percent, "memory is short");
        } else {
            tracing::info!(from, to, percent, "memory is less short");
        }
        self.tell(level);
    }

    /// The level as memory is now.
    fn judge(&self, before: Pressure) -> Pressure {
        // A system that stops telling is no reason to go on turning requests away.
        let level = self.read().map_or(Pressure::None, |memory| self.levels.next(before, memory.percentage()));
        self.level.store(level as u8, Relaxed);
        level
    }

    /// Notes that nothing is left to give up. When that begins, memory that was given up may still be with the allocator, which can be
    /// told once more.
    fn exhaust(&self, mut level: Pressure) -> Pressure {
        if self.exhausted_for().is_some() {
            return level;
        }
        if self.told.is_some() {
            self.tell(level);
            level = self.judge(level);
        }
        if level == Pressure::Shed {
            self.exhausted.store(self.clock.now(), Relaxed);
            let (percent, restart_after) =
                (self.percentage.load(Relaxed), self.restart_after.map(Duration::from_nanos));
            tracing::warn!(percent, ?restart_after, "memory is short and nothing is left to give up");
        }
        level
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
        // Also where an entry came in beside the bound.
        if bound != limit || used > bound {
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
