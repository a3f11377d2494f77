//! Declarative caching for Rust services: annotate a function, and its answers are cached, typed, bounded, loaded once
//! however many callers ask, and never stale after an invalidation.
//!
//! ```
//! use fastness::{cache_invalidate, cacheable};
//!
//! #[cacheable(ttl = 300, key = "user:{id}")]
//! async fn get_user(id: u64) -> Result<String, std::io::Error> {
//!     Ok(format!("user {id}")) // SELECT ..
//! }
//!
//! #[cache_invalidate("user:{id}")]
//! async fn rename(id: u64, name: &str) -> Result<(), std::io::Error> {
//!     Ok(()) // UPDATE ..
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), std::io::Error> {
//! get_user(7).await?; // runs the body
//! get_user(7).await?; // does not
//! rename(7, "Ada").await?;
//! get_user(7).await?; // runs it again
//! # Ok(()) }
//! ```
//!
//! - [`macro@cacheable`], [`macro@cache_invalidate`], [`macro@cache_put`]: the attributes, with all their options.
//! - [`Fastness`]: settings, statistics, and how to give a test a cache of its own ([`scope`]).
//! - [`Cache`]: the same cache without attributes.
//! - [`macro@timed`], [`Timing`]: how long calls take and how they end; [`timings`] lists it.
//! - [`KeyPart`], [`KeyScope`]: what can be in a key, and what leads it.
//! - [`resilience`]: circuit breakers, retries and the like, for what is behind the cache.
//! - By feature: `registry` and `audit` (every annotated function, and what is wrong between them: `registry`), `index` and
//!   `changes` (MongoDB's indexes, slow queries and change streams: `mongodb`), `http` (tower layers: `http`), `monitor` (health, alerts, advice: `monitor`), `routes` (its pages: `axum`), `metrics` (`prometheus`, `metrics`).
//!
//! # The rule
//!
//! **An entry is served only if nothing that concerns it was invalidated after its load began.** Once an invalidation has
//! returned, no read that starts later gets a value whose load began before it: not from the cache, not from a load that
//! was under way, and not as a stale value after an error. Expiry is checked against a clock that ticks every 10 ms.
//!
//! With a shared tier (features `redis`, `redis-sentinel`, `redis-cluster`; `Builder::redis`), the same holds between processes
//! within a stated bound; [`Reach`] says when.
//!
//! What it does not cover: an origin that answers with old data; an invalidation sent before its transaction commits; what
//! other programs write, unless it is in MongoDB and followed (feature `mongodb`, module `changes`).

// On docs.rs, what needs a feature says so.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "registry")]
mod audit;
mod batch;
mod calls;
#[cfg(feature = "mongodb")]
pub mod changes;
mod clock;
mod codec;
mod direct;
mod engine;
mod error;
mod flight;
mod handle;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "mongodb")]
pub mod index;
mod invalidate;
mod key;
mod l1;
mod load;
mod log;
#[cfg(any(feature = "metrics", feature = "prometheus"))]
pub mod metrics;
#[cfg(feature = "monitor")]
pub mod monitor;
mod policy;
mod put;
#[cfg(feature = "registry")]
mod registry;
pub mod resilience;
#[cfg(feature = "axum")]
pub mod routes;
mod shape;
#[cfg(feature = "redis")]
mod shared;
#[cfg(not(feature = "redis"))]
#[path = "shared/off.rs"]
mod shared;
mod site;
mod stats;
mod sync;
#[cfg(feature = "redis")]
pub mod testing;
mod timed;
mod typed;

#[cfg(all(test, fastness_loom))]
mod interleavings;
#[cfg(test)]
mod tests;

#[doc(hidden)]
pub mod __private;

#[cfg(feature = "registry")]
pub use audit::{Audit, audit};
pub use clock::{Clock, after_fork};
pub use codec::{Codec, SharedValue};
pub use direct::Cache;
pub use error::{Error, LoadTimeout};
#[cfg(feature = "mongodb")]
pub use fastness_macros::Indexed;
pub use fastness_macros::{
    Label, bulkhead, cache_invalidate, cache_put, cacheable, circuit_breaker, fallback, hedge, rate_limit, retry,
    timed, timeout,
};
pub use handle::{Builder, Fastness, HandleStats, SiteStats, scope, scope_sync};
#[cfg(feature = "mongodb")]
pub use index::Indexed;
pub use key::{KeyPart, KeyScope, KeyWriter};
pub use log::Reach;
#[cfg(feature = "registry")]
pub use registry::{Annotated, Role, registry};
pub use shape::CacheValue;
#[cfg(feature = "redis")]
pub use shared::{Redis, SharedStats};
pub use stats::{Observed, Stats, observe};
pub use timed::{CallOutcome, Label, Latency, Timer, Timing, TimingStats, time, timings};
