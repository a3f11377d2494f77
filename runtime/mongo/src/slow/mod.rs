//! Slow queries by shape, measured by the client's collections or read from the server's profiler.
//!
//! May use: `command`, `conversions`, `error`, `query`.

mod profiler;
mod recorder;
mod snapshot;
#[cfg(test)]
mod tests;

pub use profiler::{Profiler, ProfilingStatus, Settings};
pub(crate) use recorder::{QueryOutcome, SlowCall, SlowQueryRecorder};
pub use snapshot::{QueryShape, QuerySource, Snapshot};

pub use crate::query::{Operation, Query, QuerySample};
