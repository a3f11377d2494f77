//! What callers are told when a call was not made, or not waited for.
//!
//! Two types, because callers must do two different things. A [`Rejected`] call was never made: trying it later is safe,
//! whatever it does. A [`TimedOut`] call was made and dropped, so it may or may not have had its effect. An error type
//! that is made from both (`#[from]` in `thiserror`) can be returned from every policy.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::noted;

/// A call that was not made, because a policy refused it.
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
    /// By which its thread knows it.
    noted: u32,
}

/// The reason why a call was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The circuit breaker is open, or half-open with all its probes under way.
    Open,
    /// The bulkhead runs as many calls as it may.
    Full,
    /// The rate limit is used up.
    Limited,
}

impl Rejected {
    /// Noted for policies that this happens within, because they may get to see another error.
    pub(super) fn new(name: &Arc<str>, reason: Reason, retry_after: Option<Duration>) -> Self {
        Self { name: name.clone(), reason, retry_after, noted: noted::note(retry_after) }
    }

    /// Makes the error of it that a policy returns.
    pub(super) fn into_error<E: From<Self>>(self) -> E {
        noted::converted(self.noted, self.retry_after, || self.into())
    }

    /// The name of the policy that refused.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why it refused.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// How long to wait before a call may get through; `None` where nobody knows. A good `Retry-After`.
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

/// A call that took too long and was dropped. It may have had its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOut {
    name: Arc<str>,
    after: Duration,
}

impl TimedOut {
    pub(super) fn new(name: &Arc<str>, after: Duration) -> Self {
        Self { name: name.clone(), after }
    }

    /// The name of the policy that gave up.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time that the call was given.
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

/// What came of a call, for callers whose own error cannot be made from a [`Rejected`] or a [`TimedOut`].
///
/// ```
/// use fastness::resilience::CallError;
/// use fastness::resilience::breaker::Breaker;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let told = match Breaker::named("numbers").try_call(async { "x".parse::<u8>() }).await {
///     Ok(number) => format!("it is {number}"),
///     Err(CallError::Failed(error)) => format!("it is no number: {error}"),
///     Err(CallError::Rejected(rejected)) => format!("nobody was asked: {rejected}"),
///     Err(CallError::TimedOut(timed_out)) => format!("nobody knows: {timed_out}"),
/// };
/// assert_eq!(told, "it is no number: invalid digit found in string");
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
    /// The call failed by itself.
    #[error(transparent)]
    Failed(E),
}

/// A duration as people write it: `3.2 s`, `250 ms`.
struct Short(Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= Duration::from_secs(1) {
            write!(f, "{:.1} s", self.0.as_secs_f64())
        } else {
            // Never "0 ms": whoever reads it would try at once.
            write!(f, "{} ms", self.0.as_millis().max(1))
        }
    }
}
