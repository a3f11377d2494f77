//! The one clock that everything reads.
//!
//! May use: `sync`.
//!
//! A precise clock read costs more than a whole cache look-up, so a hit compares its expiry with a *coarse* time: one
//! relaxed load of a number that a thread of its own raises every 10 ms. Every miss and every invalidation raises it to
//! the precise time as well, so a starved ticker delays expiry for pure-hit traffic only.
//!
//! Invariant: the coarse time never runs backwards and never ahead of the precise one.
//!
//! | part | what it does |
//! |---|---|
//! | `origin` | the system's clock |
//! | `ticker` | makes time pass: a thread for each process, forked children included |
//! | `process` | a process, to tell it from its forked children |
//! | `alarm`, `armed` | what is to happen at a time, without a runtime; one alarm that is set |
//! | `moment` | durations of work |
//! | `pause` | a thread's pause that others may end |

#[cfg(feature = "redis")]
use std::sync::Weak;
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;
use std::time::SystemTime;

use crate::sync::atomic::{AtomicU64, Ordering};

mod alarm;
mod armed;
mod moment;
mod origin;
mod pause;
mod process;
mod ticker;

pub(crate) use alarm::Alarm;
pub(crate) use armed::Armed;
pub(crate) use moment::Moment;
use origin::Origin;
pub(crate) use pause::Pause;
pub(crate) use process::Process;
#[cfg(feature = "redis")]
pub(crate) use ticker::Tick;
use ticker::Ticker;

/// How often the coarse time moves: 0.4 % of one core, and far below any ttl worth setting.
const TICK: Duration = Duration::from_millis(10);

/// Where a [`Fastness`](crate::Fastness) reads the time.
///
/// The default is the system's monotonic clock, [`system`](Self::system). Tests that want to see an entry expire build with a manual one and move
/// it by hand, so nothing has to sleep.
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
    inner: Arc<Inner>,
}

struct Inner {
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

impl Process {
    /// This one, as far as a fork was noticed.
    pub(crate) fn current() -> Self {
        SYSTEM.ticker().process()
    }
}

impl Clock {
    /// Makes time pass again in a process that was forked from one in which the cache was in use. Call it first in the child.
    ///
    /// A forked child has none of its parent's threads, and so not the one that makes time pass: until it is started again,
    /// whatever is in the cache is served regardless of its ttl. A child notices that by itself at its next miss, invalidation or
    /// read of the shared tier; after this call it need not come to one. In a process that was not forked the call does nothing.
    ///
    /// The child keeps what was cached. Its parent's connections to a shared tier are not used by it: reads of the shared tier are
    /// misses there, invalidations are [`LocalOnly`](crate::Reach::LocalOnly), and what is in memory is served for
    /// [`max_stale`](crate::Builder::max_stale) at most. A child that needs the shared tier builds a [`Fastness`](crate::Fastness) of its own,
    /// in a runtime of its own, because tokio's does not survive a fork either.
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

    /// The system's monotonic clock, which counts the time for which the machine was suspended: `CLOCK_BOOTTIME` on Linux and
    /// Android, `CLOCK_MONOTONIC` on Apple's systems, and what [`Instant`](std::time::Instant) reads on Windows. On other systems
    /// `Instant` is read too, and may stand still during a suspension.
    pub fn system() -> Self {
        SYSTEM.clone()
    }

    /// A clock that moves only by [`advance`](Self::advance).
    pub fn manual() -> Self {
        Self::new(TimeSource::Manual)
    }

    fn new(source: TimeSource) -> Self {
        // Not zero, so that "a nanosecond ago" can be expressed from the first moment on.
        let (coarse, ticker) = (AtomicU64::new(1), Ticker::new(Process::default()));
        Self { inner: Arc::new(Inner { coarse, source, ticker }) }
    }

    fn ticker(&self) -> &Ticker {
        self.inner.ticker.newest()
    }

    /// Tells this one of the time from now on, while it lives.
    #[cfg(feature = "redis")]
    pub(crate) fn listen(&self, listener: Weak<dyn Tick>) {
        self.ticker().listen(listener);
        self.ensure_ticking();
    }

