//! The shared tier as a monitor reports it.

use serde::Serialize;

/// State and counters of the shared tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SharedTier {
    /// True if there is a connection.
    pub connected: bool,
    /// True if the invalidation log was read recently enough to serve everything that is cached.
    pub coherent: bool,
    /// Reason why the tier is not used although its server may answer.
    pub rests: Option<&'static str>,
    /// Duration of the last heartbeat that was answered, in milliseconds.
    pub latency: f64,
    /// Invalidations that are not announced to other processes yet.
    pub in_doubt: u64,
    /// Reads that found a value, since the start.
    pub hits: u64,
    /// Reads that found no value, since the start.
    pub misses: u64,
    /// Commands that failed, since the start.
    pub errors: u64,
}
