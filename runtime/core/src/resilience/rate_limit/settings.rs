//! How many calls in which time.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

/// Governor counts 64 bits of nanoseconds, and a burst has to come back within them.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The settings of a rate limit: how many calls in which time. Every method is `const`.
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
    pub(super) burst: NonZeroU32,
}

impl Settings {
    /// A limit of so many in so long, and as many at once.
    ///
    /// # Panics
    ///
    /// If `per` is zero, which is a compile error in a constant or a static.
    pub const fn new(calls: NonZeroU32, per: Duration) -> Self {
        assert!(!per.is_zero(), "a rate limit needs a time: its `per` is zero");
        Self { calls, per, burst: calls }
    }

    /// Sets how many there may be at once, after a time without any (`calls`). With 1 they are spread out evenly.
    #[must_use]
    pub const fn burst(mut self, burst: NonZeroU32) -> Self {
        self.burst = burst;
        self
    }

    /// The time in which one call comes back; a whole burst is back in a century.
    pub(super) fn one(&self) -> Duration {
        (self.per / self.calls.get()).clamp(Duration::from_nanos(1), CENTURY / self.burst.get())
    }

    pub(super) fn quota(&self) -> Quota {
        Quota::with_period(self.one()).expect("it is not zero").allow_burst(self.burst)
    }
}
