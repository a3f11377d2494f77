//! A bound on how many calls are made in a time, for what is paid or punished by the call.
//!
//! The decisions are `governor`'s: the generic cell rate algorithm, one atomic number per limit. Up to the burst may be made
//! at once; what was used comes back evenly. So a stretch of `per` never sees more than the burst and another `calls`.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

use super::error::Rejected;
use super::keyed::{Keyed, kept_name};
use super::snapshot::Lazy;
use crate::clock::Clock;

mod limiter;

use limiter::{Limiter, State};

/// Governor counts 64 bits of nanoseconds, and a burst has to come back within them.
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
    ///
    /// # Panics
    ///
    /// If `per` is zero, which is a compile error in a constant or a static.
    pub const fn new(calls: NonZeroU32, per: Duration) -> Self {
        assert!(!per.is_zero(), "a rate limit needs a time: its `per` is zero");
        Self { calls, per, burst: calls }
    }

    /// How many at once, after a time without any (`calls`). With 1 they are spread out evenly.
    #[must_use]
    pub const fn burst(mut self, burst: NonZeroU32) -> Self {
        self.burst = burst;
        self
    }

    /// The time in which one call comes back; a whole burst is back in a century.
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
        let key = &*kept_name(key);
        let clock = || self.clock.clone().unwrap_or_else(Clock::system);
        let state = self.state.get(|| State::new(self.name, Keyed::new(self.cap, clock())));
        let make = || Limiter::new(format!("{}[{key}]", self.name).into(), &self.settings, clock());
        state.count(state.limits.get(key, make, |_| ()).check())
    }
}

#[cfg(test)]
mod tests;
