//! How often to try, and how long to wait.

use std::num::NonZeroU32;
use std::time::Duration;

use super::super::backoff::doubled;
use super::super::percent::Percent;

const ATTEMPTS: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// The settings of a retry: how often and when to try again. Every method is `const`.
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
    pub(super) budget: Option<Percent>,
}

impl Settings {
    /// The defaults: 3 attempts, waits of up to 100 ms, 200 ms, .. 10 s, and 20 retries in 100 calls.
    pub const fn new() -> Self {
        Self {
            attempts: ATTEMPTS,
            first_wait: Duration::from_millis(100),
            max_wait: Duration::from_secs(10),
            budget: Some(Percent::new(20)),
        }
    }

    /// How often the call is made at most, the first time included (3).
    #[must_use]
    pub const fn attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The longest wait before the second attempt (100 ms). It doubles from attempt to attempt; what is really waited is
    /// drawn at random between nothing and that. Nothing ([`Duration::ZERO`]) stays nothing, and needs no timer.
    #[must_use]
    pub const fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// The longest wait before any attempt (10 s), the random part included. Whoever was asked to wait for longer does not
    /// try again.
    #[must_use]
    pub const fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// How many retries the calls of one policy may cause, of 100 calls (20). Ten more are there at first, and one a second
    /// comes when there are fewer than ten.
    #[must_use]
    pub const fn budget(mut self, share: Percent) -> Self {
        self.budget = Some(share);
        self
    }

    /// As many retries as the attempts allow, however many calls fail.
    #[must_use]
    pub const fn no_budget(mut self) -> Self {
        self.budget = None;
        self
    }

    /// How long to wait after so many attempts; `None` if that would be too long.
    pub(super) fn wait(&self, attempts: u32, asked: Option<Duration>, draw: f64) -> Option<Duration> {
        let asked = asked.unwrap_or_default();
        // On top of what was asked for, so that those who were told the same do not come back together.
        let rest = self.max_wait.checked_sub(asked)?;
        let bound = doubled(self.first_wait, attempts - 1, self.max_wait).min(rest);
        // Rounded up, the longest duration times a part of it may be more than a duration holds.
        let drawn = Duration::try_from_secs_f64(bound.as_secs_f64() * draw).unwrap_or(bound);
        Some(asked.saturating_add(drawn))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}
