//! A bound on how many calls are made in a time, for what is paid or punished by the call.
//!
//! The decisions are `governor`'s: the generic cell rate algorithm, one atomic number per limit. Up to the burst may be made
//! at once; what was used comes back evenly. So a stretch of `per` never sees more than the burst and another `calls`.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::clock::{Clock, nanos};

use super::error::{Reason, Rejected};
use super::keyed::{Keep, Keyed};
use super::outcomes::Outcomes;
use super::snapshot::{Lazy, PolicyKind, PolicySnapshot, Report};

const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// How many calls in which time. Every method is `const`.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
///
/// use fastness::resilience::RateLimitSettings;
///
/// const PAID: RateLimitSettings = RateLimitSettings::new(NonZeroU32::new(100).unwrap(), Duration::from_secs(60));
/// # let _ = PAID;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitSettings {
    calls: NonZeroU32,
    per: Duration,
    burst: NonZeroU32,
}

impl RateLimitSettings {
    /// So many in so long, and as many at once.
    pub const fn new(calls: NonZeroU32, per: Duration) -> Self {
        Self { calls, per, burst: calls }
    }

    /// How many at once, after a time without any (`calls`). With 1 they are spread out evenly.
    #[must_use]
    pub const fn burst(mut self, burst: NonZeroU32) -> Self {
        self.burst = burst;
        self
    }

    /// The time in which one call comes back. Governor counts 64 bits of nanoseconds, so a burst is back in a century.
    fn one(&self) -> Duration {
        (self.per / self.calls.get()).clamp(Duration::from_nanos(1), CENTURY / self.burst.get())
    }

    fn quota(&self) -> Quota {
        Quota::with_period(self.one()).expect("it is not zero").allow_burst(self.burst)
    }
}

/// Lets so many calls through in a time.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use fastness::resilience::{RateLimit, RateLimitSettings, Rejected};
///
/// const ONE: NonZeroU32 = NonZeroU32::new(1).unwrap();
/// static SMS: RateLimit = RateLimit::new("sms", RateLimitSettings::new(ONE, Duration::from_secs(60)));
///
/// fn send(text: &str) -> Result<(), Rejected> {
///     SMS.check()?;
///     // .. send ..
///     Ok(())
/// }
///
/// assert!(send("hello").is_ok());
/// assert_eq!(send("again").unwrap_err().to_string(), "rate limit `sms` is used up; retry after 60.0 s");
/// ```
#[derive(Debug)]
pub struct RateLimit {
    name: &'static str,
    settings: RateLimitSettings,
    clock: Option<Clock>,
    state: Lazy<State<Limiter>>,
}

impl RateLimit {
    /// A limit of its own.
    pub const fn new(name: &'static str, settings: RateLimitSettings) -> Self {
        Self { name, settings, clock: None, state: Lazy::new() }
    }

    /// Another clock: for tests.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Counts a call, or says when there may be one. Put it before what is to be limited, whether that blocks or not.
    pub fn check(&self) -> Result<(), Rejected> {
        let state = self.state.get(|| {
            let clock = self.clock.clone().unwrap_or_else(Clock::system);
            State::new(self.name, Limiter::new(self.name.into(), &self.settings, clock))
        });
        state.count(state.limits.check())
    }
}

/// [`RateLimit`], one per key: a customer, an address. At most so many keys are kept; over that, the one is forgotten
/// that was used longest ago, of those that have all their calls back if there are any.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use fastness::resilience::{KeyedRateLimit, RateLimitSettings};
///
/// const ONE: NonZeroU32 = NonZeroU32::new(1).unwrap();
/// static LOGINS: KeyedRateLimit =
///     KeyedRateLimit::new("logins", RateLimitSettings::new(ONE, Duration::from_secs(60)), 1_000);
///
/// assert!(LOGINS.check("ada").is_ok());
/// assert!(LOGINS.check("ada").is_err());
/// assert!(LOGINS.check("grace").is_ok());
/// ```
#[derive(Debug)]
pub struct KeyedRateLimit {
    name: &'static str,
    settings: RateLimitSettings,
    cap: usize,
    clock: Option<Clock>,
    state: Lazy<State<Keyed<Limiter>>>,
}

impl KeyedRateLimit {
    /// Limits of its own, for at most so many keys.
    pub const fn new(name: &'static str, settings: RateLimitSettings, cap: usize) -> Self {
        Self { name, settings, cap, clock: None, state: Lazy::new() }
    }

    /// Another clock: for tests.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Counts a call for this key, or says when there may be one.
    pub fn check(&self, key: &str) -> Result<(), Rejected> {
        let clock = || self.clock.clone().unwrap_or_else(Clock::system);
        let state = self.state.get(|| State::new(self.name, Keyed::new(self.cap, clock())));
        let make = || Limiter::new(format!("{}[{key}]", self.name).into(), &self.settings, clock());
        state.count(state.limits.get(key, make, |_| ()).check())
    }
}

#[derive(Debug)]
struct State<L> {
    name: Arc<str>,
    limits: L,
    outcomes: Outcomes,
}

