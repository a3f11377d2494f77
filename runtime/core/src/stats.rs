//! Counters of calls, cheap enough for the hit path.
//!
//! May use: `sync`.
//!
//! Hits are counted in shards on cache lines of their own. The first 16 threads own a shard each, which they add to without an
//! atomic read-modify-write, and release it when they end; later ones share four. Everything rarer than a hit is a plain
//! counter. Thread-local counters beside them serve [`observe`].
//!
//! Each call is counted once, at its end ([`CountedCall`]), and counters only grow, so at every moment the counters of calls add up to the
//! number of calls.

use std::cell::Cell;
use std::pin::pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crossbeam_utils::CachePadded;

use crate::sync::{lock_std, watch_thread};

mod call;
mod provenance;

pub(crate) use call::{Answered, CountedCall, Uncounted};
pub(crate) use provenance::{AnswerRecorder, AnswerTimes};
pub use provenance::{AnswerSource, CachedAnswer, Provenance};

/// The number of shards that are owned by one thread at a time.
const OWNED: usize = 16;
/// The number of shards for all other threads.
const SHARED: usize = 4;
const SHARDS: usize = OWNED + SHARED;

/// The owned shards that are free, under a lock, so that a new owner sees the additions of the last one.
static FREE: std::sync::Mutex<[bool; OWNED]> = std::sync::Mutex::new([true; OWNED]);

struct ThreadCounts {
    shard: Cell<usize>,
    /// Calls that either tier answered.
    hits: Cell<u64>,
    misses: Cell<u64>,
    coalesced: Cell<u64>,
    bypassed: Cell<u64>,
}

thread_local! {
    static COUNTS: ThreadCounts = const {
        ThreadCounts {
            shard: Cell::new(usize::MAX),
            hits: Cell::new(0),
            misses: Cell::new(0),
            coalesced: Cell::new(0),
            bypassed: Cell::new(0),
        }
    };
    static THREAD_SHARD: ThreadShard = ThreadShard::new();
}

impl ThreadCounts {
    #[inline]
    fn shard(&self) -> usize {
        let shard = self.shard.get();
        if shard == usize::MAX { self.choose_shard() } else { shard }
    }

    #[cold]
    fn choose_shard(&self) -> usize {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let one_of_the_shared = || OWNED + usize::try_from(NEXT.fetch_add(1, Relaxed)).unwrap_or(0) % SHARED;
        watch_thread();
        // A thread that is ending has no owned shard any more.
        let owned = THREAD_SHARD.try_with(|shard| shard.0).ok().flatten();
        let shard = owned.unwrap_or_else(one_of_the_shared);
        self.shard.set(shard);
        shard
    }
}

/// The index of the shard that a thread adds to, for anything that has [`Shard::COUNT`] shards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shard(usize);

impl Shard {
    pub(crate) const COUNT: usize = SHARDS;

    /// Returns the shard of this thread.
    #[inline]
    pub(crate) fn current() -> Self {
        Self(COUNTS.with(ThreadCounts::shard))
    }

    /// Returns the index, below [`COUNT`](Self::COUNT).
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0
    }

    /// Adds to a number in this shard.
    #[inline]
    pub(crate) fn add(self, number: &AtomicU64, n: u64) {
        if self.0 < OWNED {
            number.store(number.load(Relaxed).wrapping_add(n), Relaxed);
        } else {
            number.fetch_add(n, Relaxed);
        }
    }
}

/// The shard that a thread owns, released when the thread ends.
struct ThreadShard(Option<usize>);

impl ThreadShard {
    fn new() -> Self {
        let mut free = lock_std(&FREE);
        let shard = free.iter().position(|free| *free);
        if let Some(shard) = shard {
            free[shard] = false;
        }
        Self(shard)
    }
}

impl Drop for ThreadShard {
    fn drop(&mut self) {
        if let Some(shard) = self.0 {
            // Hits while the thread ends go to a shared shard.
            COUNTS.with(|counts| counts.shard.set(OWNED));
            lock_std(&FREE)[shard] = true;
        }
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The counters of one call site.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            /// Hits by the threads that own a shard.
            hits: [CachePadded<AtomicU64>; OWNED],
            /// Hits by the other threads.
            shared_shards: [CachePadded<AtomicU64>; SHARED],
            $(pub(crate) $name: Counter,)*
        }

