//! A bound on how many requests are under way at a time.

use std::time::Duration;

use http::request::Parts;
use http::{Response, StatusCode};

use super::admission::Admission;
use super::gate::GateLayer;
use super::problem::Problem;
use crate::resilience::bulkhead::{Bulkhead, Settings, Ticket};
use crate::resilience::{Early, Ends, Mark};

#[cfg(test)]
mod tests;

/// Nobody knows when a place will be free; a second is what clients can do with.
const COME_BACK: Duration = Duration::from_secs(1);

/// Lets so many requests through at a time, and answers others with 503 and `Retry-After: 1` at once, by a
/// [`Bulkhead`]: it is listed by [`snapshots`](crate::resilience::snapshots) and in the metrics under its name.
///
/// A place is held until the head of the response is there, or the client has gone away. Adaptive, the bound follows from
/// how long requests take; those that failed (5xx) say nothing of that.
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

/// The rule of a [`ConcurrencyLimitLayer`].
#[derive(Clone, Debug)]
pub struct ByBulkhead(Bulkhead);

impl GateLayer<ByBulkhead> {
    /// A layer with a bulkhead of its own: a bound that is fixed, or adapts itself to what can be served without queueing, beginning with
    /// its `min`; see [`Settings`]. Their `wait` is ignored.
    pub fn new(name: &'static str, settings: Settings) -> Self {
        Self::from_bulkhead(Bulkhead::new(name, settings))
    }

    /// A layer with this bulkhead, which others may use too. Its `wait` is ignored.
    pub fn from_bulkhead(bulkhead: Bulkhead) -> Self {
        Self::from_admission(ByBulkhead(bulkhead))
    }
}

impl Admission for ByBulkhead {
    type Kept = Ticket;

    const HOLDS: bool = true;

    fn admit(&self, _: &mut Parts) -> Result<Ticket, Problem> {
        self.0.enter().map_err(|_| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests are under way: try again in a moment")
                .retry_after(COME_BACK)
        })
    }

    fn settle<R>(&self, ticket: Ticket, response: Option<&Response<R>>, _: Mark) {
        self.0.resume(ticket).end(response.is_some_and(|response| !response.status().is_server_error()));
    }

    fn end_early(&self, ticket: Ticket, how: Early) {
        self.0.resume(ticket).end_early(how);
    }
}
