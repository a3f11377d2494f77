//! A guard that reduces the use of memory before the system kills the process.

use std::fmt;
use std::sync::{Arc, TryLockError};
use std::time::Duration;

use super::guard::Snapshot;
use super::pressure::Pressure;
use super::process::Memory;
use super::rounding::whole_millis;
use super::sources::catch_panic;
use crate::clock::Clock;
use crate::handle::Fastness;
use crate::l1::GuardBounds;
use crate::sync::Mutex;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::sync::atomic::{AtomicU8, AtomicU64};

mod builder;
mod level;
#[cfg(test)]
mod tests;

pub use builder::MemoryGuardBuilder;
use level::{Levels, step};

/// Watches memory, and shrinks caches before the system kills the process: at 85 % the local tier gives up a quarter of its
/// entries with each reading, at 92 % response bodies are no longer cached, at 95 % requests are rejected (by
/// `http::MemoryGuardLayer`). Each level ends 3 points below the percentage at which it begins; the tier then grows back, by a quarter
/// with each reading. The tier keeps `least_entries`, until requests are rejected: then it may give up all. Of several guards over one
/// cache, the lowest bounds hold; those of a guard that is dropped are lifted.
///
/// If nothing is left to give up and requests are still rejected, only a restart helps: the [`snapshot`](Self::snapshot) and the health
/// report show it, and after [`restart_after`](MemoryGuardBuilder::restart_after) [`is_alive`](Self::is_alive) is false.
///
/// Memory is read when a caller asks for the [`pressure`](Self::pressure) and the last reading is 250 ms old: the layer asks with each
/// request, a [`Monitor`](super::Monitor) with each sample. A reading takes a few small files. Where the system does not report memory
/// in use, there is no pressure.
///
/// # Giving memory back
///
/// Freed memory goes to the allocator, which need not return it to the system. Make it do so in
/// [`on_pressure`](MemoryGuardBuilder::on_pressure), if it has a function for that, or by its settings: jemalloc with
/// `background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0`, mimalloc with `MIMALLOC_PURGE_DELAY=0`, glibc with
/// `MALLOC_TRIM_THRESHOLD_=131072` and `MALLOC_ARENA_MAX=2`. If it reports how much it holds, pass that on by
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
    state: Arc<GuardState>,
}

/// Source of memory in use.
type MemorySource = Arc<dyn Fn() -> Option<Memory> + Send + Sync>;
/// Source of the bytes that the allocator holds.
type Reusable = Arc<dyn Fn() -> Option<u64> + Send + Sync>;
/// User's function that is called with a new level.
type OnPressure = Arc<dyn Fn(Pressure) + Send + Sync>;

/// State of a guard, shared by its clones.
struct GuardState {
    levels: Levels,
    /// Nanoseconds between two readings.
    every: u64,
    least_entries: usize,
    clock: Clock,
    cache: Fastness,
    source: MemorySource,
    reusable: Option<Reusable>,
    on_pressure: Option<OnPressure>,
    /// Longest time exhausted until liveness fails, in nanoseconds.
    restart_after: Option<u64>,
    level: AtomicU8,
    /// Memory in use as of the last reading, in whole percent.
    percentage: AtomicU64,
    /// Bytes that the allocator held as of the last reading, or [`UNKNOWN`](Self::UNKNOWN).
    held: AtomicU64,
    /// Time since which nothing is left to give up, in nanoseconds of the clock, or [`NOT_EXHAUSTED`](Self::NOT_EXHAUSTED).
    exhausted: AtomicU64,
    /// Time of the next reading, in nanoseconds of the clock.
    due: AtomicU64,
    /// The number by which the cache tells guards apart.
    number: u64,
    /// Bounds that this guard has set. Locked for a whole update, and only ever by `try_lock`, so that functions of the user's, which an
    /// update calls, may ask for the pressure themselves.
    bounds: Mutex<GuardBounds>,
}

impl MemoryGuard {
    /// Returns the level of pressure on memory. Reads memory first, if that is due.
    pub fn pressure(&self) -> Pressure {
        let state = &*self.state;
        let (now, due) = (state.clock.coarse(), state.due.load(Relaxed));
        let again = now.saturating_add(state.every);
        // One caller reads memory; the others use the level that is known.
        if now >= due && state.due.compare_exchange(due, again, SeqCst, Relaxed).is_ok() {
            state.update();
        }
        Pressure::from_u8(state.level.load(Relaxed))
    }

    /// Returns whether response bodies may be cached.
    pub fn may_cache(&self) -> bool {
        self.pressure() < Pressure::NoBodies
    }

    /// Returns whether requests may be served.
    pub fn may_serve(&self) -> bool {
        self.pressure() < Pressure::Shed
    }

    /// Returns whether the process should go on: false if requests have been rejected with nothing left to give up for longer than
    /// [`restart_after`](MemoryGuardBuilder::restart_after).
    pub fn is_alive(&self) -> bool {
        self.pressure();
        let longest = self.state.restart_after;
        self.state.exhausted_for().is_none_or(|time| longest.is_none_or(|longest| time <= longest))
    }