        /// The counters of one call site, or of all call sites of a handle, since the start.
        ///
        /// Each call is counted at its end, in exactly one of `hits`, `shared_hits`, `misses`, `coalesced` and `bypassed`. Reads without a
        /// load (`get` of a typed handle, [`Cache::get`](crate::Cache::get)) and elements of a batch are counted as calls. The other
        /// counters give details of the same calls, or count loads. No counter ever falls.
        ///
        /// ```
        /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
        /// #[fastness::cacheable(ttl = 60)]
        /// async fn square(n: u64) -> u64 { n * n }
        ///
        /// let fast = fastness::Fastness::builder().build()?;
        /// fastness::with_cache(&fast, async { square(3).await + square(3).await }).await;
        /// let stats = fast.stats();
        /// assert_eq!((stats.total.hits, stats.total.loads), (1, 1));
        /// assert_eq!(stats.total.hit_rate(), Some(0.5));
        /// # Ok(()) }
        /// ```
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Stats {
            /// Calls answered from the local tier without a load of their own, stale answers and cached absences and errors included.
            pub hits: u64,
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> Stats {
                let shards = self.hits.iter().chain(&self.shared_shards);
                let hits = shards.map(|shard| shard.load(Relaxed)).sum();
                Stats { hits, $($name: self.$name.get(),)* }
            }
        }

        impl Stats {
            /// Returns the counts since an earlier state.
            #[cfg(feature = "monitor")]
            pub(crate) fn since(&self, earlier: &Self) -> Self {
                Self { hits: self.hits.saturating_sub(earlier.hits), $($name: self.$name.saturating_sub(earlier.$name),)* }
            }
        }

        impl std::ops::AddAssign for Stats {
            fn add_assign(&mut self, other: Self) {
                self.hits += other.hits;
                $(self.$name += other.$name;)*
            }
        }
    };
}

counters! {
    /// Calls that ran the function, whatever its outcome, reads that found no value, and calls that were dropped before they had an answer.
    misses,
    /// Calls answered from the shared tier.
    shared_hits,
    /// Loads that returned a value or "absent".
    loads,
    /// Loads that returned an error.
    load_errors,
    /// Loads that panicked or whose future was dropped.
    loads_abandoned,
    /// Loads that ran into their `load_timeout`; with `load = task`, callers that did.
    load_timeouts,
    /// Loads that were not polled for their `load_timeout`, or for 30 s without one, so that a caller that needed the value began another.
    loads_stalled,
    /// The time of all loads that ended, in nanoseconds.
    load_nanos,
    /// Calls that waited for another call's load and got its outcome, or were dropped while they waited.
    coalesced,
    /// Calls that bypassed the cache: by the `condition` of their function, inside of [`bypass`](crate::bypass), or because the function or
    /// the whole cache was turned off.
    bypassed,
    /// Answers after the value's ttl, while it was refreshed (hits) or because the call's own load failed (misses).
    stale_served,
    /// Loads begun before the expiry of a value that was still fresh.
    early_refreshes,
    /// Loads whose result was not stored because something invalidated the key meanwhile.
    overtaken,
    /// Panics of the functions that state lifetimes (`ttl = |value| ..`, `err_ttl = |error| ..`); nothing was stored then.
    ttl_panics,
    /// Failures of the functions that state tags (`tags = |value| ..`): panics, and lists of more than 1024 tags. Nothing was stored then.
    tag_failures,
}

impl Stats {
    /// Returns the share of calls that either tier answered, from 0 to 1, among all calls that did not bypass the cache; `None` before
    /// the first.
    pub fn hit_rate(&self) -> Option<f64> {
        let calls = self.lookups();
        #[allow(clippy::cast_precision_loss)]
        let rate = (self.hits + self.shared_hits) as f64 / calls as f64;
        (calls > 0).then_some(rate)
    }

    /// Returns the number of calls that did not bypass the cache.
    pub(crate) fn lookups(&self) -> u64 {
        self.hits + self.shared_hits + self.misses + self.coalesced
    }

    /// Returns the number of all calls.
    pub fn calls(&self) -> u64 {
        self.lookups() + self.bypassed
    }

    /// Returns the mean time of the loads that ended; `None` before the first.
    pub fn mean_load_time(&self) -> Option<Duration> {
        let ended = self.loads + self.load_errors;
        self.load_nanos.checked_div(ended).map(Duration::from_nanos)
    }
}

