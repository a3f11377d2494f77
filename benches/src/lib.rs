//! Shared parts of the benchmarks: how to measure, what to measure, and how to report it.
//!
//! Every case of a suite runs in one process, in short rounds that take turns, so that noise hits all alike; what counts
//! is the median of the per-round ratios. Read [`measure`] first, then [`peers`], then the programs in `benches/`.

// The clock that the rest of the workspace must not read is what a benchmark is made of.
#![allow(clippy::disallowed_methods)]
// Counts and nanoseconds of a run are far from where a cast would lose any of them.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

pub mod budget;
pub mod measure;
pub mod origin;
pub mod page;
pub mod peers;
pub mod report;
pub mod tasks;
pub mod times;
pub mod traffic;
