//! How many calls at a time.

use std::num::NonZeroU32;
use std::time::Duration;

/// The settings of a bulkhead: how many calls at a time. Every method is `const`.
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
    /// A bound that stays as it is.
    pub const fn fixed(max: NonZeroU32) -> Self {
        Self { min: max, max, wait: Duration::ZERO }
    }

    /// A bound that adapts itself to as many calls as can be taken without making them queue, by how long they take: in the
    /// manner of TCP Vegas, beginning with `min`. Costs each call two readings of the cycle counter and a lock.
    pub const fn adaptive(min: NonZeroU32, max: NonZeroU32) -> Self {
        let max = if max.get() < min.get() { min } else { max };
        Self { min, max, wait: Duration::ZERO }
    }

    /// Sets how long a call waits for its turn before it is rejected (not at all). Turns are given in order.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    pub(super) fn is_adaptive(&self) -> bool {
        self.min < self.max
    }
}
