//! The shared tier: values in Redis, and the log that keeps all processes coherent.
//!
//! No error reaches a caller: a read that fails is a miss, and an invalidation that cannot be announced counts in this process and is
//! announced later.
//!
//! | part, from below | purpose |
//! |---|---|
//! | `site_encoding`, `api` | the interface of the tier for the rest of the crate |
//! | `no_tier` | its implementation in builds without the feature `redis` |
//! | `settings` | the addresses of the servers, and the settings |
//! | `retention` | the shortest retention of this process |
//! | `stats`, `notices`, `telemetry` | counters and log lines |
//! | `stream`, `order` | the log as it is in Redis; the script that keeps the newer of two values |
//! | `erasures` | the names of values that an invalidation of their key removes |
//! | `errors` | makes and classifies errors of the driver |
//! | `feed` | the fold of the log, and the judgement of values from the tier |
//! | `doubt` | records that may or may not be in the log |
//! | `trust` | the bound on the age of entries while the log is out of reach |
//! | `slots`, `sentinels`, `server_source` | finds the server to connect to |
//! | `settle_wait` | state of the wait for a server whose log is not settled |
//! | `context` | the parts that all tasks use |
//! | `confirm` | values that are stored before it is certain that they may stay |
//! | `append`, `signals`, `pushes` | the script that appends to the log; signals about one connection; the messages that it receives |
//! | `server`, `settle`, `catch_up` | identifies the server, waits until its log is settled, and reads the log |
//! | `connection` | one connection: made, subscribed, caught up, watched, made again |
//! | `redirects` | writes to a cluster whose slots move |
//! | `reads`, `cluster` | reads, many in one command; values on the nodes of a cluster |
//! | `publish` | records on their way into the log |
//! | `runtime_thread`, `driven` | a runtime on a thread of its own; the connections that one runtime drives |
//! | `eraser` | removes values in a cluster whose keys were invalidated |
//! | `tier`, `values`, `lease` | the tier of one handle; encoding and judging of values; leases on loads |
//! | `redis_api` | the implementation of the interface on Redis |
//!
//! May use: `clock`, `codec`, `error`, `events`, `log`, `sync`, `trace`.

mod api;
#[cfg(feature = "redis")]
mod append;
#[cfg(feature = "redis")]
mod catch_up;
#[cfg(feature = "redis-cluster")]
mod cluster;
#[cfg(feature = "redis")]
mod confirm;
#[cfg(feature = "redis")]
mod connection;
#[cfg(feature = "redis")]
mod context;
#[cfg(feature = "redis")]
mod doubt;
#[cfg(feature = "redis")]
mod driven;
#[cfg(feature = "redis-cluster")]
mod eraser;
#[cfg(feature = "redis")]
mod erasures;
#[cfg(feature = "redis")]
mod errors;
#[cfg(feature = "redis")]
mod feed;
#[cfg(feature = "redis")]
mod lease;
mod no_tier;
#[cfg(feature = "redis")]
mod notices;
#[cfg(feature = "redis")]
mod order;
#[cfg(feature = "redis")]
mod publish;
#[cfg(feature = "redis")]
mod pushes;
#[cfg(feature = "redis")]
mod reads;
#[cfg(feature = "redis-cluster")]
mod redirects;
#[cfg(feature = "redis")]
mod redis_api;
#[cfg(feature = "registry")]
mod retention;
#[cfg(feature = "redis")]
mod runtime_thread;
#[cfg(feature = "redis-sentinel")]
mod sentinels;
#[cfg(feature = "redis")]
mod server;
#[cfg(feature = "redis")]
mod server_source;
#[cfg(feature = "redis")]
mod settings;
#[cfg(feature = "redis")]
mod settle;
#[cfg(feature = "redis")]
mod settle_wait;
#[cfg(feature = "redis")]
mod signals;
mod site_encoding;
#[cfg(feature = "redis-cluster")]
mod slots;
#[cfg(feature = "redis")]
mod stats;
#[cfg(feature = "redis")]
mod stream;
#[cfg(feature = "redis")]
mod telemetry;
#[cfg(feature = "redis")]
mod tier;
#[cfg(feature = "redis")]
mod trust;
#[cfg(feature = "redis")]
mod values;

pub(crate) use api::{
    FetchedEntry, LeaseApi, NewEntry, PutEpochs, ScopesOf, SharedApi, SharedEpoch, Unavailable, ValueKey,
};
#[cfg(not(feature = "redis"))]
pub(crate) use no_tier::NoTier as Tier;
#[cfg(feature = "registry")]
pub(crate) use retention::shortest_retention;
#[cfg(feature = "redis")]
pub use settings::Redis;
pub(crate) use site_encoding::SiteEncoding;
#[cfg(feature = "redis")]
pub use stats::SharedStats;
#[cfg(feature = "redis")]
pub(crate) use tier::{HandleContext, RedisTier as Tier};

/// The context in which a thread may block on futures of the tier of this build.
pub(crate) type TierContext<'a> = <Tier as SharedApi>::BlockingContext<'a>;

/// The right to load a key, in the tier of this build.
pub(crate) type LoadLease = <Tier as SharedApi>::Lease;
