//! The figures of a breaker at one moment.

use std::sync::Arc;
use std::time::Duration;

use super::super::breaker_state::State;

/// The figures of a circuit breaker at one moment.
///
/// ```
/// use fastness::resilience::breaker::{Breaker, Verdict};
///
/// let mail = Breaker::named("outgoing mail");
/// mail.try_acquire()?.settle(Verdict::Success);
/// mail.try_acquire()?.settle(Verdict::Failure);
/// let seen = mail.snapshot();
/// assert_eq!((seen.window_calls, seen.failure_rate(), seen.retry_after), (2, Some(0.5), None));
/// # Ok::<(), fastness::resilience::Rejected>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The name; that of a breaker per key includes the key.
    pub name: Arc<str>,
    /// The state.
    pub state: State,
    /// The remaining time open; `None` unless the breaker opened by itself.
    pub retry_after: Option<Duration>,
    /// Calls in the window. Every change of state empties the window.
    pub window_calls: u64,
    /// Failed calls in the window.
    pub window_failures: u64,
    /// Slow calls in the window.
    pub window_slow: u64,
    /// All calls since the start, by how they ended.
    pub calls: Calls,
}

impl Snapshot {
    /// Returns the share of the calls in the window that failed, from 0 to 1; `None` without calls.
    pub fn failure_rate(&self) -> Option<f64> {
        share(self.window_failures, self.window_calls)
    }

    /// Returns the share of the calls in the window that were slow, from 0 to 1; `None` without calls.
    pub fn slow_rate(&self) -> Option<f64> {
        share(self.window_slow, self.window_calls)
    }
}

#[allow(clippy::cast_precision_loss)] // a share for people
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The calls through a breaker since the start, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Calls {
    /// Calls that succeeded, slow ones included.
    pub successes: u64,
    /// Calls that failed, panicked or exceeded their time limit.
    pub failures: u64,
    /// Calls that took at least the time that counts as slow, whatever their end.
    pub slow: u64,
    /// Calls whose end says nothing about the callee.
    pub ignored: u64,
    /// Calls that were dropped before their end.
    pub cancelled: u64,
    /// Calls that were rejected.
    pub rejected: u64,
}

impl Calls {
    pub(super) fn add(&mut self, other: Self) {
        self.successes += other.successes;
        self.failures += other.failures;
        self.slow += other.slow;
        self.ignored += other.ignored;
        self.cancelled += other.cancelled;
        self.rejected += other.rejected;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_calls_in_the_window() {
        let calls = |window_calls| Snapshot {
            name: "x".into(),
            state: State::Closed,
            retry_after: None,
            window_calls,
            window_failures: 1,
            window_slow: 3,
            calls: Calls::default(),
        };
        assert_eq!((calls(4).failure_rate(), calls(4).slow_rate()), (Some(0.25), Some(0.75)));
        assert_eq!((calls(0).failure_rate(), calls(0).slow_rate()), (None, None));
    }

    #[test]
    fn the_counts_of_calls_add_up() {
        let one = Calls { successes: 3, failures: 5, slow: 7, ignored: 11, cancelled: 13, rejected: 17 };
        let mut sum = one;
        sum.add(one);
        let twice = Calls { successes: 6, failures: 10, slow: 14, ignored: 22, cancelled: 26, rejected: 34 };
        assert_eq!(sum, twice);
    }
}
