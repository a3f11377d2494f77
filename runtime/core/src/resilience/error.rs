//! The errors of policies: calls that were rejected, and calls that timed out.
//!
//! There are two types, because callers have to react differently. A [`Rejected`] call was never made: trying it later is safe,
//! whatever it does. A [`TimedOut`] call was made and dropped, so it may or may not have had its effect. An error type
//! with `From` for both (`#[from]` in `thiserror`) can be returned through every policy.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::reason::Reason;
use super::{events, noted};
use crate::trace::rejected;

/// The error of a call that a policy rejected: the call was not made.
///
/// One `impl From<Rejected> for MyError` serves the circuit breaker, the bulkhead and the rate limit.
///
/// ```
/// use fastness::resilience::{Reason, Rejected};
/// use fastness::resilience::breaker::Breaker;
///
/// #[derive(Debug)]
/// enum AppError { Unavailable(Rejected) }
///
/// impl From<Rejected> for AppError {
///     fn from(rejected: Rejected) -> Self { Self::Unavailable(rejected) }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let search = Breaker::named("search");
/// search.force_open();
/// let AppError::Unavailable(rejected) = search.call(async { Ok::<_, AppError>(1) }).await.unwrap_err();
/// assert_eq!(rejected.reason(), Reason::Open);
/// assert_eq!(rejected.to_string(), "circuit breaker `search` is forced open; close it to let calls through again");
/// # }
/// ```
pub struct Rejected {
    name: Arc<str>,
    reason: Reason,
    retry_after: Option<Duration>,
    /// The number of this rejection in the notes of its thread.
    noted: u32,
}

impl Rejected {
    /// Creates a rejection, and notes it for the policies around this one, because they may see another error.
    pub(super) fn new(name: &Arc<str>, reason: Reason, retry_after: Option<Duration>) -> Self {
        rejected(name, reason.as_str(), retry_after);
        events::rejected(name, reason, retry_after);
        Self { name: name.clone(), reason, retry_after, noted: noted::note(retry_after) }
    }

    /// Converts the rejection into the error that a policy returns.
    pub(super) fn into_error<E: From<Self>>(self) -> E {
        noted::converted(self.noted, self.retry_after, || self.into())
    }

    /// Returns the name of the policy that rejected the call.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the reason.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns the time after which a call may get through, `None` if it is not known. Suitable as `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl Clone for Rejected {
    fn clone(&self) -> Self {
        let Self { name, reason, retry_after, noted } = self;
        noted::copied(*noted);
        Self { name: name.clone(), reason: *reason, retry_after: *retry_after, noted: *noted }
    }
}

impl Drop for Rejected {
    fn drop(&mut self) {
        noted::dropped(self.noted, self.retry_after);
    }
}

impl PartialEq for Rejected {
    fn eq(&self, other: &Self) -> bool {
        let Self { name, reason, retry_after, .. } = self;
        (name, reason, retry_after) == (&other.name, &other.reason, &other.retry_after)
    }
}

impl Eq for Rejected {}

impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, reason, retry_after, .. } = self;
        f.debug_struct("Rejected")
            .field("name", name)
            .field("reason", reason)
            .field("retry_after", retry_after)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match (self.reason, self.retry_after.map(Short)) {
            (Reason::Open, Some(after)) => write!(f, "circuit breaker `{name}` is open; retry after {after}"),
            (Reason::Open, None) => {
                write!(f, "circuit breaker `{name}` is forced open; close it to let calls through again")
            }
            (Reason::Full, _) => {
                write!(f, "bulkhead `{name}` is full; retry when calls have ended, or raise its `max`")
            }
            (Reason::Limited, Some(after)) => write!(f, "rate limit `{name}` is used up; retry after {after}"),
            (Reason::Limited, None) => write!(f, "rate limit `{name}` is used up; retry later"),
        }
    }
}

impl std::error::Error for Rejected {}

/// The error of a call that took too long and was dropped. The call may have had its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOut {
    name: Arc<str>,
    after: Duration,
}

impl TimedOut {
    pub(super) fn new(name: &Arc<str>, after: Duration) -> Self {
        Self { name: name.clone(), after }
    }

    /// Returns the name of the policy that dropped the call.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the time limit of the call.
    pub fn after(&self) -> Duration {
        self.after
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, after) = (&self.name, Short(self.after));
        write!(f, "`{name}` did not finish within {after} and was dropped; it may have had its effect")
    }
}

impl std::error::Error for TimedOut {}

/// The error of `try_call`, for error types without `From<Rejected>` or `From<TimedOut>`.
///
/// ```
/// use fastness::resilience::CallError;
/// use fastness::resilience::breaker::Breaker;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let text = match Breaker::named("numbers").try_call(async { "x".parse::<u8>() }).await {
///     Ok(number) => format!("it is {number}"),
///     Err(CallError::Failed(error)) => format!("it is no number: {error}"),
///     Err(CallError::Rejected(rejected)) => format!("not asked: {rejected}"),
///     Err(CallError::TimedOut(timed_out)) => format!("no answer: {timed_out}"),
/// };
/// assert_eq!(text, "it is no number: invalid digit found in string");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError<E> {
    /// The call was not made.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The call took too long and was dropped.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    /// The call failed.
    #[error(transparent)]
    Failed(E),
}

/// A duration in short form: `3.2 s`, `250 ms`.
struct Short(Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= Duration::from_secs(1) {
            write!(f, "{:.1} s", self.0.as_secs_f64())
        } else {
            // It never writes "0 ms", which a reader would take for "at once".
            write!(f, "{} ms", self.0.as_millis().max(1))
        }
    }
}
