//! The figures that the rules look at.

use serde::Serialize;

use crate::monitor::probe::Pool;
use crate::monitor::process::{Memory, ProcessFigures};
use crate::monitor::sources::SlowQuery;
use crate::monitor::window::Interval;

/// What the shared tier is like, where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SharedTier {
    /// Whether there is a connection.
    pub connected: bool,
    /// Whether the log's word is recent enough to serve all that is cached.
    pub coherent: bool,
    /// The reason why the tier is not used although its server may answer.
    pub rests: Option<&'static str>,
    /// How long the last answered heartbeat took, in milliseconds.
    pub latency: f64,
    /// Invalidations that could not be announced yet.
    pub in_doubt: u64,
    /// Reads that found a value, since the start.
    pub hits: u64,
    /// Reads that found none, since the start.
    pub misses: u64,
    /// Commands that failed, since the start.
    pub errors: u64,
}

/// All that the rules look at.
#[derive(Clone, Debug, Default)]
pub(in crate::monitor) struct Snapshot {
    pub(in crate::monitor) window: Interval,
    pub(in crate::monitor) entries: usize,
    pub(in crate::monitor) process: ProcessFigures,
    /// The mean of processor time over the window, in percent of what may be used; `None` with too few looks.
    pub(in crate::monitor) cpu: Option<f64>,
    pub(in crate::monitor) memory: Option<Memory>,
    pub(in crate::monitor) shared: Option<SharedTier>,
    pub(in crate::monitor) pool: Option<Pool>,
    pub(in crate::monitor) slow_queries: Vec<SlowQuery>,
}
