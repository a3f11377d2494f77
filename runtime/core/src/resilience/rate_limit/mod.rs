//! A bound on how many calls are made in a time, for what is paid or punished by the call.
//!
//! The decisions are `governor`'s: the generic cell rate algorithm, one atomic number per limit. Up to the burst may be made
//! at once; what was used comes back evenly. So a stretch of `per` never sees more than the burst and another `calls`.

mod limiter;
mod settings;

#[cfg(test)]
mod tests;

use limiter::{Limiter, Limiters, count};
pub use settings::Settings;

use super::base::Base;
use super::error::Rejected;
use crate::clock::Clock;

/// Lets so many calls through in a time. Cheap to clone; clones are the same limit.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use fastness::resilience::Rejected;
/// use fastness::resilience::rate_limit::{RateLimit, Settings};
///
/// const ONE: NonZeroU32 = NonZeroU32::new(1).unwrap();
/// static SMS: RateLimit = RateLimit::new("sms", Settings::new(ONE, Duration::from_secs(60)));
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
#[derive(Clone, Debug)]
pub struct RateLimit(Base<Limiter>);

impl RateLimit {
    /// A limit of its own.
    pub const fn new(name: &'static str, settings: Settings) -> Self {
        Self(Base::new(name, settings))
    }

    /// A limit of its own with another clock: for tests.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self(self.0.with_clock(clock))
    }

    /// Counts a call, or says when there may be one. Put it before what is to be limited, whether that blocks or not.
    pub fn check(&self) -> Result<(), Rejected> {
        let shared = self.0.shared();
        count(shared, shared.own.check())
    }
}

/// [`RateLimit`], one per key: a customer, an address. At most [`with_max_keys`](Self::with_max_keys) keys are kept; over that,
/// the one is forgotten that was used longest ago, of those that have all their calls back if there are any. Cheap to clone; clones
/// are the same limits.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use fastness::resilience::rate_limit::{KeyedRateLimit, Settings};
///
/// const ONE: NonZeroU32 = NonZeroU32::new(1).unwrap();
/// static LOGINS: KeyedRateLimit =
///     KeyedRateLimit::new("logins", Settings::new(ONE, Duration::from_secs(60))).with_max_keys(1_000);
///
/// assert!(LOGINS.check("ada").is_ok());
/// assert!(LOGINS.check("ada").is_err());
/// assert!(LOGINS.check("grace").is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct KeyedRateLimit(Base<Limiters>);

impl KeyedRateLimit {
    /// Limits of its own, for at most 10 000 keys.
    pub const fn new(name: &'static str, settings: Settings) -> Self {
        Self(Base::new(name, (settings, 10_000)))
    }

    /// Limits of its own for at most so many keys, and at least one.
    #[must_use]
    pub const fn with_max_keys(mut self, keys: usize) -> Self {
        self.0.settings.1 = keys;
        self
    }

    /// Limits of its own with another clock: for tests.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self(self.0.with_clock(clock))
    }

    /// Counts a call for this key, or says when there may be one.
    pub fn check(&self, key: &str) -> Result<(), Rejected> {
        let shared = self.0.shared();
        let checked = shared.own.check(key, &shared.name, &self.0.settings.0);
        count(shared, checked)
    }
}
