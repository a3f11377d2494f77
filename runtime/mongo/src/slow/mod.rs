//! Slow queries, by shape: seen by the client's own collections, or read from the server's profiler.
//!
//! May use: `ask`, `error`, `query`, `values`.

mod profiler;
mod record;
mod snapshot;
#[cfg(test)]
mod tests;

pub use profiler::{Profiler, Profiling, Settings};
pub(crate) use record::{Ending, Record, Slow};
pub use snapshot::{SlowShape, Snapshot, Source};

pub use crate::query::{Example, Operation, Query};
