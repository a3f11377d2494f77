//! The one clock that everything reads.
//!
//! May use: `sync`.
//!
//! A precise clock read costs more than a whole cache look-up, so a hit compares its expiry with a *coarse* time: one
//! relaxed load of a number that a thread of its own raises every 10 ms. Every miss and every invalidation raises it to
//! the precise time as well, so a starved ticker delays expiry for pure-hit traffic only.
//!
//! Invariant: the coarse time never runs backwards and never ahead of the precise one.

use std::sync::{Arc, LazyLock, Weak};
use std::thread;
#[cfg(any(feature = "http", feature = "monitor", feature = "mongodb"))]
use std::time::SystemTime;
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, lock};

/// How often the coarse time moves: 0.4 % of one core, and far below any ttl worth setting.
const TICK: Duration = Duration::from_millis(10);

/// Where a [`Fastness`](crate::Fastness) reads the time.
///
/// The default is the system's monotonic clock. Tests that want to see an entry expire build with a manual one and move
/// it by hand, so nothing has to sleep.
///
/// ```
/// use std::time::Duration;
/// use fastness::{Clock, Fastness};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let clock = Clock::manual();
/// let fast = Fastness::builder().clock(clock.clone()).build().await?;
/// let cache = fast.cache();
///
/// cache.set("greeting", "hello".to_owned(), Duration::from_secs(60)).await?;
/// clock.advance(Duration::from_secs(61));
/// assert_eq!(cache.get::<String>("greeting").await?, None);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Clock {
    inner: Arc<Inner>,
}

struct Inner {
    /// Nanoseconds since the clock's origin, as of the last tick, miss or invalidation.
    coarse: AtomicU64,
    source: Source,
    /// What wants to know that time has passed.
    listeners: Mutex<Vec<Weak<dyn Tick>>>,
}

/// Is told that time has passed: every 10 ms, or when a manual clock is moved. Runs on the clock's thread, so it must be
/// short.
pub(crate) trait Tick: Send + Sync {
    fn tick(&self, now: u64);
}

#[derive(Debug)]
enum Source {
    System { origin: Instant, ticker: OnceCell<()>, warned: AtomicBool },
    Manual,
}

static SYSTEM: LazyLock<Clock> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is to read")]
    let origin = Instant::now();
    Clock::new(Source::System { origin, ticker: OnceCell::new(), warned: AtomicBool::new(false) })
});

impl Clock {
    /// The system's monotonic clock; on Linux it stands still while the machine is suspended.
    pub fn system() -> Self {
        SYSTEM.clone()
    }

    /// A clock that moves only by [`advance`](Self::advance).
    pub fn manual() -> Self {
        Self::new(Source::Manual)
    }

    fn new(source: Source) -> Self {
        // Not zero, so that "a nanosecond ago" can be expressed from the first moment on.
        let coarse = AtomicU64::new(1);
        Self { inner: Arc::new(Inner { coarse, source, listeners: Mutex::default() }) }
    }

    /// Tells this one of the time from now on, while it lives.
    #[cfg(feature = "redis")]
    pub(crate) fn listen(&self, listener: Weak<dyn Tick>) {
        lock(&self.inner.listeners).push(listener);
        self.ensure_ticking();
    }

    fn tell(&self, now: u64) {
        // Out of the lock before they run; whoever is gone is forgotten.
        let mut living = Vec::new();
        lock(&self.inner.listeners).retain(|listener| {
            let own = listener.upgrade();
            living.extend(own.clone());
            own.is_some()
        });
        for listener in living {
            listener.tick(now);
        }
    }

    /// Moves a manual clock forward, by 584 years at most in all; the system's clock ignores it.
    pub fn advance(&self, by: Duration) {
        if matches!(self.inner.source, Source::Manual) {
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
            Source::System { origin, .. } => {
                let now = nanos(origin.elapsed()) + 1;
                self.inner.coarse.fetch_max(now, Ordering::Relaxed).max(now)
            }
            Source::Manual => self.inner.coarse.load(Ordering::Acquire),
        }
    }

    /// A reading by which to tell how long something took, in nanoseconds: to be compared with others like it and with nothing
    /// else. It takes less than [`now`](Self::now), and writes nothing that other threads read.
    pub(crate) fn reading(&self) -> u64 {
        match &self.inner.source {
            Source::System { .. } => Moment::now().nanos(),
            Source::Manual => self.coarse(),
        }
    }

