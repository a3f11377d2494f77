//! What is known of a breaker at one moment.

use std::sync::Arc;
use std::time::Duration;

use super::State;

/// A circuit breaker at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BreakerSnapshot {
    /// Its name; with the key, if it is one of many.
    pub name: Arc<str>,
    /// What it does with calls.
    pub state: State,
    /// How long it is still open; `None` if it is not, or was forced to be.
    pub retry_after: Option<Duration>,
    /// Calls in the window. A window of time begins anew with each change of state, as does one of calls.
    pub window_calls: u64,
    /// Those of them that failed.
    pub window_failures: u64,
    /// Those of them that were slow.
    pub window_slow: u64,
    /// How all calls ended, since the start.
    pub calls: BreakerCalls,
}

impl BreakerSnapshot {
    /// The share of the calls in the window that failed, from 0 to 1; `None` if there are none.
    pub fn failure_rate(&self) -> Option<f64> {
        share(self.window_failures, self.window_calls)
    }

    /// The share of the calls in the window that were slow, from 0 to 1; `None` if there are none.
    pub fn slow_rate(&self) -> Option<f64> {
        share(self.window_slow, self.window_calls)
    }
}

#[allow(clippy::cast_precision_loss)] // a share for people
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// How the calls through a breaker ended, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerCalls {
    /// Succeeded, slow ones included.
    pub successes: u64,
    /// Failed, those that panicked or were too long included.
    pub failures: u64,
    /// Took at least the time that counts as slow, however they ended.
    pub slow: u64,
    /// Ended in a way that tells nothing.
    pub ignored: u64,
    /// Were dropped before their end.
    pub cancelled: u64,
    /// Were not made.
    pub rejected: u64,
}

impl BreakerCalls {
    pub(super) fn add(&mut self, other: Self) {
        self.successes += other.successes;
        self.failures += other.failures;
        self.slow += other.slow;
        self.ignored += other.ignored;
        self.cancelled += other.cancelled;
        self.rejected += other.rejected;
    }
}
