//! Declarative caching and resilience for Rust services. Annotate a function, and its answers are cached: typed, bounded, loaded
//! once however many callers ask, and never stale after an invalidation.
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
//! get_user(7).await?; // answers from the cache
//! rename(7, "Ada").await?;
//! get_user(7).await?; // runs the body again
//! # Ok(()) }
//! ```
//!
//! There is nothing to set up: without configuration the values stay in the process, up to 10 000 entries per function. Redis, MongoDB, layers
//! for HTTP servers and a dashboard are [features](#features) behind the same attributes.
//!
//! # The rule
//!
//! **An entry is served only if nothing that concerns it was invalidated after its load began.** Once an invalidation has
//! returned, no read that starts later gets a value whose load began before it: not from the cache, not from a load that
//! was in flight, and not as a stale fallback after an error. Expiry is judged by a clock that ticks every 10 ms.
//!
//! With a shared tier (feature `redis`; [`Builder::redis`](https://docs.rs/fastness/latest/fastness/struct.Builder.html#method.redis)), the same holds
//! between processes within a stated bound; [`Reach`] says how far an invalidation got.
//!
//! The rule cannot cover an origin that answers with old data, an invalidation that is sent before its transaction commits, or writes by
//! other programs, unless they go to MongoDB and are followed by its change streams (feature `mongodb`, module `mongo::changes`).
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | an attribute for a function, and a page on each: failures, mistakes, operations | [the guide](guide) |
//! | functions that read, write, or invalidate | the attributes [`macro@cacheable`], [`macro@cache_put`], [`macro@cache_invalidate`], [`macro@cache_refresh`], each with all its options |
//! | functions that call something unreliable | [`macro@circuit_breaker`], [`macro@retry`], [`macro@timeout`], [`macro@bulkhead`], [`macro@rate_limit`], [`macro@hedge`], [`macro@fallback`]; the same without attributes in [`resilience`] |
//! | settings, and a cache for each test | [`Fastness`] and its [`Builder`]; [`with_cache`]; [`Clock::manual`] |
//! | a call without the cache, or loaded anew; the cache or a function turned off | [`bypass`], [`reload`]; [`Fastness::set_enabled`], [`Fastness::function`] |
//! | the cache without attributes | [`Cache`], with a [`Key`] for each entry and a [`Scope`] for all that an invalidation reaches |
//! | one entry of an annotated function | [`handle`]: `handle = users` declares one |
//! | your own types in keys | [`key`]: a [`KeyPart`](key::KeyPart), or a [`KeyNamespace`](key::KeyNamespace) that leads all keys of a type |
//! | your own types as values | [`tier`]; `testing` (with `redis`) checks that they survive the shared tier |
//! | hits, misses, loads | [`stats`] |
//! | each load, eviction, invalidation or change of a breaker as it happens | [`events`] |
//! | how long calls take and how they end | [`macro@timed`], [`timing`] |
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | adds |
//! |---|---|
//! | `hash` | `{x:hash}` in keys: an argument by the SHA-256 of its serde form; part of `redis`, `mongodb` and `http` |
//! | `redis` | `Redis`, the shared tier on one server, coherent across processes |
//! | `redis-sentinel`, `redis-cluster`, `redis-tls` | the shared tier on a master that Sentinels watch; on a Redis Cluster; over TLS |
//! | `bincode`, `compression` | a smaller encoding in the shared tier; compressed values |
//! | `encryption` | encrypted values in the shared tier, under names that are digests |
//! | `registry` | [`registry`](registry/index.html): every annotated function of the program, and an audit of their keys and patterns |
//! | `settings` | [`settings`](settings/index.html): options of functions and policies, by name, from a configuration and while the program runs; includes `registry` |
//! | `rate-limit` | [`macro@rate_limit`] and `resilience::rate_limit` |
//! | `http` | [`http`](http/index.html): tower layers for servers, a cache of responses among them |
//! | `monitor` | [`monitor`](monitor/index.html): health, alerts, recommendations and a memory guard |
//! | `prometheus`, `metrics` | [`metrics`](metrics/index.html): all metrics as text, or through the facade of the crate `metrics` |
//! | `axum` | [`routes`](routes/index.html): health, metrics and a dashboard as a router; includes `http`, `monitor` and `prometheus` |
//! | `mongodb` | [`mongo`](mongo/index.html): declared indexes, bounded calls, slow queries, change streams as invalidations |
//! | `full` | all of them |

