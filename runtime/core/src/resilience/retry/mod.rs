//! Trying again, without making things worse: later each time, at random, and within a budget.
//!
//! Random waits ("full jitter": anything from nothing to the bound, and the bound doubles) spread out callers that failed
//! together. The budget bounds what retries add to the load of a service that fails for everyone; attempts alone would
//! triple it.

mod attempts;
mod budget;
mod settings;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub(super) use attempts::Attempts;
pub(super) use budget::Budget;
pub use settings::RetrySettings;

use crate::clock::Clock;
use crate::sync::Mutex;

use super::outcomes::Outcomes;
use super::snapshot::{Lazy, PolicyKind, PolicySnapshot, Report};

/// Whether to try again after an error. Made from a `bool`, or from what the error says.
///
/// ```
/// use std::time::Duration;
/// use fastness::resilience::Again;
///
/// /// Of an answer's status, and its `Retry-After` in seconds.
/// fn again(status: u16, retry_after: Option<u64>) -> Again {
///     match (status, retry_after) {
///         (429 | 503, Some(seconds)) => Again::After(Duration::from_secs(seconds)),
///         (500.., _) | (429, _) => Again::Yes,
///         _ => Again::No,
///     }
/// }
/// assert_eq!((again(503, None), again(404, None)), (Again::Yes, Again::from(false)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// No: it would fail again, or is not safe to repeat.
    No,
    /// Yes, when it is time.
    Yes,
    /// Yes, but not before so long.
    After(Duration),
}

impl From<bool> for Again {
    fn from(again: bool) -> Self {
        if again { Self::Yes } else { Self::No }
    }
}

/// Makes calls again that failed.
///
/// A call that ended because it was [`Rejected`](super::Rejected) somewhere within is tried again no sooner than that said, or
/// not at all if that is later than the longest wait. It is heard where the error still holds the rejection, or where
/// a policy made the error of it; not where your own code made an error of it that does not hold it. A rejection from which an
/// attempt recovered says nothing.
///
/// ```
/// use std::cell::Cell;
/// use fastness::resilience::{Retry, RetrySettings};
///
/// static FETCH: Retry = Retry::new("fetch", RetrySettings::new());
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let calls = Cell::new(0);
/// let fetch = || async {
///     calls.set(calls.get() + 1);
///     if calls.get() < 3 { Err("busy") } else { Ok(calls.get()) }
/// };
/// assert_eq!(FETCH.call(fetch, |error| *error == "busy").await, Ok(3));
/// # }
/// ```
#[derive(Debug)]
pub struct Retry {
    name: &'static str,
    settings: RetrySettings,
    clock: Option<Clock>,
    state: Lazy<State>,
}

#[derive(Debug)]
struct State {
    name: Arc<str>,
    clock: Clock,
    /// Nothing but arithmetic happens under its lock, and only after a failure.
    budget: Mutex<Budget>,
    outcomes: Outcomes,
}

const CALLS: usize = 0;
const FIRST_TRY: usize = 1;
const AFTER_RETRIES: usize = 2;
const FAILED: usize = 3;
const OVER_BUDGET: usize = 4;
const CANCELLED: usize = 5;
const PANICKED: usize = 6;
const RETRIES: usize = 7;
const OUTCOMES: &[&str] =
    &["calls", "first_try", "after_retries", "failed", "over_budget", "cancelled", "panicked", "retries"];

impl Retry {
    /// A policy of its own, with its own budget.
    pub const fn new(name: &'static str, settings: RetrySettings) -> Self {
        Self { name, settings, clock: None, state: Lazy::new() }
    }

    /// Another clock for the budget and for [`call_sync`](Self::call_sync), whose waits then move it: for tests.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Makes the call, and makes it again while it fails with an error for which `when` says so.
    ///
    /// # Errors
    ///
    /// That of the last attempt.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its timer enabled, when it has to wait. A wait of nothing needs none.
    ///
    /// # Cancel safety
    ///
    /// As safe as the call.
    pub async fn call<T, E, F, W>(&self, mut call: impl FnMut() -> F, when: impl Fn(&E) -> W) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        W: Into<Again>,
    {
        let mut attempts = Attempts::new(self);
        loop {
            let ended = attempts.make(&mut call).await;
            if let Some(ended) = attempts.end(ended, &when).await {
                return ended;
            }
        }
    }

    /// [`call`](Self::call), for an output of any type: `again` says of which of them the call is made again. It ends with
    /// the last one.
    ///
    /// ```
    /// use fastness::resilience::{Retry, RetrySettings};
    ///
    /// static PAGE: Retry = Retry::new("page", RetrySettings::new());
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut answers = [503, 200].into_iter();
    /// let status = PAGE.call_judged(|| std::future::ready(answers.next().unwrap()), |status| *status >= 500).await;
    /// assert_eq!(status, 200);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As safe as the call.
    pub async fn call_judged<R, F, W>(&self, mut call: impl FnMut() -> F, again: impl Fn(&R) -> W) -> R
    where
        F: Future<Output = R>,
        W: Into<Again>,
    {
        let mut attempts = Attempts::new(self);
        loop {
            let ended = attempts.make(&mut call).await;
            if let Some(ended) = attempts.end_judged(ended, &again).await {
                return ended;
            }
        }
    }

    /// [`call`](Self::call), for a function that blocks; so do the waits.
    pub fn call_sync<T, E, W>(&self, mut call: impl FnMut() -> Result<T, E>, when: impl Fn(&E) -> W) -> Result<T, E>
    where
        W: Into<Again>,
    {
        let mut attempts = Attempts::new(self);
        loop {
            let ended = attempts.run_sync(&mut call);
            if let Some(ended) = attempts.end_sync(ended, &when) {
                return ended;
            }
        }
    }

    /// [`call_judged`](Self::call_judged), for a function that blocks; so do the waits.
    pub fn call_judged_sync<R, W: Into<Again>>(&self, mut call: impl FnMut() -> R, again: impl Fn(&R) -> W) -> R {
        let mut attempts = Attempts::new(self);
        loop {
            let ended = attempts.run_sync(&mut call);
            if let Some(ended) = attempts.end_judged_sync(ended, &again) {
                return ended;
            }
        }
    }

    fn state(&self) -> &State {
        self.state.get(|| {
            let clock = self.clock.clone().unwrap_or_else(Clock::system);
            let budget = Mutex::new(Budget::new(clock.now()));
            State { name: self.name.into(), clock, budget, outcomes: Outcomes::new(OUTCOMES) }
        })
    }
}

impl Report for State {
    fn snapshot(&self) -> PolicySnapshot {
        PolicySnapshot::of(PolicyKind::Retry, &self.name, &self.outcomes, Vec::new())
    }
}
