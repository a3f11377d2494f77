//! Metrics: what caches and timings did, for monitoring systems.
//!
//! May use: `handle`, `http`, `resilience`, `timed`.
//!
//! `names` says what there is, `collect` reads it off the snapshots of a handle and of the timings, and two readers pass
//! it on: `prometheus` as text (feature `prometheus`), `Publisher` to the `metrics` facade (feature `metrics`).
//!
//! Invariant: no label is ever a key.

mod collect;
#[cfg(feature = "metrics")]
mod facade;
pub(crate) mod names;
#[cfg(test)]
mod tests;
#[cfg(feature = "prometheus")]
mod text;

#[cfg(feature = "metrics")]
pub use facade::Publisher;
#[cfg(feature = "prometheus")]
pub use text::prometheus;

/// For modules that have figures of their own to write in the same format.
#[cfg(feature = "axum")]
pub(crate) mod write {
    pub(crate) use super::collect::{Family, Value};
    pub(crate) use super::text::write;
}
