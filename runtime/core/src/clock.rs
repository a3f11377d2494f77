//! The clock: the only reader of time in the crate.
//!
//! May use: `sync`.
//!
//! A precise clock reading costs more than a whole cache lookup, so a hit compares its expiry with a *coarse* time: one
//! relaxed load of a number that a dedicated thread raises every 10 ms. Every miss and every invalidation raises it to
//! the precise time as well, so a starved ticker delays expiry only in traffic of hits alone.
//!
//! Invariant: the coarse time never runs backwards and never ahead of the precise one.
//!
//! | part | purpose |
//! |---|---|
//! | `origin` | the system's clock |
//! | `ticker` | the thread that raises the coarse time, one per process, forked children included |
//! | `process` | the identity of a process, different from that of its forked children |
//! | `alarm`, `armed` | callbacks at a time, without a runtime; the guard of an alarm |
//! | `deadline` | a wait until a time, without the timer of a runtime |
//! | `moment` | durations of work |
//! | `pause` | a pause of a thread that other threads can end |

#[cfg(feature = "redis")]
use std::sync::Weak;
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;
use std::time::SystemTime;

use crate::sync::atomic::{AtomicU64, Ordering};

mod alarm;
mod armed;
#[cfg(feature = "http")]
mod deadline;
mod moment;
mod origin;
mod pause;
mod process;
mod ticker;

pub(crate) use alarm::Alarm;
pub(crate) use armed::Armed;
#[cfg(feature = "http")]
pub(crate) use deadline::Deadline;
pub(crate) use moment::Moment;
use origin::Origin;
pub(crate) use pause::Pause;
pub(crate) use process::ProcessId;
#[cfg(feature = "redis")]
pub(crate) use ticker::Tick;
use ticker::Ticker;

/// The interval of the coarse time: costs 0.4 % of one core, and is far below any useful ttl.
const TICK: Duration = Duration::from_millis(10);

/// The clock of a [`Fastness`](crate::Fastness), which measures the age of its entries.
///
/// The default is the system's monotonic clock, [`system`](Self::system). Tests of expiry use a manual clock and advance it, so they
/// need not sleep.
///
/// ```
/// use std::time::Duration;
/// use fastness::{Clock, Fastness, Key};
///
/// const GREETING: Key = Key::from_static("greeting");
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let clock = Clock::manual();
/// let fast = Fastness::builder().clock(clock.clone()).build()?;
/// let cache = fast.cache();
///
/// cache.set(&GREETING, "hello".to_owned(), Duration::from_secs(60)).await;
/// clock.advance(Duration::from_secs(61));
/// assert_eq!(cache.get::<String>(&GREETING).await, None);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Clock {
    inner: Arc<ClockInner>,
}

struct ClockInner {
    /// Nanoseconds since the clock's origin, as of the last tick, miss or invalidation.
    coarse: AtomicU64,
    source: TimeSource,
    ticker: Ticker,
}

#[derive(Debug)]
enum TimeSource {
    System(Origin),
    Manual,
}

static SYSTEM: LazyLock<Clock> = LazyLock::new(|| Clock::new(TimeSource::System(Origin::now())));

impl ProcessId {
    /// Returns this process, as far as a fork was noticed.
    pub(crate) fn current() -> Self {
        SYSTEM.ticker().process()
    }
}

impl Clock {
    /// Restarts the clock in a process that was forked from one in which the cache was in use. Call it first in the child.
    ///
    /// A forked child has none of its parent's threads, so its coarse time stands still: until the clock is restarted, entries are
    /// served regardless of their ttl. A child notices that by itself at its next miss, invalidation or
    /// read of the shared tier; this call makes sure before the first of them. In a process that was not forked the call has no effect.
    ///
    /// The child has its parent's entries, but does not use its connections to a shared tier: reads of the shared tier are
    /// misses there, invalidations are [`LocalOnly`](crate::Reach::LocalOnly), and entries in memory are served for at most
    /// [`max_stale`](crate::Builder::max_stale). A child that needs the shared tier builds a [`Fastness`](crate::Fastness) of its own,
    /// in a new runtime, because tokio's does not survive a fork either.
    ///
    /// Fork while no other thread uses the cache: a lock that such a thread holds stays locked in the child.
    ///
    /// ```
    /// use fastness::cacheable;
    ///
    /// #[cacheable(ttl = 60, key = "config:{name}")]
    /// fn config(name: &str) -> String { format!("the value of {name}") }
    ///
    /// fn worker() {
    ///     fastness::Clock::after_fork();
    ///     config("colour"); // cached before the fork, and expires as it would have
    /// }
    ///
    /// config("colour");
    /// // A pre-forking server forks here, by a crate of its choice.
    /// worker();
    /// ```
    pub fn after_fork() {
        Self::system().notice_fork();
    }

    /// Returns the system's monotonic clock, which counts the time for which the machine was suspended: `CLOCK_BOOTTIME` on Linux and
    /// Android, `CLOCK_MONOTONIC` on Apple's systems, and [`Instant`](std::time::Instant) on Windows. On other systems
    /// it is `Instant`, too, which may stand still during a suspension.
    pub fn system() -> Self {
        SYSTEM.clone()
    }

