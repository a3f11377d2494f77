//! Counting what the caches do, cheaply enough for the hit path.
//!
//! May use: `sync`.
//!
//! Hits are counted in shards on cache lines of their own. The first threads own a shard each, which they add to without an
//! atomic read-modify-write, and give it back when they end; later ones share. Everything rarer than a hit is a plain
//! counter. A thread-local tally beside them lets [`observe`] say what one future did.
//!
//! Each call is counted once, where it ends ([`Call`]), and each counter only grows: so what counts calls adds up to them at every moment.

use std::cell::Cell;
use std::pin::pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crossbeam_utils::CachePadded;

use crate::sync::{lock_static, watch_thread};

mod call;

pub(crate) use call::{Answered, CountedCall, Uncounted};

/// Shards that one thread at a time adds to.
const OWNED: usize = 16;
/// Shards for all other threads.
const SHARED: usize = 4;
const SHARDS: usize = OWNED + SHARED;

/// Owned shards that are free. Under a lock, so that who gets one sees what its last owner added.
static FREE: std::sync::Mutex<[bool; OWNED]> = std::sync::Mutex::new([true; OWNED]);

struct Tally {
    shard: Cell<usize>,
    /// Answered by either tier.
    hits: Cell<u64>,
    misses: Cell<u64>,
    coalesced: Cell<u64>,
    bypassed: Cell<u64>,
}

thread_local! {
    static TALLY: Tally = const {
        Tally {
            shard: Cell::new(usize::MAX),
            hits: Cell::new(0),
            misses: Cell::new(0),
            coalesced: Cell::new(0),
            bypassed: Cell::new(0),
        }
    };
    static OWNER: Owner = Owner::new();
}

impl Tally {
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
        // A thread that is ending has no owner any more.
        let owned = OWNER.try_with(|owner| owner.0).ok().flatten();
        let shard = owned.unwrap_or_else(one_of_the_shared);
        self.shard.set(shard);
        shard
    }
}

/// The shard that the calling thread adds to, of anything that has [`Shard::COUNT`] of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shard(usize);

impl Shard {
    pub(crate) const COUNT: usize = SHARDS;

    /// That of this thread.
    #[inline]
    pub(crate) fn own() -> Self {
        Self(TALLY.with(Tally::shard))
    }

    /// Which of them it is, below [`COUNT`](Self::COUNT).
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

/// A thread's own shard, given back when the thread ends.
struct Owner(Option<usize>);

impl Owner {
    fn new() -> Self {
        let mut free = lock_static(&FREE);
        let shard = free.iter().position(|free| *free);
        if let Some(shard) = shard {
            free[shard] = false;
        }
        Self(shard)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(shard) = self.0 {
            // Hits that the thread still makes while it ends go to a shard that others add to as well.
            TALLY.with(|tally| tally.shard.set(OWNED));
            lock_static(&FREE)[shard] = true;
        }
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The counters of one call site.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            hits: [CachePadded<AtomicU64>; SHARDS],
            $(pub(crate) $name: Counter,)*
        }

        /// What one call site, or all of a handle, did so far.
        ///
        /// Each call is counted where it ends, in exactly one of `hits`, `shared_hits`, `misses`, `coalesced` and `bypassed`: so is a look
        /// (`handle.get`, [`Cache::get`](crate::Cache::get)), and each element of a batch. The other counters tell more of the same calls,
        /// or count loads. No counter ever falls.
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
            /// Calls answered from the tier in this process without a load of their own, stale answers and cached absences and errors included.
            pub hits: u64,
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> Stats {
                let hits = self.hits.iter().map(|shard| shard.load(Relaxed)).sum();
                Stats { hits, $($name: self.$name.get(),)* }
            }
        }

