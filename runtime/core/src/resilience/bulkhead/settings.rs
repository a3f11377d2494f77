//! Settings of a bulkhead.

use std::num::NonZeroU32;
use std::time::Duration;

/// The settings of a bulkhead: the number of calls in flight. Every method is `const`.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use fastness::resilience::bulkhead::Settings;
///
/// const FEW: Settings = Settings::fixed(NonZeroU32::new(8).unwrap()).wait(Duration::from_millis(100));
/// # let _ = FEW;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub(super) min: NonZeroU32,
    pub(super) max: NonZeroU32,
    pub(super) wait: Duration,
}

impl Settings {
    /// Creates settings with a fixed bound.
    pub const fn fixed(max: NonZeroU32) -> Self {
        Self { min: max, max, wait: Duration::ZERO }
    }

    /// Creates settings with an adaptive bound from `min` to `max`, which starts at `min` and follows the number of calls that the callee
    /// takes without queueing them. It is derived from the durations of calls, by the algorithm of TCP Vegas with the constants of
    /// Netflix's `concurrency-limits`. Costs each call two readings of the cycle counter and a lock.
    pub const fn adaptive(min: NonZeroU32, max: NonZeroU32) -> Self {
        let max = if max.get() < min.get() { min } else { max };
        Self { min, max, wait: Duration::ZERO }
    }

    /// Sets the time that a call waits for a place before it is rejected (zero). Places are given in order of arrival.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sets the largest number of calls. A fixed bound stays fixed.
    #[cfg(feature = "settings")]
    pub(crate) fn with_max(self, max: NonZeroU32) -> Self {
        let min = if self.is_adaptive() { self.min.min(max) } else { max };
        Self { min, max, ..self }
    }

    pub(super) fn is_adaptive(&self) -> bool {
        self.min < self.max
    }
}