    /// The time of day, for what is dated. A manual clock begins on 1 January 2026.
    #[cfg(any(feature = "http", feature = "monitor"))]
    pub(crate) fn wall(&self) -> SystemTime {
        match &self.inner.source {
            Source::System { .. } => system_time(),
            Source::Manual => {
                SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600) + Duration::from_nanos(self.now())
            }
        }
    }

    /// Starts the ticker if it is not running. False if the system refuses the thread: nothing may then be stored whose
    /// expiry only the coarse time would notice.
    pub(crate) fn ensure_ticking(&self) -> bool {
        let Source::System { ticker, warned, .. } = &self.inner.source else {
            return true;
        };
        match ticker.get_or_try_init(|| self.spawn_ticker()) {
            Ok(()) => true,
            Err(error) => {
                if !warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "fastness cannot start its clock thread, so nothing is cached in this process");
                }
                false
            }
        }
    }

    /// Blocks this thread for so long; a manual clock moves on by as much instead.
    pub(crate) fn block(&self, time: Duration) {
        match &self.inner.source {
            #[expect(clippy::disallowed_methods, reason = "for functions that block anyway")]
            Source::System { .. } => thread::sleep(time),
            Source::Manual => self.advance(time),
        }
    }

    fn spawn_ticker(&self) -> std::io::Result<()> {
        let clock = self.clone();
        let tick = move || {
            loop {
                #[expect(clippy::disallowed_methods, reason = "it makes time pass for everybody else")]
                thread::sleep(TICK);
                clock.tell(clock.now());
            }
        };
        thread::Builder::new().name("fastness-clock".into()).spawn(tick).map(drop)
    }
}

/// A moment by the processor's cycle counter: for durations of work, which no manual clock can know.
///
/// The first one in a process calibrates the counter against the system's clock, which takes a millisecond as a rule and
/// is bounded by 200 ms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(u64);

static CYCLES: LazyLock<Cycles> = LazyLock::new(|| {
    let clock = quanta::Clock::new();
    Cycles { origin: clock.raw(), clock }
});

struct Cycles {
    clock: quanta::Clock,
    origin: u64,
}

impl Moment {
    #[inline]
    pub(crate) fn now() -> Self {
        Self(CYCLES.clock.raw())
    }

    /// Nanoseconds from an earlier moment to this one.
    #[inline]
    pub(crate) fn nanos_since(self, earlier: Self) -> u64 {
        CYCLES.clock.delta_as_nanos(earlier.0, self.0)
    }

    /// Nanoseconds since the process first asked.
    pub(crate) fn nanos(self) -> u64 {
        self.nanos_since(Self(CYCLES.origin))
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("nanos", &self.coarse).field("source", &self.source).finish_non_exhaustive()
    }
}

/// Waits from now on, on the runtime's own timer: for work that tries again, or is given up.
pub(crate) fn pause(time: Duration) -> tokio::time::Sleep {
    #[expect(clippy::disallowed_methods, reason = "everything else waits through this")]
    tokio::time::sleep(time)
}

/// The time of the runtime's own timer, which tests pause.
#[cfg(test)]
pub(crate) fn timer_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The time of the day, to compare with what another machine says it was.
#[cfg(feature = "mongodb")]
pub(crate) fn time_of_day() -> SystemTime {
    system_time()
}

#[cfg(any(feature = "http", feature = "monitor", feature = "mongodb"))]
#[expect(clippy::disallowed_methods, reason = "the one reading of the time of day")]
fn system_time() -> SystemTime {
    SystemTime::now()
}

/// A duration in whole nanoseconds; 584 years and more saturate.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_time_moves_only_by_hand() {
        let clock = Clock::manual();
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.advance(Duration::from_millis(5));
        assert_eq!(clock.now() - before, 5_000_000);
        assert_eq!(clock.coarse(), clock.now());
    }

    #[test]
    fn manual_time_stops_at_its_end_and_never_turns_back() {
        let clock = Clock::manual();
        clock.advance(Duration::MAX);
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), u64::MAX);
    }

    #[test]
    fn a_precise_read_raises_the_coarse_time() {
        let clock = Clock::system();
        let now = clock.now();
        assert!(clock.coarse() >= now);
        clock.advance(Duration::from_secs(3600));
        assert!(clock.now() - now < 3_600_000_000_000, "the system's clock cannot be moved");
    }

    #[test]
    fn moments_follow_each_other() {
        let (first, second) = (Moment::now(), Moment::now());
        assert_eq!(first.nanos_since(second).min(second.nanos_since(first)), 0);
        assert!(second.nanos() >= first.nanos());
    }

    #[test]
    fn absurd_durations_saturate() {
        assert_eq!(nanos(Duration::MAX), u64::MAX);
    }
}