    /// Creates a clock that moves only by [`advance`](Self::advance).
    pub fn manual() -> Self {
        Self::new(TimeSource::Manual)
    }

    fn new(source: TimeSource) -> Self {
        // The clock begins at 1, so that there is an earlier time.
        let (coarse, ticker) = (AtomicU64::new(1), Ticker::new(ProcessId::default()));
        Self { inner: Arc::new(ClockInner { coarse, source, ticker }) }
    }

    fn ticker(&self) -> &Ticker {
        self.inner.ticker.newest()
    }

    /// Notifies this listener of every tick from now on, until it is dropped.
    #[cfg(feature = "redis")]
    pub(crate) fn listen(&self, listener: Weak<dyn Tick>) {
        self.ticker().listen(listener);
        self.ensure_ticking();
    }

    fn notify(&self, now: u64) {
        self.ticker().notify(now);
    }

    /// Starts the ticker again if this process was forked from the one in which it ran. Takes a system call, so hits do not
    /// call it.
    pub(crate) fn notice_fork(&self) {
        if matches!(self.inner.source, TimeSource::System(_)) && self.ticker().follow(ProcessId::default()) {
            self.notify(self.now());
            self.ensure_ticking();
        }
    }

    /// Moves a manual clock forward, by at most 584 years in all. Has no effect on the system's clock.
    pub fn advance(&self, by: Duration) {
        if matches!(self.inner.source, TimeSource::Manual) {
            let moved = |now: u64| Some(now.saturating_add(nanos(by)));
            let _ = self.inner.coarse.fetch_update(Ordering::Release, Ordering::Relaxed, moved);
            self.notify(self.now());
        }
    }

    /// Returns the time of the last tick, in nanoseconds since the clock's origin.
    #[inline]
    pub(crate) fn coarse(&self) -> u64 {
        self.inner.coarse.load(Ordering::Relaxed)
    }

    /// Returns the precise time, in nanoseconds since the clock's origin, and raises the coarse time to it.
    pub(crate) fn now(&self) -> u64 {
        match &self.inner.source {
            TimeSource::System(origin) => {
                let now = nanos(origin.elapsed()).saturating_add(1);
                self.inner.coarse.fetch_max(now, Ordering::Relaxed).max(now)
            }
            TimeSource::Manual => self.inner.coarse.load(Ordering::Acquire),
        }
    }

    /// Returns a reading for durations, in nanoseconds, to be compared with other readings only. It is cheaper than
    /// [`now`](Self::now), and writes no memory that other threads read.
    pub(crate) fn reading(&self) -> u64 {
        match &self.inner.source {
            TimeSource::System(_) => Moment::now().nanos(),
            TimeSource::Manual => self.coarse(),
        }
    }

    /// Returns the time of day, for dates. A manual clock begins on 1 January 2026.
    #[cfg(any(feature = "http", feature = "monitor"))]
    pub(crate) fn wall(&self) -> SystemTime {
        match &self.inner.source {
            TimeSource::System(_) => system_time(),
            TimeSource::Manual => {
                SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600) + Duration::from_nanos(self.now())
            }
        }
    }

    /// Starts the ticker if it is not running. Returns false if the system refuses the thread: then no entry may be stored,
    /// because only the coarse time would notice its expiry.
    pub(crate) fn ensure_ticking(&self) -> bool {
        matches!(self.inner.source, TimeSource::Manual) || self.ticker().start(|| self.spawn_ticker())
    }

    /// Blocks this thread for this time; a manual clock is advanced instead.
    pub(crate) fn block(&self, time: Duration) {
        match &self.inner.source {
            #[expect(clippy::disallowed_methods, reason = "for functions that block anyway")]
            TimeSource::System(_) => thread::sleep(time),
            TimeSource::Manual => self.advance(time),
        }
    }

    fn spawn_ticker(&self) -> std::io::Result<()> {
        let clock = self.clone();
        let tick = move || {
            loop {
                #[expect(clippy::disallowed_methods, reason = "the ticker raises the coarse time")]
                thread::sleep(TICK);
                // A process that was stopped during the notification would be a tick late, so it notifies once more.
                let notified = clock.now();
                clock.notify(notified);
                let now = clock.now();
                if now.saturating_sub(notified) >= nanos(TICK) {
                    clock.notify(now);
                }
            }
        };
        thread::Builder::new().name("fastness-clock".into()).spawn(tick).map(drop)
    }
}

impl std::fmt::Debug for ClockInner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("nanos", &self.coarse).field("source", &self.source).finish_non_exhaustive()
    }
}

/// Returns a wait on the timer of the runtime, for retries and timeouts.
pub fn pause(time: Duration) -> tokio::time::Sleep {
    #[expect(clippy::disallowed_methods, reason = "everything else waits through this")]
    tokio::time::sleep(time)
}

/// Returns the time of the runtime's timer, which tests pause.
#[cfg(test)]
pub(crate) fn timer_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Returns the time of day, to compare with that of another machine.
pub fn time_of_day() -> SystemTime {
    system_time()
}

#[expect(clippy::disallowed_methods, reason = "the one reading of the time of day")]
fn system_time() -> SystemTime {
    SystemTime::now()
}

/// Converts a duration to whole nanoseconds; 584 years and more saturate.
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