// On docs.rs, each item shows the feature that it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

// Pages to read, so only rustdoc needs them. Their examples are compiled by `tests/src/guide.rs`, and not once more as doctests.
#[cfg(all(doc, not(doctest)))]
pub mod guide;

/// The items that expansions of the macros name: those of the core, and of `fastness-mongo`. They may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use fastness_core::__private::*;
    #[cfg(feature = "mongodb")]
    pub use fastness_mongo::model::derived as index;
}

pub use fastness_macros::{
    bulkhead, cache_invalidate, cache_put, cache_refresh, cacheable, circuit_breaker, fallback, hedge, rate_limit,
    retry, timed, timeout,
};

#[doc(inline)]
pub use fastness_core::{
    Builder, Cache, CacheTransaction, CachedFunction, Clock, Error, Fastness, Key, LoadTimeout, Reach, Scope, bypass,
    bypass_sync, reload, reload_sync, resilience, with_cache, with_cache_sync,
};

/// Events of a cache and of policies, for subscribers: [`Fastness::subscribe`] and [`resilience::subscribe`].
pub mod events {
    #[doc(inline)]
    pub use fastness_core::events::{
        CacheEvent, CacheEventKind, EventEntry, EventKey, EventScopes, Eviction, Filter, LoadEnding, RecordSource,
        Removal, ResetCause, Subscribable, Subscription,
    };
}

/// Typed handles: one entry of an annotated function, read and written without a call of that function.
pub mod handle {
    #[doc(inline)]
    pub use fastness_core::{Handle, Handled};
}

/// Keys: the arguments that can be part of one, the namespace that leads those of a type's methods, and the list of a function's keys.
pub mod key {
    #[doc(inline)]
    pub use fastness_core::{KeyInfo, KeyNamespace, KeyPart, KeyWriter, Keys};
    pub use fastness_macros::KeyPart;
}

/// Settings at run time, which `Fastness::apply_settings` takes: those in force, and what is wrong with others.
#[cfg(feature = "settings")]
pub mod settings {
    #[doc(inline)]
    pub use fastness_core::{AppliedSettings, WrongSetting};
}

/// The annotated functions of the program, known at link time, and an audit of the faults between them.
#[cfg(feature = "registry")]
pub mod registry {
    #[doc(inline)]
    pub use fastness_core::{Annotated, Audit, Role, annotated, audit};
}

/// Counters: of a handle, of each call site, of the shared tier, and of one future; and the origin of one future's answers.
pub mod stats {
    #[cfg(feature = "redis")]
    #[doc(inline)]
    pub use fastness_core::SharedStats;
    #[doc(inline)]
    pub use fastness_core::{
        AnswerSource, CachedAnswer, HandleStats, Observed, Provenance, SiteStats, Stats, observe, observe_sync,
        provenance, provenance_sync,
    };
}

/// Tiers: where a [`Cache`] stores its values, the traits that the values need for it, and the secret keys that encrypt them in Redis.
pub mod tier {
    #[doc(inline)]
    pub use fastness_core::{Both, CacheValue, Codec, Local, SharedValue, StoredIn};
    #[cfg(feature = "encryption")]
    #[doc(inline)]
    pub use fastness_core::{Keyring, SecretKey};
}

/// Timings of calls: of functions with `#[timed]`, and of anything else by a [`Timing`](timing::Timing).
pub mod timing {
    #[doc(inline)]
    pub use fastness_core::timing::{CallOutcome, Label, Latency, Snapshot, Timer, Timing, snapshots, time};
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
/// | [`transaction()`](mongo::transaction()) | a transaction whose invalidations are sent when it has committed |
///
/// Types of the driver stand in this API where they are the point: databases, options and results of operations are those of `mongodb`, and
/// keys, filters and ids those of `bson`. Name both crates in your own manifest, with the major versions of this one.
#[cfg(feature = "mongodb")]
pub mod mongo {
    #[doc(inline)]
    pub use fastness_mongo::{
        Client, Collection, Cursor, Error, IndexManager, Settings, Snapshot, TransactionError, advice, changes, model,
        plan, slow, transaction,
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
