//! Metrics of caches, timings and policies, for monitoring systems.
//!
//! May use: `handle`, `http`, `resilience`, `timed`.
//!
//! `names` lists the metrics, `collect` reads them from the snapshots of a handle and of the process, and two exporters pass them on:
//! `prometheus` as text (feature `prometheus`), `Publisher` to the `metrics` facade (feature `metrics`).
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

/// Writer of the text format, for the metrics of other modules.
#[cfg(feature = "axum")]
pub(crate) mod write {
    pub(crate) use super::collect::{Family, SampleValue};
    pub(crate) use super::text::write;
}