const ALLOWED: usize = 0;
const REJECTED: usize = 1;

impl<L> State<L> {
    fn new(name: &str, limits: L) -> Self {
        Self { name: name.into(), limits, outcomes: Outcomes::new(&["allowed", "rejected"]) }
    }

    fn count(&self, checked: Result<(), Rejected>) -> Result<(), Rejected> {
        self.outcomes.count(if checked.is_ok() { ALLOWED } else { REJECTED });
        checked
    }
}

/// One limit.
#[derive(Debug)]
struct Limiter {
    name: Arc<str>,
    time: Time,
    rate: RateLimiter<NotKeyed, InMemoryState, Time, NoOpMiddleware<Duration>>,
    /// When it was last asked, and how long from then all its calls are back, in nanoseconds.
    asked: AtomicU64,
    full_after: u64,
}

/// Our clock, as governor wants it.
#[derive(Clone, Debug)]
struct Time(Clock);

impl GovernorClock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.now())
    }
}

impl Limiter {
    fn new(name: Arc<str>, settings: &RateLimitSettings, clock: Clock) -> Self {
        let time = Time(clock);
        let rate = RateLimiter::direct_with_clock(settings.quota(), time.clone());
        let full_after = nanos(settings.one().saturating_mul(settings.burst.get()));
        Self { name, time, rate, asked: AtomicU64::new(0), full_after }
    }

    fn check(&self) -> Result<(), Rejected> {
        self.asked.store(self.time.0.coarse(), Relaxed);
        self.rate.check().map_err(|until| {
            let after = until.wait_time_from(self.time.now());
            Rejected::new(&self.name, Reason::Limited, Some(after))
        })
    }
}

impl Keep for Limiter {
    fn is_idle(&self) -> bool {
        self.time.0.now().saturating_sub(self.asked.load(Relaxed)) > self.full_after
    }
}

impl<L: Send + Sync> Report for State<L> {
    fn snapshot(&self) -> PolicySnapshot {
        PolicySnapshot {
            kind: PolicyKind::RateLimit,
            name: self.name.clone(),
            outcomes: self.outcomes.all(),
            levels: Vec::new(),
            breakers: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn n(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).unwrap()
    }

    fn allowed(check: impl Fn() -> Result<(), Rejected>) -> usize {
        std::iter::from_fn(|| check().ok()).count()
    }

    #[test]
    fn so_many_get_through_and_come_back_evenly() {
        let clock = Clock::manual();
        let limit = RateLimit::new("test", RateLimitSettings::new(n(10), SECOND)).clock(clock.clone());
        assert_eq!(allowed(|| limit.check()), 10);
        let rejected = limit.check().unwrap_err();
        assert_eq!((rejected.reason(), rejected.retry_after()), (Reason::Limited, Some(SECOND / 10)));
        clock.advance(SECOND / 10 * 3);
        assert_eq!(allowed(|| limit.check()), 3);
        clock.advance(SECOND * 100);
        assert_eq!(allowed(|| limit.check()), 10);
    }

    #[test]
    fn without_a_burst_they_are_spread_out() {
        let clock = Clock::manual();
        let settings = RateLimitSettings::new(n(4), SECOND).burst(n(1));
        let limit = RateLimit::new("test", settings).clock(clock.clone());
        for _ in 0..4 {
            assert_eq!(allowed(|| limit.check()), 1);
            clock.advance(SECOND / 4);
        }
    }

    #[test]
    fn absurd_settings_do_not_panic() {
        for (calls, per) in [(u32::MAX, Duration::ZERO), (1, Duration::MAX), (u32::MAX, Duration::MAX)] {
            let limit = RateLimit::new("test", RateLimitSettings::new(n(calls), per)).clock(Clock::manual());
            assert!(limit.check().is_ok());
        }
    }

    #[test]
    fn threads_get_no_more() {
        let limit = RateLimit::new("test", RateLimitSettings::new(n(1_000), SECOND)).clock(Clock::manual());
        let through: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| allowed(|| limit.check()))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(through, 1_000);
    }

    #[test]
    fn over_the_cap_those_go_that_have_their_calls_back() {
        let clock = Clock::manual();
        let settings = RateLimitSettings::new(n(1), SECOND * 100);
        let limit = KeyedRateLimit::new("test", settings, 100).clock(clock.clone());
        for i in 0..50 {
            assert!(limit.check(&format!("old-{i}")).is_ok());
        }
        clock.advance(SECOND * 101);
        for i in 0..50 {
            assert!(limit.check(&format!("used-{i}")).is_ok());
        }
        for i in 0..50 {
            clock.advance(SECOND / 100);
            assert!(limit.check(&format!("new-{i}")).is_ok());
        }
        for i in 0..50 {
            assert!(limit.check(&format!("used-{i}")).is_err(), "{i} was forgotten");
        }
        for i in 0..10_000 {
            let _ = limit.check(&i.to_string());
        }
        let state = limit.state.get(|| unreachable!());
        assert_eq!(state.limits.all().len(), 100);
        assert_eq!(limit.check("9999").unwrap_err().name(), "test[9999]");
    }
}
