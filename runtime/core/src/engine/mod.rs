//! The way of a request that was no hit, the same whatever is loaded: values of functions, batches and responses to HTTP requests.
//!
//! May use: `clock`, `codec`, `flight`, `handle`, `key`, `l1`, `log`, `shape`, `shared`, `stats`.
//!
//! | part | what it is |
//! |---|---|
//! | `pipeline` | the way of a request: lookup, join or lead, shared tier, and the end of its load |
//! | `store` | the values of one kind in both tiers: looked up, admitted, fetched, shared |
//! | `shared_key`, `fetched` | a key in the shared tier, and an answer of it |
//! | `began` | when and where a load began |
//! | `background` | loads that run in tasks of their own, and their number |
//! | `counted` | counters of loads, those that are dropped among them |
//!
//! A user of it implements [`Request`] for what it looks for, and owns a [`Store`]. What it decides itself: what is fresh, what may be
//! stored, and what a load that failed leaves.

use std::time::Duration;

mod background;
mod began;
mod counted;
mod fetched;
mod pipeline;
mod shared_key;
mod store;

pub(crate) use background::Background;
pub(crate) use began::Began;
pub(crate) use counted::{CountIfAbandoned, count_load};
pub(crate) use fetched::Fetched;
pub(crate) use pipeline::{Looked, Plan, Request, join, join_blocking, share_and_end};
pub(crate) use shared_key::SharedKey;
pub(crate) use store::{Local, Store};

/// The time for which an origin is left alone after it failed while a stale value could be served.
pub(crate) const ERROR_THROTTLE: Duration = Duration::from_secs(5);
