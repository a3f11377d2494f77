//! Tower layers for HTTP servers, each usable alone.
//!
//! May use: `clock`, `codec`, `flight`, `handle`, `key`, `l1`, `log`, `shared`, `stats`, `sync`.

mod body;
mod cache;
mod coalesce;
mod problem;

pub use body::Body;
pub use cache::{CacheLayer, CacheTags, Cached, ResponseFuture as CachedFuture, Resumed};
pub use coalesce::CoalesceLayer;
pub use problem::Problem;
