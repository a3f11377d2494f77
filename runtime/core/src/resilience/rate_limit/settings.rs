//! Settings of a rate limit.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::clock::nanos;

/// The longest time in which a burst becomes available, so that 64 bits of nanoseconds hold it beside the time.
const CENTURY: u64 = 100 * 365 * 24 * 60 * 60 * 1_000_000_000;

/// The settings of a rate limit: the number of calls per time. Every method is `const`.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
///
/// use fastness::resilience::rate_limit::Settings;
///
/// const PAID: Settings = Settings::new(NonZeroU32::new(100).unwrap(), Duration::from_secs(60));
/// # let _ = PAID;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    calls: NonZeroU32,
    per: Duration,
    burst: NonZeroU32,
}

impl Settings {
    /// Creates settings for `calls` calls in each `per`, and as many at once.
    ///
    /// # Panics
    ///
    /// Panics if `per` is zero, which is a compile error in a constant or a static.
    pub const fn new(calls: NonZeroU32, per: Duration) -> Self {
        assert!(!per.is_zero(), "`per` of a rate limit is zero: write the time in which `calls` calls are allowed");
        Self { calls, per, burst: calls }
    }

    /// Creates settings that allow every call, and count none.
    pub(in crate::resilience) const fn unlimited() -> Self {
        Self { calls: NonZeroU32::MIN, per: Duration::ZERO, burst: NonZeroU32::MIN }
    }

    /// Sets the number of calls at once after a time without calls (`calls`). With 1, calls are spread out evenly.
    #[must_use]
    pub const fn burst(mut self, burst: NonZeroU32) -> Self {
        self.burst = burst;
        self
    }

    /// Changes the given parts. A burst of as many calls as the rate has stays so.
    #[cfg(feature = "settings")]
    pub(crate) fn with(self, calls: Option<NonZeroU32>, per: Option<Duration>, burst: Option<NonZeroU32>) -> Self {
        let new = calls.unwrap_or(self.calls);
        let follows = if self.burst == self.calls { new } else { self.burst };
        Self { calls: new, per: per.unwrap_or(self.per), burst: burst.unwrap_or(follows) }
    }

    /// Returns the time in which one call becomes available, in nanoseconds; zero if every call is allowed.
    pub(super) fn one(&self) -> u64 {
        if self.per.is_zero() {
            return 0;
        }
        (nanos(self.per) / u64::from(self.calls.get())).clamp(1, CENTURY / u64::from(self.burst.get()))
    }

    /// Returns the time in which a whole burst becomes available, in nanoseconds.
    pub(super) fn burst_time(&self) -> u64 {
        self.one() * u64::from(self.burst.get())
    }
}
