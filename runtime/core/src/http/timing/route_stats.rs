//! The figures of one route and method.

use std::sync::Arc;

use crate::timed::{CallOutcome, Latency};

/// The figures of the requests of one route and method, since the process began.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RouteStats {
    /// The template: `/users/{id}`; `unmatched` where there is none, `other` for those that were too many.
    pub route: Arc<str>,
    /// The method, or `OTHER`.
    pub method: &'static str,
    /// Requests under way.
    pub in_flight: u64,
    /// Requests that ended, in any way.
    pub requests: u64,
    /// Those of them that were answered with 5xx, or failed without an answer.
    pub errors: u64,
    /// Those of them that were answered, by the first digit of the status: 1xx to 5xx.
    pub by_status: [u64; 5],
    /// The bytes of all answers whose length was known when they were begun.
    pub bytes: u64,
    /// Requests that took as long as [`TimingLayer::slow`](super::TimingLayer::slow) says, or longer.
    pub slow: u64,
    /// Requests that ended per second: the mean of the last minute's whole seconds, or of fewer while it is young.
    pub rate: f64,
    /// How long requests took that were not answered with 5xx.
    pub ok: Latency,
    /// Those that were, or failed without an answer.
    pub error: Latency,
    /// Those whose client went away; the time until then.
    pub cancelled: Latency,
    /// Those that panicked; the time until then. Behind a layer that catches panics there are none: they are answers of 500.
    pub panicked: Latency,
}

/// All requests that were answered, well or not, under the method and the template.
#[cfg(feature = "monitor")]
impl From<RouteStats> for crate::monitor::RouteFigures {
    fn from(stats: RouteStats) -> Self {
        let mut latency = stats.ok;
        latency += stats.error;
        Self { route: format!("{} {}", stats.method, stats.route), latency, errors: stats.errors }
    }
}

impl RouteStats {
    /// The latency of one outcome.
    pub fn latency(&self, outcome: CallOutcome) -> &Latency {
        match outcome {
            CallOutcome::Ok => &self.ok,
            CallOutcome::Error => &self.error,
            CallOutcome::Cancelled => &self.cancelled,
            CallOutcome::Panicked => &self.panicked,
        }
    }

    /// How requests ended, by name: `1xx` to `5xx`, `failed`, `cancelled`, `panicked`.
    #[cfg(any(feature = "metrics", feature = "prometheus"))]
    pub(crate) fn endings(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let [one, two, three, four, five] = self.by_status;
        let failed = self.errors.saturating_sub(five);
        let gone = [("failed", failed), ("cancelled", self.cancelled.count()), ("panicked", self.panicked.count())];
        [("1xx", one), ("2xx", two), ("3xx", three), ("4xx", four), ("5xx", five)].into_iter().chain(gone)
    }
}
