//! Counting the calls of a sliding window, cheaply enough for every call.
//!
//! Good calls (quick successes) are nearly all calls, so they are counted in shards, one per thread, without a lock and
//! without a cache line that two threads write. All others go through the breaker's lock anyway, where they are kept in
//! full. The rates are summed up only when one of those comes in.
//!
//! A count carries a *stamp* that says which slice of time and which generation it is of. A stamp only grows, and a new
//! generation moves it by a whole ring, so neither a slice that is over nor a generation that is over has to be wiped:
//! what has an old stamp does not count, and the next call that needs the place takes it over.
//!
//! A window of the last `n` calls needs no order among good calls: it is enough to know, of each other call, how many calls
//! came before it.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use crossbeam_utils::CachePadded;

use crate::clock::nanos;
use crate::stats::Shard;
use crate::sync::atomic::AtomicU64;

use super::settings::Window;
use super::state::Tally;

/// Slices of time that are kept: they fill a cache line and its neighbour. A power of two, so that finding one takes no
/// division.
const SLICES: usize = 16;
const RING: u64 = SLICES as u64;
/// The shortest time window: a slice should be as long as a tick of the clock.
const SHORTEST: Duration = Duration::from_millis(160);

/// Of a counter, the lower bits are the count: enough for a day of calls at 800 000 a second.
const COUNT_BITS: u32 = 36;
const COUNT: u64 = (1 << COUNT_BITS) - 1;
/// The others are the stamp. It starts over after 31 days of the shortest slices, so a count that nobody touched since is
/// then taken for a new one, for the length of a window.
const STAMP: u64 = (1 << (64 - COUNT_BITS)) - 1;
/// How many slices or generations a thread may be late without being taken for one from the future.
const LATE: u64 = 1 << 16;

/// How a window is cut into slices.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// One slice per generation, and the last `n` calls of it count.
    Count { calls: u64 },
    /// A slice is `2^shift` nanoseconds, so that finding the right one takes no division by a variable.
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

    /// Where calls of this generation are counted at this time.
    #[inline]
    fn place(self, generation: u32, now: u64) -> Position {
        let tick = match self {
            Self::Count { .. } => 0,
            Self::Time { shift, .. } => now >> shift,
        };
        let stamp = tick.wrapping_add(u64::from(generation) * RING);
        // Generations move it by whole rings, so the index depends on the time alone.
        #[allow(clippy::cast_possible_truncation)] // below SLICES
        let index = (tick % RING) as usize;
        Position { index, stamp: stamp & STAMP }
    }

    /// How many of the slices are ever used.
    fn slices(self) -> usize {
        match self {
            Self::Count { .. } => 1,
            Self::Time { .. } => SLICES,
        }
    }

    /// Whether a stamp is within the window that ends at `place`.
    fn covers(self, place: Position, stamp: u64) -> bool {
        let slices = match self {
            Self::Count { .. } => 1,
            Self::Time { slices, .. } => slices,
        };
        (place.stamp.wrapping_sub(stamp) & STAMP) < slices
    }
}

#[derive(Clone, Copy, Debug)]
struct Position {
    index: usize,
    stamp: u64,
}

/// The good calls.
#[derive(Debug)]
pub(super) struct Good {
    cut: Cut,
    /// Stamp and count of each slice.
    shards: Box<[CachePadded<[AtomicU64; SLICES]>]>,
    /// Those that are in no slice any more.
    retired: AtomicU64,
    /// The largest total that anybody was told, because totals only grow.
    told: AtomicU64,
}

/// How many shards the good calls are counted in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spread {
    /// One per thread: 2.5 KiB, and no thread waits for another.
    Threads,
    /// One for all: 128 bytes, where there are many breakers and each is busy seldom.
    Single,
}

impl Good {
    pub(super) fn new(window: Window, spread: Spread) -> Self {
        let shards = match spread {
            // Loom's threads are one to the system, so they would share a shard that its owner thinks its own.
            Spread::Threads if !cfg!(fastness_loom) => Shard::COUNT,
            Spread::Threads | Spread::Single => 1,
        };
        let shards = (0..shards).map(|_| CachePadded::default()).collect();
        Self { cut: Cut::new(window), shards, retired: AtomicU64::new(0), told: AtomicU64::new(0) }
    }

    /// Counts a good call of this generation.
    #[inline]
    pub(super) fn add(&self, generation: u32, now: u64) {
        let Position { index, stamp } = self.cut.place(generation, now);
        let shard = Shard::own();
        // Where there is one shard for all threads, none of them owns it.
        let (slices, own) = match self.shards.get(shard.index()) {
            Some(slices) if self.shards.len() > 1 => (slices, Some(shard)),
            _ => (&self.shards[0], None),
        };
        let word = &slices[index];
        if word.load(Relaxed) >> COUNT_BITS == stamp {
            bump(word, own);
        } else {
            self.begin(word, stamp);
        }
    }

