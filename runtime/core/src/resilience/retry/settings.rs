//! Settings of a retry.

use std::num::NonZeroU32;
use std::time::Duration;

use super::super::backoff::doubled;
use super::super::percent::Percent;

const ATTEMPTS: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// The settings of a retry: attempts, waits and budget. Every method is `const`. Defaults are in parentheses.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
///
/// use fastness::resilience::retry::Settings;
///
/// const PATIENT: Settings =
///     Settings::new().attempts(NonZeroU32::new(5).unwrap()).first_wait(Duration::from_millis(250));
/// # let _ = PATIENT;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub(super) attempts: NonZeroU32,
    first_wait: Duration,
    max_wait: Duration,
    is_constant: bool,
    pub(super) budget: Option<Percent>,
}

impl Settings {
    /// Creates the default settings: 3 attempts, waits of up to 100 ms, 200 ms, .. 10 s, and 20 retries in 100 calls.
    pub const fn new() -> Self {
        Self {
            attempts: ATTEMPTS,
            first_wait: Duration::from_millis(100),
            max_wait: Duration::from_secs(10),
            is_constant: false,
            budget: Some(Percent::new(20)),
        }
    }

    /// Sets the maximum number of attempts, the first included (3).
    #[must_use]
    pub const fn attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the longest wait before the second attempt (100 ms). It doubles from attempt to attempt; the actual wait is
    /// drawn at random between zero and that. [`Duration::ZERO`] stays zero, and needs no timer.
    #[must_use]
    pub const fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// Makes every wait exactly [`first_wait`](Self::first_wait): neither longer from attempt to attempt nor at random (off). Callers that
    /// failed together then come back together.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::resilience::retry::Settings;
    ///
    /// const EVERY_SECOND: Settings = Settings::new().first_wait(Duration::from_secs(1)).constant_waits();
    /// # let _ = EVERY_SECOND;
    /// ```
    #[must_use]
    pub const fn constant_waits(mut self) -> Self {
        self.is_constant = true;
        self
    }

    /// Sets the longest wait before any attempt (10 s), the random part included. A call that is asked to wait for longer is not made
    /// again. A constant wait is as long as it was set to all the same.
    #[must_use]
    pub const fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Sets the budget: the retries of all calls of the policy, in percent of calls (20 %). Ten more are allowed at first, and one a second
    /// is added while fewer than ten are left.
    #[must_use]
    pub const fn budget(mut self, share: Percent) -> Self {
        self.budget = Some(share);
        self
    }

    /// Removes the budget: every failed call makes all its attempts.
    #[must_use]
    pub const fn no_budget(mut self) -> Self {
        self.budget = None;
        self
    }

    /// Makes every wait exactly `first_wait`, or lets waits grow at random.
    #[cfg(feature = "settings")]
    pub(crate) fn with_constant_waits(self, is_constant: bool) -> Self {
        Self { is_constant, ..self }
    }

    /// Returns the wait after this number of attempts, or `None` if it would be too long. `draw` is a random number from 0 to 1.
    pub(super) fn wait(&self, attempts: u32, asked: Option<Duration>, draw: f64) -> Option<Duration> {
        let asked = asked.unwrap_or_default();
        // The random wait is added to the requested time, so that callers with the same `retry_after` do not come back together.
        let rest = self.max_wait.checked_sub(asked)?;
        if self.is_constant {
            return Some(asked.max(self.first_wait));
        }
        let bound = doubled(self.first_wait, attempts - 1, self.max_wait).min(rest);
        // Rounding may exceed the longest duration.
        let drawn = Duration::try_from_secs_f64(bound.as_secs_f64() * draw).unwrap_or(bound);
        Some(asked.saturating_add(drawn))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}
