//! The figures of one route and method.

use std::sync::Arc;

use crate::timed::{CallOutcome, Latency};

/// Requests of one route and method since the start of the process.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Template of the route, such as `/users/{id}`; `unmatched` if there is none, `other` for routes beyond the first 1,000.
    pub route: Arc<str>,
    /// Method; `OTHER` for rare ones.
    pub method: &'static str,
    /// Requests in flight.
    pub in_flight: u64,
    /// Requests that ended, whatever their outcome.
    pub requests: u64,
    /// Requests that were answered with 5xx, or failed without an answer.
    pub errors: u64,
    /// Requests that were answered, by the first digit of the status: 1xx to 5xx.
    pub by_status: [u64; 5],
    /// Bytes of all response bodies whose length was known in advance.
    pub bytes: u64,
    /// Requests that took at least as long as [`TimingLayer::slow`](super::TimingLayer::slow).
    pub slow: u64,
    /// Requests that ended per second: the mean of the last 60 whole seconds, or of those since the first request.
    pub rate: f64,
    /// Times of requests that were answered with another status than 5xx.
    pub ok: Latency,
    /// Times of requests that were answered with 5xx, or failed without an answer.
    pub error: Latency,
    /// Times until the client went away, of requests that had no response yet.
    pub cancelled: Latency,
    /// Times until a panic. None if a layer behind this one catches panics: then they are answers of 500.
    pub panicked: Latency,
}

/// All requests that were answered, by method and template.
#[cfg(feature = "monitor")]
impl From<Snapshot> for crate::monitor::RouteTotals {
    fn from(stats: Snapshot) -> Self {
        let mut latency = stats.ok;
        latency += stats.error;
        Self { route: format!("{} {}", stats.method, stats.route), latency, errors: stats.errors }
    }
}

impl Snapshot {
    /// Returns the times of one outcome.
    pub fn latency(&self, outcome: CallOutcome) -> &Latency {
        match outcome {
            CallOutcome::Ok => &self.ok,
            CallOutcome::Error => &self.error,
            CallOutcome::Cancelled => &self.cancelled,
            CallOutcome::Panicked => &self.panicked,
        }
    }

    /// Returns the number of requests by how they ended: `1xx` to `5xx`, `failed`, `cancelled`, `panicked`.
    #[cfg(any(feature = "metrics", feature = "prometheus"))]
    pub(crate) fn counts_by_end(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let [one, two, three, four, five] = self.by_status;
        let failed = self.errors.saturating_sub(five);
        let gone = [("failed", failed), ("cancelled", self.cancelled.count()), ("panicked", self.panicked.count())];
        [("1xx", one), ("2xx", two), ("3xx", three), ("4xx", four), ("5xx", five)].into_iter().chain(gone)
    }
}