/// A counter that is not on the hit path.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub(crate) fn count(&self) {
        self.add(1);
    }

    /// Counts, and returns whether it was the first time.
    pub(crate) fn count_first(&self) -> bool {
        self.0.fetch_add(1, Relaxed) == 0
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Counters {
    #[inline]
    pub(crate) fn hit(&self) {
        COUNTS.with(|counts| {
            // One comparison tells a shard of this thread's own from all else. Only this thread adds to it.
            match self.hits.get(counts.shard.get()) {
                Some(hits) => hits.store(hits.load(Relaxed).wrapping_add(1), Relaxed),
                None => self.hit_without_shard(counts),
            }
            counts.hits.set(counts.hits.get() + 1);
        });
    }

    /// Counts the first hit of a thread, and all hits of a thread that owns no shard.
    #[cold]
    fn hit_without_shard(&self, counts: &ThreadCounts) {
        let shard = Shard(counts.shard());
        if let Some(number) = self.hits.iter().chain(&self.shared_shards).nth(shard.index()) {
            shard.add(number, 1);
        }
    }

    /// Counts calls that found no value.
    pub(crate) fn miss(&self, calls: u64) {
        self.misses.add(calls);
        COUNTS.with(|counts| counts.misses.set(counts.misses.get() + calls));
    }

    /// Counts calls that the shared tier answered.
    pub(crate) fn shared_hit(&self, calls: u64) {
        self.shared_hits.add(calls);
        COUNTS.with(|counts| counts.hits.set(counts.hits.get() + calls));
    }

    /// Counts calls that got the outcome of another call's load.
    pub(crate) fn join(&self, calls: u64) {
        self.coalesced.add(calls);
        COUNTS.with(|counts| counts.coalesced.set(counts.coalesced.get() + calls));
    }

    /// Counts a call that bypassed the cache.
    pub(crate) fn bypass(&self) {
        self.bypassed.count();
        COUNTS.with(|counts| counts.bypassed.set(counts.bypassed.get() + 1));
    }
}

/// The calls of cached functions that a future made, from [`observe`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observed {
    /// Cached calls answered from the cache, in either tier.
    pub hits: u64,
    /// Cached calls that ran their function, and reads that found no value.
    pub misses: u64,
    /// Cached calls that waited for another call's load, which may have been one of these.
    pub coalesced: u64,
    /// Calls that bypassed the cache: by the `condition` of their function, inside of [`bypass`](crate::bypass), or because the function or
    /// the whole cache was turned off.
    pub bypassed: u64,
}

/// Returns the counts of this thread so far.
fn thread_counts() -> [u64; 4] {
    COUNTS.with(|counts| [&counts.hits, &counts.misses, &counts.coalesced, &counts.bypassed].map(Cell::get))
}

/// Runs a future, and counts the calls of cached functions that it makes, directly or not, as [`Stats`] does. Tasks that the
/// future spawns are not counted.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// #[fastness::cacheable(ttl = 60)]
/// async fn double(n: u64) -> u64 { n * 2 }
///
/// let (_, first) = fastness::stats::observe(double(21)).await;
/// let (value, second) = fastness::stats::observe(double(21)).await;
/// assert_eq!(value, 42);
/// assert_eq!((first.misses, second.hits), (1, 1));
/// # }
/// ```
///
/// # Cancel safety
///
/// This future is as cancel-safe as `future`.
pub async fn observe<F: Future>(future: F) -> (F::Output, Observed) {
    let mut future = pin!(future);
    let mut counted = [0; 4];
    let output = std::future::poll_fn(|cx| {
        let before = thread_counts();
        let poll = future.as_mut().poll(cx);
        for ((counted, before), after) in counted.iter_mut().zip(before).zip(thread_counts()) {
            *counted += after - before;
        }
        poll
    })
    .await;
    let [hits, misses, coalesced, bypassed] = counted;
    (output, Observed { hits, misses, coalesced, bypassed })
}

/// Calls a function, and counts the calls of cached functions that it makes on this thread, directly or not, as [`observe`] does.
///
/// ```
/// #[fastness::cacheable(ttl = 60)]
/// fn double(n: u64) -> u64 { n * 2 }
///
/// let (_, first) = fastness::stats::observe_sync(|| double(21));
/// let (value, second) = fastness::stats::observe_sync(|| double(21));
/// assert_eq!((value, first.misses, second.hits), (42, 1, 1));
/// ```
pub fn observe_sync<T>(call: impl FnOnce() -> T) -> (T, Observed) {
    let before = thread_counts();
    let output = call();
    let after = thread_counts();
    let [hits, misses, coalesced, bypassed] = std::array::from_fn(|index| after[index] - before[index]);
    (output, Observed { hits, misses, coalesced, bypassed })
}
