//! A limit on the number of requests in flight.

use std::time::Duration;

use http::request::Parts;
use http::{Response, StatusCode};

use super::admission::GateRule;
use super::gate::GateLayer;
use super::problem::Problem;
use crate::resilience::bulkhead::{Bulkhead, Settings, Ticket};
use crate::resilience::{Early, Ends, Mark};

#[cfg(test)]
mod tests;

/// `Retry-After` of rejected requests. The time until a permit is free is not known; a second is long enough for clients to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Limits the number of requests in flight, and answers others at once with 503 and `Retry-After: 1`, by a [`Bulkhead`], which
/// [`snapshots`](crate::resilience::snapshots) and the metrics list under its name.
///
/// A request holds its permit until the head of the response is ready, or its client goes away. An adaptive limit follows the times of
/// requests; those that failed (5xx) are not measured.
///
/// ```
/// use std::num::NonZeroU32;
/// use axum::{Router, routing::get};
/// use fastness::http::ConcurrencyLimitLayer;
/// use fastness::resilience::bulkhead::Settings;
///
/// let (min, max) = (NonZeroU32::new(16).unwrap(), NonZeroU32::new(1_000).unwrap());
/// let limit = ConcurrencyLimitLayer::new("http", Settings::adaptive(min, max)).exempt(["/health", "/metrics"]);
/// let app: Router = Router::new().route("/", get(async || "hello")).layer(limit);
/// ```
pub type ConcurrencyLimitLayer = GateLayer<ByBulkhead>;

/// Rule of a [`ConcurrencyLimitLayer`].
#[derive(Clone, Debug)]
pub struct ByBulkhead(Bulkhead);

impl GateLayer<ByBulkhead> {
    /// Creates a layer with a new bulkhead. Its limit is fixed, or adapts to the number of requests that can be served without queueing,
    /// beginning with its `min`; see [`Settings`]. Their `wait` is ignored.
    pub fn new(name: &'static str, settings: Settings) -> Self {
        Self::from_bulkhead(Bulkhead::new(name, settings))
    }

    /// Creates a layer with this bulkhead, which other layers and functions may use too. Its `wait` is ignored.
    pub fn from_bulkhead(bulkhead: Bulkhead) -> Self {
        Self::from_admission(ByBulkhead(bulkhead))
    }
}

impl GateRule for ByBulkhead {
    type Permit = Ticket;

    const HOLDS: bool = true;

    fn admit(&self, _: &mut Parts) -> Result<Ticket, Problem> {
        self.0.enter().map_err(|_| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests are in flight: try again in a moment")
                .retry_after(RETRY_AFTER)
        })
    }

    fn settle<R>(&self, ticket: Ticket, response: Option<&Response<R>>, _: Mark) {
        self.0.resume(ticket).end(response.is_some_and(|response| !response.status().is_server_error()));
    }

    fn end_early(&self, ticket: Ticket, how: Early) {
        self.0.resume(ticket).end_early(how);
    }
}
