//! The miss path, shared by cached functions, batches and the HTTP cache: lookup, single flight, shared tier, and the end of a load.
//!
//! A user of the engine implements [`Request`] for its kind of lookups, and has a [`TieredStore`]. The user decides whether an entry is
//! fresh, whether a result may be stored, and how a failed load ends.
//!
//! | part | purpose |
//! |---|---|
//! | `pipeline` | the steps of a request: look up, join or lead, look up again; and the end of its load |
//! | `tiered_store` | the values of one call site in both tiers: look up, admit, fetch, store |
//! | `shared_key`, `fetched` | a key in the shared tier, and an entry that was fetched by it |
//! | `tiered_start` | the start of a load: its time, and its positions in both logs |
//! | `value_origin` | the load of a value, by which a waiter decides whether to take it |
//! | `background` | the bound on loads that run in background tasks |
//! | `load_counts` | the counters and spans of loads, by the way in which they end |
//! | `reload` | the loads that a reload waits for and joins, and its order among fetched values |
//!
//! May use: `clock`, `codec`, `events`, `flight`, `handle`, `key`, `l1`, `log`, `shape`, `shared`, `stats`, `trace`.

use std::time::Duration;

mod background;
mod fetched;
mod load_counts;
mod pipeline;
mod reload;
mod shared_key;
mod tiered_start;
mod tiered_store;
mod value_origin;

pub(crate) use background::{Background, BackgroundPermit};
pub(crate) use fetched::Fetched;
pub(crate) use load_counts::{CountIfAbandoned, count_load, end_span, ending_of};
pub(crate) use pipeline::{Lookup, Request, RequestPlan, join, join_blocking, share_and_end};
pub(crate) use reload::{FetchStart, NotedFetchStart, Reload};
pub(crate) use shared_key::{LoadedEntry, SharedForm, SharedKey};
pub(crate) use tiered_start::TieredStart;
pub(crate) use tiered_store::{LocalStore, TieredStore};
pub(crate) use value_origin::ValueOrigin;

/// The time for which an origin is not called again after it failed while a stale fallback could be served.
pub(crate) const ERROR_THROTTLE: Duration = Duration::from_secs(5);