    /// Returns the figures of the last reading. Reads memory first, if that is due.
    pub fn snapshot(&self) -> Snapshot {
        let (pressure, state) = (self.pressure(), &*self.state);
        Snapshot {
            pressure,
            percentage: state.percentage.load(Relaxed),
            entries: state.cache.entries_and_bound().0,
            reusable: Some(state.held.load(Relaxed)).filter(|bytes| *bytes != GuardState::UNKNOWN),
            exhausted: state.exhausted_for().map(|nanos| whole_millis(Duration::from_nanos(nanos))),
        }
    }
}

/// Bytes by which entries may grow between two readings although memory is short, so that small ones still replace each other by their use.
const LEAST_MORE: u64 = 1 << 20;

impl Drop for GuardState {
    fn drop(&mut self) {
        self.cache.set_guard(self.number, None);
    }
}

impl GuardState {
    const UNKNOWN: u64 = u64::MAX;
    const NOT_EXHAUSTED: u64 = u64::MAX;

    /// Returns for how many nanoseconds nothing has been left to give up.
    fn exhausted_for(&self) -> Option<u64> {
        let since = Some(self.exhausted.load(Relaxed)).filter(|since| *since != Self::NOT_EXHAUSTED)?;
        Some(self.clock.coarse().saturating_sub(since))
    }

    /// Reads memory in use, without the part that the allocator merely holds.
    fn read(&self) -> Option<Memory> {
        let Some(memory) = catch_panic(|| (self.source)()).flatten() else {
            self.percentage.store(0, Relaxed);
            return None;
        };
        let held = self.reusable.as_ref().and_then(|reusable| catch_panic(|| reusable()).flatten());
        self.held.store(held.unwrap_or(Self::UNKNOWN), Relaxed);
        let memory = Memory::new(memory.used().saturating_sub(held.unwrap_or(0)), memory.total());
        self.percentage.store(memory.percentage(), Relaxed);
        Some(memory)
    }

    fn call_on_pressure(&self, level: Pressure) {
        if let Some(on_pressure) = &self.on_pressure {
            let _ = catch_panic(|| on_pressure(level));
        }
    }

    fn update(&self) {
        let mut bounds = match self.bounds.try_lock() {
            Ok(bounds) => bounds,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // The update before is still running.
            Err(TryLockError::WouldBlock) => return,
        };
        let before = Pressure::from_u8(self.level.load(Relaxed));
        let mut level = self.judge(before, &mut bounds);
        self.bound_entries(level, &mut bounds);
        if level == Pressure::Shed && self.cache.entries_and_bound().0 == 0 {
            level = self.exhaust(level, &mut bounds);
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
            tracing::info!(from, to, percent, "memory pressure is lower");
        }
        self.call_on_pressure(level);
    }

    /// Reads memory and sets the level.
    fn judge(&self, before: Pressure, bounds: &mut GuardBounds) -> Pressure {
        // A system that no longer reports memory is no reason to go on rejecting requests.
        let memory = self.read();
        let level = memory.map_or(Pressure::None, |memory| self.levels.next(before, memory.percentage()));
        self.level.store(level as u8, Relaxed);
        bounds.bytes = memory.map_or(usize::MAX, |memory| self.room_left(memory));
        self.cache.set_guard(self.number, Some(*bounds));
        level
    }

    /// Returns the bytes that the entries may count for until the next reading: so many more that memory does not become short by them.
    fn room_left(&self, memory: Memory) -> usize {
        let from = memory.total() / 100 * self.levels.shrink;
        let more = from.saturating_sub(memory.used()).max(LEAST_MORE);
        self.cache.entry_bytes().saturating_add(usize::try_from(more).unwrap_or(usize::MAX))
    }

    /// Records that nothing is left to give up. When that begins, the allocator may still hold the memory that was given up, so
    /// `on_pressure` is called once more before the level is judged again.
    fn exhaust(&self, mut level: Pressure, bounds: &mut GuardBounds) -> Pressure {
        if self.exhausted_for().is_some() {
            return level;
        }
        if self.on_pressure.is_some() {
            self.call_on_pressure(level);
            level = self.judge(level, bounds);
        }
        if level == Pressure::Shed {
            self.exhausted.store(self.clock.now(), Relaxed);
            let (percent, restart_after) =
                (self.percentage.load(Relaxed), self.restart_after.map(Duration::from_nanos));
            tracing::warn!(percent, ?restart_after, "memory is short and nothing is left to give up");
        }
        level
    }

    fn bound_entries(&self, level: Pressure, bounds: &mut GuardBounds) {
        if level == Pressure::None && bounds.entries == usize::MAX {
            return;
        }
        let (used, allowed) = (self.cache.entries_and_bound().0, self.cache.configured_entries());
        let bound = step(level, used, bounds.entries.min(allowed), allowed, self.least_entries);
        bounds.entries = if bound < allowed { bound } else { usize::MAX };
        // Set again in any case, because an insertion may have exceeded the bound meanwhile.
        self.cache.set_guard(self.number, Some(*bounds));
    }
}

impl fmt::Debug for MemoryGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = Pressure::from_u8(self.state.level.load(Relaxed));
        f.debug_struct("MemoryGuard").field("level", &level).field("levels", &self.state.levels).finish_non_exhaustive()
    }
}
