//! Resilience: what keeps a service up while something that it calls is down, slow or overloaded.
//!
//! May use: `clock`, `stats`, `sync`.
//!
//! Each policy is usable by itself, for a function that is async and, where that makes sense, for one that blocks:
//!
//! - [`Breaker`] stops calling what does not work, for a while;
//! - [`Retry`] calls again what failed, within a budget;
//! - [`Timeout`] gives up what takes too long;
//! - [`Bulkhead`] bounds how many calls are under way at a time;
//! - `RateLimit`, with the feature `rate-limit`, bounds how many are made in a time;
//! - [`Hedge`] makes a slow call twice, and takes the first good answer;
//! - [`Fallback`] gives another answer instead.
//!
//! A call that is not made is a value, [`Rejected`], and one that took too long is another, [`TimedOut`]. An error type
//! that has `From` for both can be returned through every policy.

mod breaker;
mod bulkhead;
mod error;
mod fallback;
mod guarded;
mod hedge;
mod keyed;
mod noted;
mod outcomes;
#[cfg(feature = "rate-limit")]
mod rate_limit;
mod registry;
mod retry;
mod snapshot;
mod timeout;

#[cfg(test)]
mod tests;

use std::time::Duration;

#[cfg(feature = "registry")]
pub(crate) use breaker::faults;
pub use breaker::{
    Breaker, BreakerCalls, BreakerEvent, BreakerEvents, BreakerSettings, BreakerSnapshot, Cause, Conflict,
    KeyedBreaker, Percent, Permit, State, Verdict, Window, breaker, breaker_with, conflicts, find_breaker,
    set_max_breakers,
};
#[cfg(feature = "http")]
pub(crate) use bulkhead::Slot;
pub use bulkhead::{Bulkhead, BulkheadSettings};
pub use error::{CallError, Reason, Rejected, TimedOut};
pub use fallback::Fallback;
#[cfg(feature = "http")]
pub(crate) use guarded::{Ends, Held, Running};
pub use hedge::{Hedge, HedgeSettings};
pub(crate) use noted::{Made, made};
#[cfg(feature = "http")]
pub(crate) use noted::{Mark, mark};
#[cfg(feature = "rate-limit")]
pub use rate_limit::{KeyedRateLimit, RateLimit, RateLimitSettings};
pub use registry::Place;
pub use retry::{Again, Retry, RetrySettings};
pub use snapshot::{PolicyKind, PolicySnapshot, snapshots};
pub use timeout::Timeout;

/// A time after so many doublings, and `longest` at most. Nothing stays nothing.
fn doubled(time: Duration, doublings: u32, longest: Duration) -> Duration {
    let factor = 2_u32.checked_pow(doublings);
    let doubled = factor.and_then(|factor| time.checked_mul(factor));
    if time.is_zero() { time } else { doubled.map_or(longest, |doubled| doubled.min(longest)) }
}

mod expansion;

/// What attributes expand to.
pub(crate) mod sites {
    pub use super::breaker::{BreakerDeclared, BreakerSite, KeyedBreakerDeclared, KeyedBreakerSite};
    pub use super::expansion::{
        Fallible, at_least_one, attempts, failure_if, ignore_if, in_bulkhead, in_bulkhead_sync, of_error, of_result,
        rejected, timed_out,
    };
}
