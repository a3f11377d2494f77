//! The sliding window: counts of calls, cheap enough for every call.
//!
//! Good calls (quick successes) are nearly all calls, so they are counted in shards, one per thread, without a lock and
//! without a cache line that two threads write. All others take the breaker's lock anyway, and are stored under it in
//! full. Rates are summed up only when one of those is counted.
//!
//! A count carries a *stamp*, which identifies its slice of time and its generation. Stamps only grow, and a new generation moves
//! them by a whole ring, so neither an old slice nor an old generation has to be wiped: a count with an old stamp does not count,
//! and the next call that needs its place replaces it.
//!
//! A window of the last `n` calls needs no order among good calls: each other call has the number of calls before it.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use crossbeam_utils::CachePadded;

use crate::clock::nanos;
use crate::stats::Shard;
use crate::sync::atomic::AtomicU64;

use super::settings::Window;
use super::state::Tally;

/// The number of slices: they fill a cache line and its neighbour. A power of two, so that the index takes no division.
const SLICES: usize = 16;
const RING: u64 = SLICES as u64;
/// The shortest time window: a slice should be as long as a tick of the clock.
const SHORTEST: Duration = Duration::from_millis(160);

/// The lower bits of a counter, which hold the count: enough for a day of calls at 800 000 a second.
const COUNT_BITS: u32 = 36;
const COUNT: u64 = (1 << COUNT_BITS) - 1;
/// The largest stamp, which is in the upper bits. Stamps start over after 31 days of the shortest slices, so a count that was not
/// touched since is then taken for a new one, for the length of a window.
const STAMP: u64 = (1 << (64 - COUNT_BITS)) - 1;
/// The most slices or generations by which a late thread may lag; a larger difference means one from the future.
const LATE: u64 = 1 << 16;

/// The division of a window into slices.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// A single slice per generation, of which the last `n` calls count.
    Count { calls: u64 },
    /// Slices of `2^shift` nanoseconds, so that the index takes no division by a variable.
    Time { shift: u32, slices: u64 },
}

impl Cut {
    fn new(window: Window) -> Self {
        match window {
            Window::Count(calls) => Self::Count { calls: u64::from(calls.get()) },
            Window::Time(time) => {
                let time = nanos(time.max(SHORTEST));
                let shift = (0..63).find(|shift| time.div_ceil(1 << shift) <= RING).unwrap_or(63);
                Self::Time { shift, slices: time.div_ceil(1 << shift) }
            }
        }
    }

    /// Returns the position at which calls of this generation are counted at this time.
    #[inline]
    fn position(self, generation: u32, now: u64) -> Position {
        let tick = match self {
            Self::Count { .. } => 0,
            Self::Time { shift, .. } => now >> shift,
        };
        let stamp = tick.wrapping_add(u64::from(generation) * RING);
        // Generations move the stamp by whole rings, so the index depends on the time alone.
        #[allow(clippy::cast_possible_truncation)] // below SLICES
        let index = (tick % RING) as usize;
        Position { index, stamp: stamp & STAMP }
    }

    /// Returns the number of slices that are used.
    fn slices(self) -> usize {
        match self {
            Self::Count { .. } => 1,
            Self::Time { .. } => SLICES,
        }
    }

    /// Returns whether a stamp is within the window that ends at `end`.
    fn covers(self, end: Position, stamp: u64) -> bool {
        let slices = match self {
            Self::Count { .. } => 1,
            Self::Time { slices, .. } => slices,
        };
        (end.stamp.wrapping_sub(stamp) & STAMP) < slices
    }
}

#[derive(Clone, Copy, Debug)]
struct Position {
    index: usize,
    stamp: u64,
}

/// The counts of good calls.
#[derive(Debug)]
pub(super) struct Good {
    cut: Cut,
    /// The stamp and count of each slice.
    shards: Box<[CachePadded<[AtomicU64; SLICES]>]>,
    /// Calls that are in no slice any more.
    retired: AtomicU64,
    /// The largest total returned so far, because totals only grow.
    reported: AtomicU64,
}

/// The number of shards that count good calls.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spread {
    /// A shard per thread: 2.5 KiB, and no thread waits for another.
    Threads,
    /// A single shard for all threads: 128 bytes, for many breakers that are seldom busy.
    Single,
}