    fn tell(&self, now: u64) {
        self.ticker().tell(now);
    }

    /// Starts the ticker again if this process was forked from the one in which it ran. Takes a system call, so hits do
    /// without.
    pub(crate) fn notice_fork(&self) {
        if matches!(self.inner.source, TimeSource::System(_)) && self.ticker().follow(Process::default()) {
            self.tell(self.now());
            self.ensure_ticking();
        }
    }

    /// Moves a manual clock forward, by 584 years at most in all; the system's clock ignores it.
    pub fn advance(&self, by: Duration) {
        if matches!(self.inner.source, TimeSource::Manual) {
            let moved = |now: u64| Some(now.saturating_add(nanos(by)));
            let _ = self.inner.coarse.fetch_update(Ordering::Release, Ordering::Relaxed, moved);
            self.tell(self.now());
        }
    }

    /// The time as of the last tick, in nanoseconds since the clock's origin.
    #[inline]
    pub(crate) fn coarse(&self) -> u64 {
        self.inner.coarse.load(Ordering::Relaxed)
    }

    /// The precise time, in nanoseconds since the clock's origin. Raises the coarse time to it.
    pub(crate) fn now(&self) -> u64 {
        match &self.inner.source {
            TimeSource::System(origin) => {
                let now = nanos(origin.elapsed()).saturating_add(1);
                self.inner.coarse.fetch_max(now, Ordering::Relaxed).max(now)
            }
            TimeSource::Manual => self.inner.coarse.load(Ordering::Acquire),
        }
    }

    /// A reading by which to tell how long something took, in nanoseconds: to be compared with others like it and with nothing
    /// else. It takes less than [`now`](Self::now), and writes nothing that other threads read.
    pub(crate) fn reading(&self) -> u64 {
        match &self.inner.source {
            TimeSource::System(_) => Moment::now().nanos(),
            TimeSource::Manual => self.coarse(),
        }
    }

    /// The time of day, for what is dated. A manual clock begins on 1 January 2026.
    #[cfg(any(feature = "http", feature = "monitor"))]
    pub(crate) fn wall(&self) -> SystemTime {
        match &self.inner.source {
            TimeSource::System(_) => system_time(),
            TimeSource::Manual => {
                SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600) + Duration::from_nanos(self.now())
            }
        }
    }

    /// Starts the ticker if it is not running. False if the system refuses the thread: nothing may then be stored whose
    /// expiry only the coarse time would notice.
    pub(crate) fn ensure_ticking(&self) -> bool {
        matches!(self.inner.source, TimeSource::Manual) || self.ticker().start(|| self.spawn_ticker())
    }

    /// Blocks this thread for so long; a manual clock moves on by as much instead.
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
                #[expect(clippy::disallowed_methods, reason = "it makes time pass for everybody else")]
                thread::sleep(TICK);
                // A process that was stopped in the midst of this would be a tick late: it tells the time once more.
                let told = clock.now();
                clock.tell(told);
                let now = clock.now();
                if now.saturating_sub(told) >= nanos(TICK) {
                    clock.tell(now);
                }
            }
        };
        thread::Builder::new().name("fastness-clock".into()).spawn(tick).map(drop)
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("nanos", &self.coarse).field("source", &self.source).finish_non_exhaustive()
    }
}

/// Waits from now on, on the runtime's own timer: for work that tries again, or is given up.
pub fn pause(time: Duration) -> tokio::time::Sleep {
    #[expect(clippy::disallowed_methods, reason = "everything else waits through this")]
    tokio::time::sleep(time)
}

/// The time of the runtime's own timer, which tests pause.
#[cfg(test)]
pub(crate) fn timer_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The time of the day, to compare with what another machine says it was.
pub fn time_of_day() -> SystemTime {
    system_time()
}

#[expect(clippy::disallowed_methods, reason = "the one reading of the time of day")]
fn system_time() -> SystemTime {
    SystemTime::now()
}

/// A duration in whole nanoseconds; 584 years and more saturate.
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
