//! Declarative caching for Rust services: one attribute, and never stale past a stated bound.

mod audit;
mod batch;
mod clock;
mod direct;
mod error;
mod flight;
mod handle;
mod invalidate;
mod key;
mod l1;
mod load;
mod log;
mod policy;
mod put;
mod registry;
mod shape;
mod site;
mod stats;
mod sync;
mod typed;

#[doc(hidden)]
pub mod __private;

pub use audit::{Audit, audit};
pub use clock::Clock;
pub use direct::Cache;
pub use error::{Error, LoadTimeout};
pub use fastness_macros::{cache_invalidate, cache_put, cacheable};
pub use handle::{Builder, Fastness, HandleStats, SiteStats, scope, scope_sync};
pub use key::{KeyPart, KeyScope, KeyWriter};
pub use registry::{Annotated, Role, registry};
pub use shape::CacheValue;
pub use stats::{Observed, Stats, observe};