impl Good {
    pub(super) fn new(window: Window, spread: Spread) -> Self {
        let shards = match spread {
            // Loom's threads are one thread to the system, so all would add to one owned shard without synchronisation.
            Spread::Threads if !cfg!(fastness_loom) => Shard::COUNT,
            Spread::Threads | Spread::Single => 1,
        };
        let shards = (0..shards).map(|_| CachePadded::default()).collect();
        Self { cut: Cut::new(window), shards, retired: AtomicU64::new(0), reported: AtomicU64::new(0) }
    }

    /// Counts a good call of this generation.
    #[inline]
    pub(super) fn add(&self, generation: u32, now: u64) {
        let Position { index, stamp } = self.cut.position(generation, now);
        let shard = Shard::current();
        // No thread owns a single shard.
        let (slices, owned) = match self.shards.get(shard.index()) {
            Some(slices) if self.shards.len() > 1 => (slices, Some(shard)),
            _ => (&self.shards[0], None),
        };
        let word = &slices[index];
        if word.load(Relaxed) >> COUNT_BITS == stamp {
            bump(word, owned);
        } else {
            self.begin(word, stamp);
        }
    }

    /// Replaces the count of an old slice by a new stamp with one call.
    #[cold]
    fn begin(&self, word: &AtomicU64, stamp: u64) {
        let count_in = |now: u64| match now >> COUNT_BITS {
            // Another thread was faster.
            current if current == stamp => Some(now + 1),
            // A slow thread must not undo a later slice.
            current if (current.wrapping_sub(stamp) & STAMP) < LATE && now != 0 => None,
            _ => Some((stamp << COUNT_BITS) | 1),
        };
        let gone = match word.fetch_update(Relaxed, Relaxed, count_in) {
            Ok(before) if before >> COUNT_BITS == stamp => 0,
            Ok(before) => before & COUNT,
            // The call belongs to a slice that is over, and counts only in the total.
            Err(_) => 1,
        };
        // The total grows after the count has left its slice, so that no reader counts it twice.
        self.retired.fetch_add(gone, Release);
    }

    /// Returns the good calls since the start. Calls that are being counted at this moment may be missing.
    pub(super) fn total(&self) -> u64 {
        let retired = self.retired.load(Acquire);
        let words = self.shards.iter().flat_map(|slices| slices.iter());
        let total = retired + words.map(|word| word.load(Relaxed) & COUNT).sum::<u64>();
        self.reported.fetch_max(total, Relaxed).max(total)
    }

    fn within(&self, end: Position) -> u64 {
        let slices = self.cut.slices();
        let words = self.shards.iter().flat_map(|shard| &shard[..slices]).map(|word| word.load(Relaxed));
        words.filter(|word| self.cut.covers(end, word >> COUNT_BITS)).map(|word| word & COUNT).sum()
    }
}

/// Adds one to a word. Only the owner of a shard writes it.
#[inline]
fn bump(word: &AtomicU64, owner: Option<Shard>) {
    match owner {
        #[cfg(not(fastness_loom))]
        Some(shard) => shard.add(word, 1),
        _ => {
            word.fetch_add(1, Relaxed);
        }
    }
}

/// The failed and slow calls, under the breaker's lock.
#[derive(Debug)]
pub(super) enum Others {
    Count {
        generation: u32,
        /// Failed and slow calls of this generation.
        total: u64,
        /// The calls that may still be among the last ones, oldest first, each with the number of calls before it.
        recent: VecDeque<(u64, Other)>,
    },
    Time(Box<[Slice; SLICES]>),
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slice {
    stamp: u64,
    tally: Tally,
}

/// A call that failed, or was slow, or both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Other {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

impl Tally {
    fn add(&mut self, other: Other) {
        self.calls += 1;
        self.failures += u64::from(other.failed);
        self.slow += u64::from(other.slow);
    }
}

impl Others {
    pub(super) fn new(window: Window) -> Self {
        match window {
            Window::Count(_) => Self::Count { generation: 0, total: 0, recent: VecDeque::new() },
            Window::Time(_) => Self::Time(Box::default()),
        }
    }

    /// Counts a failed or slow call of this generation.
    pub(super) fn add(&mut self, good: &Good, generation: u32, now: u64, other: Other) {
        let place = good.cut.position(generation, now);
        match self {
            Self::Count { generation: current, total, recent } => {
                if *current != generation {
                    (*current, *total) = (generation, 0);
                    recent.clear();
                }
                recent.push_back((good.within(place) + *total, other));
                *total += 1;
            }
            Self::Time(slices) => {
                let slice = &mut slices[place.index];
                if slice.stamp != place.stamp {
                    *slice = Slice { stamp: place.stamp, tally: Tally::default() };
                }
                slice.tally.add(other);
            }
        }
    }

