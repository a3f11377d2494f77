//! The tier that all processes share: Redis, and the log that keeps them coherent.
//!
//! May use: `clock`, `codec`, `error`, `log`, `sync`.
//!
//! | part, from below | what it does |
//! |---|---|
//! | `site_encoding`, `seam` | the seam: what the rest of the runtime asks of the tier |
//! | `none` | the seam's other side in a build without the tier |
//! | `settings` | the servers, and how they are used |
//! | `stats`, `notices`, `telemetry` | counters, and what people are told |
//! | `stream`, `order` | the log as it is in Redis; of two values of a key the one whose load began later |
//! | `errors` | errors of the driver, and what they say |
//! | `feed` | the fold of the log, and the judgement of what comes from the tier |
//! | `doubt` | invalidations of which nobody knows whether the log has them |
//! | `trust` | how long this process may go on without word from the log |
//! | `slots`, `sentinels`, `server_source` | where the server is |
//! | `settling` | the wait for a server whose log is not settled |
//! | `context` | what all parts share |
//! | `append`, `signals`, `pushes` | the script that appends to the log; signals about one connection; what it is told unasked |
//! | `server`, `settle`, `catch_up` | who the server is, whether it may be used yet, and what it has in its log |
//! | `connection` | one connection: made, subscribed, caught up, watched, made again |
//! | `reads`, `cluster` | commands that read, many at once together; values on the nodes of a cluster |
//! | `publish` | records on their way into the log |
//! | `tier`, `values`, `lease` | the tier of one handle; values to bytes and back, judged; one load of a key at a time among all processes |
//! | `on_redis` | the seam, implemented |
//!
//! Nothing here fails towards a caller: a read that cannot be made is a miss, and an invalidation that cannot be announced
//! counts in this process and is announced later.

#[cfg(feature = "redis")]
mod append;
#[cfg(feature = "redis")]
mod catch_up;
#[cfg(feature = "redis-cluster")]
mod cluster;
#[cfg(feature = "redis")]
mod connection;
#[cfg(feature = "redis")]
mod context;
#[cfg(feature = "redis")]
mod doubt;
#[cfg(feature = "redis")]
mod errors;
#[cfg(feature = "redis")]
mod feed;
#[cfg(feature = "redis")]
mod lease;
mod none;
#[cfg(feature = "redis")]
mod notices;
#[cfg(feature = "redis")]
mod on_redis;
#[cfg(feature = "redis")]
mod order;
#[cfg(feature = "redis")]
mod publish;
#[cfg(feature = "redis")]
mod pushes;
#[cfg(feature = "redis")]
mod reads;
mod seam;
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
mod settling;
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

#[cfg(not(feature = "redis"))]
pub(crate) use none::NoTier as Tier;
pub(crate) use seam::{FetchedEntry, LeaseApi, NewEntry, PutEpochs, SharedApi, SharedEpoch, Unavailable, ValueKey};
#[cfg(feature = "redis")]
pub use settings::Redis;
pub(crate) use site_encoding::SiteEncoding;
#[cfg(feature = "redis")]
pub use stats::SharedStats;
#[cfg(feature = "redis")]
pub(crate) use tier::{HandleContext, RedisTier as Tier};

/// The right to load a key, in the tier of this build.
pub(crate) type Lease = <Tier as SharedApi>::Lease;