    /// Takes a slice's place over for a new stamp, with one call in it.
    #[cold]
    fn begin(&self, word: &AtomicU64, stamp: u64) {
        let count_in = |now: u64| match now >> COUNT_BITS {
            // Another thread was faster.
            current if current == stamp => Some(now + 1),
            // One who was slow must not undo what came later.
            current if (current.wrapping_sub(stamp) & STAMP) < LATE && now != 0 => None,
            _ => Some((stamp << COUNT_BITS) | 1),
        };
        let gone = match word.fetch_update(Relaxed, Relaxed, count_in) {
            Ok(before) if before >> COUNT_BITS == stamp => 0,
            Ok(before) => before & COUNT,
            // It belongs to a slice that is over, and counts in the total alone.
            Err(_) => 1,
        };
        // After it has left its slice, so that nobody counts it in both.
        self.retired.fetch_add(gone, Release);
    }

    /// All good calls since the start. Those that are being counted at this moment may be missing.
    pub(super) fn total(&self) -> u64 {
        let retired = self.retired.load(Acquire);
        let words = self.shards.iter().flat_map(|slices| slices.iter());
        let total = retired + words.map(|word| word.load(Relaxed) & COUNT).sum::<u64>();
        self.told.fetch_max(total, Relaxed).max(total)
    }

    fn within(&self, place: Position) -> u64 {
        let slices = self.cut.slices();
        let words = self.shards.iter().flat_map(|shard| &shard[..slices]).map(|word| word.load(Relaxed));
        words.filter(|word| self.cut.covers(place, word >> COUNT_BITS)).map(|word| word & COUNT).sum()
    }
}

/// Counts one more. The owner of a shard is alone in writing it.
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

/// All other calls: under the breaker's lock.
#[derive(Debug)]
pub(super) enum Others {
    Count {
        generation: u32,
        /// Of this generation.
        total: u64,
        /// Those that may still be among the last calls, oldest first, and how many calls came before each.
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

    /// Counts a call of this generation that was not good.
    pub(super) fn add(&mut self, good: &Good, generation: u32, now: u64, other: Other) {
        let place = good.cut.place(generation, now);
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

    /// What is known of the calls in the window. Those that are being counted at this moment may be missing.
    pub(super) fn tally(&mut self, good: &Good, generation: u32, now: u64) -> Tally {
        let place = good.cut.place(generation, now);
        let good_calls = good.within(place);
        let mut tally = Tally::default();
        match (self, good.cut) {
            (Self::Count { generation: current, total, recent }, Cut::Count { calls: n }) => {
                let others = if *current == generation { *total } else { 0 };
                let calls = good_calls + others;
                // Those before the last n.
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
                for slice in slices.iter().filter(|slice| cut.covers(place, slice.stamp)) {
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
    fn who_is_late_takes_no_place_from_what_came_later() {
        let good = Good::new(Window::Time(Duration::from_secs(30)), Spread::Single);
        let others = |generation, now| Others::new(Window::Time(Duration::ZERO)).tally(&good, generation, now).calls;
        good.add(7, 100 * SECOND);
        good.add(6, 100 * SECOND);
        assert_eq!(others(7, 100 * SECOND), 1, "a late call of an older generation");
        // A ring later, where the index is the same.
        let later = 100 * SECOND + (RING << 31);
        good.add(7, later);
        good.add(7, 100 * SECOND);
        assert_eq!(others(7, later), 1, "a late call of an older slice");
        assert_eq!(good.total(), 4);
    }

    #[test]
    fn who_takes_a_place_that_another_thread_just_took_counts_there() {
        let good = Good::new(Window::Count(NonZeroU32::MIN), Spread::Single);
        let word = &good.shards[0][0];
        for calls in 1..=3 {
            good.begin(word, 7);
            assert_eq!((word.load(Relaxed), good.total()), (7 << COUNT_BITS | calls, calls));
        }
        // Late by as much as can be told from a stamp of the future, and by one less.
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

    /// One of them has the number of that place; it is not its own all the same.
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
        // Stamps start over at some time, and just before that they are far ahead of none.
        for stamp in [0, 1, LATE, STAMP / 2, STAMP - 1, STAMP + 1] {
            let good = Good::new(Window::Time(Duration::from_millis(150)), Spread::Threads);
            let Cut::Time { shift, .. } = good.cut else { panic!() };
            let now = stamp << shift;
            good.add(0, now);
            assert_eq!(good.within(good.cut.place(0, now)), 1, "{stamp}");
        }
    }
}