    /// Returns the counts of the window. Calls that are being counted at this moment may be missing.
    pub(super) fn tally(&mut self, good: &Good, generation: u32, now: u64) -> Tally {
        let end = good.cut.position(generation, now);
        let good_calls = good.within(end);
        let mut tally = Tally::default();
        match (self, good.cut) {
            (Self::Count { generation: current, total, recent }, Cut::Count { calls: n }) => {
                let others = if *current == generation { *total } else { 0 };
                let calls = good_calls + others;
                // Calls before the last n are dropped.
                while recent.front().is_some_and(|(before, _)| before.saturating_add(n) < calls) {
                    recent.pop_front();
                }
                if *current == generation {
                    for (_, other) in recent {
                        tally.add(*other);
                    }
                }
                tally.calls = calls.min(n);
            }
            (Self::Time(slices), cut) => {
                for slice in slices.iter().filter(|slice| cut.covers(end, slice.stamp)) {
                    tally.calls += slice.tally.calls;
                    tally.failures += slice.tally.failures;
                    tally.slow += slice.tally.slow;
                }
                tally.calls += good_calls;
            }
            (Self::Count { .. }, Cut::Time { .. }) => {}
        }
        tally
    }
}

#[cfg(all(test, not(fastness_loom)))]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_late_call_replaces_no_later_one() {
        let good = Good::new(Window::Time(Duration::from_secs(30)), Spread::Single);
        let others = |generation, now| Others::new(Window::Time(Duration::ZERO)).tally(&good, generation, now).calls;
        good.add(7, 100 * SECOND);
        good.add(6, 100 * SECOND);
        assert_eq!(others(7, 100 * SECOND), 1, "a late call of an older generation");
        // A ring later, the index is the same.
        let later = 100 * SECOND + (RING << 31);
        good.add(7, later);
        good.add(7, 100 * SECOND);
        assert_eq!(others(7, later), 1, "a late call of an older slice");
        assert_eq!(good.total(), 4);
    }

    #[test]
    fn a_call_counts_in_a_place_that_another_thread_just_took() {
        let good = Good::new(Window::Count(NonZeroU32::MIN), Spread::Single);
        let word = &good.shards[0][0];
        for calls in 1..=3 {
            good.begin(word, 7);
            assert_eq!((word.load(Relaxed), good.total()), (7 << COUNT_BITS | calls, calls));
        }
        // The lag is the smallest that counts as a stamp of the future, and one less.
        let later = 7 + LATE;
        good.begin(word, later);
        good.begin(word, 8);
        assert_eq!((word.load(Relaxed), good.total()), (later << COUNT_BITS | 1, 5), "late, and in the total alone");
        good.begin(word, 7);
        assert_eq!(
            (word.load(Relaxed), good.total()),
            (7 << COUNT_BITS | 1, 6),
            "taken for one of after the stamps began anew"
        );
    }

    /// The owner of a shard does not own the single place that happens to have the same number.
    #[test]
    fn threads_that_share_a_place_lose_no_call() {
        const CALLS: u64 = 50_000;
        let good = Good::new(Window::Time(Duration::from_secs(30)), Spread::Single);
        let start = Barrier::new(Shard::COUNT);
        thread::scope(|threads| {
            for _ in 0..Shard::COUNT {
                threads.spawn(|| {
                    start.wait();
                    (0..CALLS).for_each(|_| good.add(0, 0));
                });
            }
        });
        assert_eq!(good.total(), CALLS * Shard::COUNT as u64);
    }

    #[test]
    fn a_place_that_was_never_used_can_be_taken_at_any_time() {
        // Stamps start over after the largest one, so the cases include stamps around that point.
        for stamp in [0, 1, LATE, STAMP / 2, STAMP - 1, STAMP + 1] {
            let good = Good::new(Window::Time(Duration::from_millis(150)), Spread::Threads);
            let Cut::Time { shift, .. } = good.cut else { panic!() };
            let now = stamp << shift;
            good.add(0, now);
            assert_eq!(good.within(good.cut.position(0, now)), 1, "{stamp}");
        }
    }
}
