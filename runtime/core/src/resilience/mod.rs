//! Resilience: policies that keep a service up while a dependency is down, slow or overloaded.
//!
//! May use: `clock`, `events`, `stats`, `sync`, `trace`.
//!
//! Each policy is usable by itself, for async functions and, where that makes sense, for blocking ones. Each has a module,
//! with its `Settings` where there is anything to set but a name and a duration:
//!
//! - [`breaker`] stops calling a failing dependency for a while;
//! - [`retry`] makes failed calls again, within a budget;
//! - [`timeout`] drops calls that take too long;
//! - [`bulkhead`] bounds the calls in flight;
//! - `rate_limit`, with the feature `rate-limit`, bounds the calls per time;
//! - [`hedge`] makes a slow call a second time, and returns the first good answer;
//! - [`fallback`] makes another call when the first failed.
//!
//! Policies are created by `new(name, settings)` (`Timeout::new(name, duration)`, `Fallback::new(name)`), which is `const` for all but
//! breakers, so that a policy can be a static. They are cheap to clone, and clones are the same policy. `with_clock` sets another clock,
//! for tests.
//!
//! A call that was not made is the error [`Rejected`], and one that took too long is [`TimedOut`]. An error type
//! with `From` for both can be returned through every policy.

mod backoff;
mod base;
pub mod breaker;
mod breaker_state;
mod budget;
pub mod bulkhead;
#[cfg(feature = "settings")]
mod changes;
#[cfg(feature = "registry")]
mod declared;
mod error;
mod events;
mod expansion;
pub mod fallback;
mod guarded;
pub mod hedge;
mod in_force;
mod keyed;
mod kind;
mod listed;
mod noted;
mod outcomes;
mod percent;
#[cfg(feature = "rate-limit")]
pub mod rate_limit;
mod reason;
mod registry;
pub mod retry;
mod snapshot;
pub mod timeout;
mod within;

#[cfg(test)]
mod tests;

#[cfg(feature = "settings")]
pub(crate) use changes::{PolicyChange, SettingsChange};
pub use error::{CallError, Rejected, TimedOut};
pub use events::{PolicyEvent, PolicyEventKind, subscribe};
#[cfg(feature = "http")]
pub(crate) use guarded::{Early, Ends, Held, Running};
pub use kind::PolicyKind;
pub use listed::snapshots;
#[cfg(feature = "settings")]
pub(crate) use listed::{GivenChanges, names};
pub(crate) use noted::{Made, made};
#[cfg(feature = "http")]
pub(crate) use noted::{Mark, Rejection, mark, note_again};
pub use percent::Percent;
pub use reason::Reason;
pub use snapshot::Snapshot;

/// Items that attributes expand to.
pub(crate) mod sites {
    pub use super::breaker::site::{BreakerDeclared, BreakerSite, KeyedBreakerDeclared, KeyedBreakerSite};
    #[cfg(feature = "registry")]
    pub use super::declared::PolicyDeclared;
    #[cfg(feature = "rate-limit")]
    pub use super::expansion::rate;
    pub use super::expansion::{
        CallCount, CallShare, Fallible, at_least_one, attempts, count_of, failure_if, ignore_if, in_bulkhead,
        in_bulkhead_sync, of_error, of_result, percent_of, rejected, timed_out,
    };
}
