//! The runtime of [`fastness`](https://docs.rs/fastness), which re-exports the items that users need. Depend on that crate, because the
//! public items of this one may change in any release.
//!
//! A cached value is served only if none of its scopes was invalidated after its load began; the module `log` judges that.

// On docs.rs, items that need a feature are marked.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "registry")]
mod audit;
mod batch;
mod calls;
mod clock;
mod codec;
mod direct;
mod engine;
mod error;
pub mod events;
mod flight;
mod function;
mod handle;
#[cfg(feature = "http")]
pub mod http;
mod invalidate;
mod key;
mod l1;
mod load;
mod log;
#[cfg(any(feature = "metrics", feature = "prometheus"))]
pub mod metrics;
#[cfg(feature = "monitor")]
pub mod monitor;
mod nearest;
mod policy;
mod put;
#[cfg(feature = "registry")]
mod registry;
pub mod resilience;
#[cfg(feature = "axum")]
pub mod routes;
#[doc(hidden)]
pub mod seam;
#[cfg(feature = "settings")]
mod settings;
mod shape;
mod shared;
mod site;
mod stats;
mod sync;
#[cfg(feature = "redis")]
pub mod testing;
mod timed;
mod trace;
mod typed;

#[cfg(all(test, fastness_loom))]
mod interleavings;
#[cfg(test)]
mod tests;

#[doc(hidden)]
pub mod __private;

#[cfg(feature = "registry")]
pub use audit::{Audit, audit};
pub use clock::Clock;
pub use codec::{Codec, SharedValue};
#[cfg(feature = "encryption")]
pub use codec::{Keyring, SecretKey};
pub use direct::{Both, Cache, Local, StoredIn};
#[cfg(feature = "settings")]
pub use error::WrongSetting;
pub use error::{Error, LoadTimeout};
pub use function::{CachedFunction, KeyInfo, Keys};
pub use handle::{
    Builder, CacheTransaction, Fastness, HandleStats, SiteStats, bypass, bypass_sync, provenance, provenance_sync,
    reload, reload_sync, with_cache, with_cache_sync,
};
pub use key::{Key, KeyNamespace, KeyPart, KeyWriter, Scope};
pub use log::Reach;
#[cfg(feature = "registry")]
pub use registry::{Annotated, Role, annotated};
#[cfg(feature = "settings")]
pub use settings::AppliedSettings;
pub use shape::CacheValue;
#[cfg(feature = "redis")]
pub use shared::{Redis, SharedStats};
pub use stats::{AnswerSource, CachedAnswer, Observed, Provenance, Stats, observe, observe_sync};
pub use typed::{Handle, Handled};

/// Timings of calls: of functions with `#[timed]`, and of other code by a [`Timing`](timing::Timing).
pub mod timing {
    pub use crate::timed::{CallOutcome, Label, Latency, Snapshot, Timer, Timing, snapshots, time};
}