        impl Stats {
            /// What was counted since it was this.
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
    /// Calls that ran the function, whatever came of it, looks that found nothing, and calls that were dropped before they had an answer.
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
    /// Loads that were not polled for their `load_timeout`, or for 30 s without one, so that a caller who needed the value began another.
    loads_stalled,
    /// Nanoseconds spent in loads that ended, in sum.
    load_nanos,
    /// Calls that waited for another call's load and got what that ended with, or were dropped while they waited.
    coalesced,
    /// Calls that passed by the cache, because the `condition` of their function did not hold.
    bypassed,
    /// Answers after the value's ttl, while it was refreshed (hits) or because the call's own load failed (misses).
    stale_served,
    /// Loads begun before the expiry of a value that was still fresh.
    early_refreshes,
    /// Loads whose result was not stored because something invalidated the key meanwhile.
    overtaken,
}

impl Stats {
    /// The share of calls that either tier answered, from 0 to 1, among all that asked the cache, which bypassed ones do not; `None` before
    /// the first.
    pub fn hit_rate(&self) -> Option<f64> {
        let calls = self.look_ups();
        #[allow(clippy::cast_precision_loss)]
        let rate = (self.hits + self.shared_hits) as f64 / calls as f64;
        (calls > 0).then_some(rate)
    }

    /// Calls that asked the cache.
    pub(crate) fn look_ups(&self) -> u64 {
        self.hits + self.shared_hits + self.misses + self.coalesced
    }

    /// All calls.
    pub fn calls(&self) -> u64 {
        self.look_ups() + self.bypassed
    }

    /// The mean time of a load that ended; `None` before the first one.
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

    /// Counts, and says whether it was the first time.
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
        TALLY.with(|tally| {
            let shard = Shard(tally.shard());
            shard.add(&self.hits[shard.index()], 1);
            tally.hits.set(tally.hits.get() + 1);
        });
    }

    /// So many calls found nothing.
    pub(crate) fn miss(&self, calls: u64) {
        self.misses.add(calls);
        TALLY.with(|tally| tally.misses.set(tally.misses.get() + calls));
    }

    /// The shared tier answered so many calls.
    pub(crate) fn shared_hit(&self, calls: u64) {
        self.shared_hits.add(calls);
        TALLY.with(|tally| tally.hits.set(tally.hits.get() + calls));
    }

    /// So many calls got what another's load ended with.
    pub(crate) fn join(&self, calls: u64) {
        self.coalesced.add(calls);
        TALLY.with(|tally| tally.coalesced.set(tally.coalesced.get() + calls));
    }

    /// A call passed by the cache.
    pub(crate) fn bypass(&self) {
        self.bypassed.count();
        TALLY.with(|tally| tally.bypassed.set(tally.bypassed.get() + 1));
    }
}

/// What [`observe`] saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observed {
    /// Cached calls answered from the cache, in either tier.
    pub hits: u64,
    /// Cached calls that ran their function, and looks that found nothing.
    pub misses: u64,
    /// Cached calls that waited for another call's load, which may have been one of these.
    pub coalesced: u64,
    /// Calls that passed by the cache, because the `condition` of their function did not hold.
    pub bypassed: u64,
}

/// What a thread counted so far.
fn so_far() -> [u64; 4] {
    TALLY.with(|tally| [&tally.hits, &tally.misses, &tally.coalesced, &tally.bypassed].map(Cell::get))
}

/// Runs a future and says how the calls of cached functions ended that it made, directly or not, as [`Stats`] counts them. What the
/// future spawns as tasks of their own is not seen.
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
/// As safe as the future itself.
pub async fn observe<F: Future>(future: F) -> (F::Output, Observed) {
    let mut future = pin!(future);
    let mut seen = [0; 4];
    let output = std::future::poll_fn(|cx| {
        let before = so_far();
        let poll = future.as_mut().poll(cx);
        for ((seen, before), after) in seen.iter_mut().zip(before).zip(so_far()) {
            *seen += after - before;
        }
        poll
    })
    .await;
    let [hits, misses, coalesced, bypassed] = seen;
    (output, Observed { hits, misses, coalesced, bypassed })
}
