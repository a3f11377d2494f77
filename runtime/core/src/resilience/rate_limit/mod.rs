//! Rate limits: a bound on the calls per time, for callees that charge or penalise each call.
//!
//! The generic cell rate algorithm (GCRA) decides, on one atomic number per limit. Calls up to the burst may be made at once; used calls
//! become available again evenly. So a stretch of `per` never has more calls than the burst and another `calls`.

mod limiter;
mod settings;

#[cfg(test)]
mod tests;

use limiter::{Limiter, Limiters, count};
pub use settings::Settings;

use super::base::Base;
use super::error::Rejected;
use crate::clock::Clock;

/// A bound on the calls per time. Cheap to clone; clones are the same limit.
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
    /// Creates a limit that shares no state with others.
    pub const fn new(name: &'static str, settings: Settings) -> Self {
        Self(Base::new(name, settings))
    }

    /// Sets the clock, for tests. The result is another limit of the same name and settings.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self(self.0.with_clock(clock))
    }

    /// Returns the same limit with other settings: calls by either count for both. Each checks by its own settings, for which earlier calls
    /// count as a whole burst at most. From such a check on, they count as no more for the others either, so settings of very different
    /// bursts belong on different limits, unless one follows the other.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use std::time::Duration;
    /// use fastness::resilience::rate_limit::{RateLimit, Settings};
    ///
    /// const MINUTE: Duration = Duration::from_secs(60);
    /// static SMS: RateLimit = RateLimit::new("sms", Settings::new(NonZeroU32::new(1).unwrap(), MINUTE));
    ///
    /// let paid = SMS.with_settings(Settings::new(NonZeroU32::new(3).unwrap(), MINUTE));
    /// assert!((0..3).all(|_| paid.check().is_ok()) && paid.check().is_err());
    /// assert!(SMS.check().is_err(), "the three calls count here, too");
    /// ```
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        Self(self.0.with_settings(settings))
    }

    /// Counts a call if the limit allows it. Call it before the code to be limited, async or blocking.
    ///
    /// # Errors
    ///
    /// [`Rejected`], with the time until the next call is allowed.
    pub fn check(&self) -> Result<(), Rejected> {
        let shared = self.0.shared();
        count(shared, shared.state.check(&self.0.settings()))
    }
}

/// A [`RateLimit`] per key, such as a customer or an address. At most [`with_max_keys`](Self::with_max_keys) keys are stored (10 000 by
/// default). Above that, the least recently used one is dropped, preferably one with all its calls available. Cheap to clone; clones
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
    /// Creates limits that share no state with others, for at most 10 000 keys.
    pub const fn new(name: &'static str, settings: Settings) -> Self {
        Self(Base::new(name, (settings, 10_000)))
    }

    /// Sets the maximum number of keys; at least 1. It counts for limits that were neither used nor cloned yet.
    #[must_use]
    pub const fn with_max_keys(mut self, keys: usize) -> Self {
        self.0.settings.1 = keys;
        self
    }

    /// Sets the clock, for tests. The result is another set of limits of the same name and settings.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self(self.0.with_clock(clock))
    }

    /// Returns the same limits with other settings, as [`RateLimit::with_settings`] does: a rate per customer, for example.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        Self(self.0.with_settings((settings, self.0.settings.1)))
    }

    /// Counts a call for this key if its limit allows it.
    ///
    /// # Errors
    ///
    /// [`Rejected`], with the time until the next call of this key is allowed.
    pub fn check(&self, key: &str) -> Result<(), Rejected> {
        let shared = self.0.shared();
        let checked = shared.state.check(key, &shared.name, &self.0.settings().0);
        count(shared, checked)
    }
}
