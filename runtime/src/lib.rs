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
//! - [`Key`], [`Scope`]: what it stores under, and what an invalidation reaches.
//! - [`macro@timed`], [`timing`]: how long calls take and how they end.
//! - [`stats`]: what the cache did. [`tier`]: where values go.
//! - [`KeyPart`], [`KeyScope`]: what can be in a key, and what leads it.
//! - [`resilience`]: circuit breakers, retries and the like, for what is behind the cache.
//! - By feature: `registry` (every annotated function, and what is wrong between them: `registry`), `mongo`
//!   (MongoDB's indexes, slow queries and change streams: `mongodb`), `http` (tower layers: `http`), `monitor` (health, alerts, advice: `monitor`), `routes` (its pages: `axum`), `metrics` (`prometheus`, `metrics`).
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
//! other programs write, unless it is in MongoDB and followed (feature `mongodb`, module `mongo::changes`).

// On docs.rs, what needs a feature says so.
#![cfg_attr(docsrs, feature(doc_cfg))]

// Pages to read, so only rustdoc needs them. Their examples are compiled by `tests/src/guide.rs`, and not once more as doctests.
#[cfg(all(doc, not(doctest)))]
pub mod guide;

/// The one door for the macros: those of the core, and of `fastness-mongo`. Not for people: anything here may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use fastness_core::__private::*;
    #[cfg(feature = "mongodb")]
    pub use fastness_mongo::model::derived as index;
}

pub use fastness_macros::{
    bulkhead, cache_invalidate, cache_put, cacheable, circuit_breaker, fallback, hedge, rate_limit, retry, timed,
    timeout,
};

#[doc(inline)]
pub use fastness_core::{
    Builder, Cache, CacheValue, Clock, Error, Fastness, Handle, Handled, Key, KeyPart, KeyScope, KeyWriter,
    LoadTimeout, Reach, Scope, resilience, scope, scope_sync,
};

/// Every annotated function, known at link time, and the faults between them.
#[cfg(feature = "registry")]
pub mod registry {
    #[doc(inline)]
    pub use fastness_core::{Annotated, Audit, Role, audit, registry};
}

/// Counters: of a handle, of each call site, of the shared tier, and of one future.
pub mod stats {
    #[cfg(feature = "redis")]
    #[doc(inline)]
    pub use fastness_core::SharedStats;
    #[doc(inline)]
    pub use fastness_core::{HandleStats, Observed, SiteStats, Stats, observe};
}

/// The tiers of a [`Cache`], and what their values have to be able to do.
pub mod tier {
    #[doc(inline)]
    pub use fastness_core::{Both, Codec, Local, SharedValue, StoredIn};
}

/// Timings of calls: of functions with `#[timed]`, and of anything else by a [`Timing`](timing::Timing).
pub mod timing {
    #[doc(inline)]
    pub use fastness_core::timing::{CallOutcome, Label, Latency, Snapshot, Timer, Timing, time, timings};
    pub use fastness_macros::Label;
}

#[cfg(feature = "redis")]
#[doc(inline)]
pub use fastness_core::{Redis, testing};

#[cfg(feature = "mongodb")]
pub use fastness_macros::Indexed;
#[cfg(feature = "mongodb")]
#[doc(inline)]
pub use fastness_mongo::Indexed;

/// MongoDB: indexes that are declared on models, slow queries, and change streams as invalidations.
///
/// | | |
/// |---|---|
/// | [`Client`](mongo::Client), [`Collection`](mongo::Collection), [`Cursor`](mongo::Cursor) | the driver's calls with a bound on each, timed |
/// | [`IndexManager`](mongo::IndexManager) | plans, applies and advises on the indexes that models declare |
/// | [`model`](mongo::model) | the declarations that `#[derive(Indexed)]` writes, and its fields as checked paths |
/// | [`plan`](mongo::plan) | an index in normal form; the steps of a plan, and their outcomes |
/// | [`slow`](mongo::slow) | slow queries by shape, and the server's profiler |
/// | [`advice`](mongo::advice) | missing indexes, and indexes that are not needed |
/// | [`changes`](mongo::changes) | change streams as invalidations |
///
/// Types of the driver stand in this API where they are the point: databases, options and results of operations are those of `mongodb`, and
/// keys, filters and ids those of `bson`. Name both crates in your own manifest, with the major versions of this one.
#[cfg(feature = "mongodb")]
pub mod mongo {
    #[doc(inline)]
    pub use fastness_mongo::{
        Client, Collection, Cursor, Error, IndexManager, Settings, Snapshot, advice, changes, model, plan, slow,
    };
}

#[cfg(feature = "http")]
#[doc(inline)]
pub use fastness_core::http;

#[cfg(feature = "monitor")]
#[doc(inline)]
pub use fastness_core::monitor;

#[cfg(any(feature = "metrics", feature = "prometheus"))]
#[doc(inline)]
pub use fastness_core::metrics;

#[cfg(feature = "axum")]
#[doc(inline)]
pub use fastness_core::routes;
