//! Resilience: what keeps a service up while something that it calls is down, slow or overloaded.
//!
//! May use: `clock`, `stats`, `sync`.
//!
//! Each policy is usable by itself, for a function that is async and, where that makes sense, for one that blocks. Each has a module,
//! with its `Settings`:
//!
//! - [`breaker`] stops calling what does not work, for a while;
//! - [`retry`] calls again what failed, within a budget;
//! - [`timeout`] gives up what takes too long;
//! - [`bulkhead`] bounds how many calls are under way at a time;
//! - `rate_limit`, with the feature `rate-limit`, bounds how many are made in a time;
//! - [`hedge`] makes a slow call twice, and takes the first good answer;
//! - [`fallback`] gives another answer instead.
//!
//! A policy is made by `new(name, settings)`, which is `const` for all but breakers, so that a policy can be a static. It is cheap to
//! clone, and clones are the same policy. `with_clock` gives it another clock, for tests.
//!
//! A call that is not made is a value, [`Rejected`], and one that took too long is another, [`TimedOut`]. An error type
//! that has `From` for both can be returned through every policy.

mod backoff;
mod base;
pub mod breaker;
mod budget;
pub mod bulkhead;
mod error;
mod expansion;
pub mod fallback;
mod guarded;
pub mod hedge;
mod keyed;
mod listed;
mod noted;
mod outcomes;
mod percent;
#[cfg(feature = "rate-limit")]
pub mod rate_limit;
mod registry;
pub mod retry;
mod snapshot;
pub mod timeout;
mod within;

#[cfg(test)]
mod tests;

pub use error::{CallError, Reason, Rejected, TimedOut};
#[cfg(feature = "http")]
pub(crate) use guarded::{Early, Ends, Held, Running};
pub use listed::snapshots;
pub(crate) use noted::{Made, made};
#[cfg(feature = "http")]
pub(crate) use noted::{Mark, Rejection, mark, note_again};
pub use percent::Percent;
pub use snapshot::{PolicyKind, Snapshot};

/// Items that attributes expand to.
pub(crate) mod sites {
    pub use super::breaker::site::{BreakerDeclared, BreakerSite, KeyedBreakerDeclared, KeyedBreakerSite};
    pub use super::expansion::{
        Fallible, at_least_one, attempts, failure_if, ignore_if, in_bulkhead, in_bulkhead_sync, of_error, of_result,
        rejected, timed_out,
    };
}
