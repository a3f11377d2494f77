//! A circuit breaker in front of a service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Response, StatusCode};

use super::admission::GateRule;
use super::gate::GateLayer;
use super::problem::{Problem, is_rejection};
use crate::resilience::breaker::{Admitted, Breaker, Verdict};
use crate::resilience::{Early, Ends, Mark, Rejection, note_again};

#[cfg(test)]
mod tests;

/// `Retry-After` when the breaker does not know when it will close: it was forced open, or is being probed.
const RETRY_AFTER: Duration = Duration::from_secs(1);

type JudgeFn = Arc<dyn Fn(StatusCode) -> Verdict + Send + Sync>;

/// Answers with 503 and a `Retry-After` in place of a service that fails, by a [`Breaker`].
///
/// Failures are responses of 5xx, errors of the service, and panics; see [`judge`](BreakerLayer::judge). Requests whose client went away do
/// not count, nor do requests that an inner layer or policy rejected, such as a full limit.
///
/// ```
/// use axum::{Router, routing::get};
/// use fastness::http::BreakerLayer;
///
/// let search = Router::new().route("/search", get(async || "found")).layer(BreakerLayer::new("search"));
/// let app: Router = Router::new().route("/health", get(async || "ok")).merge(search);
/// ```
pub type BreakerLayer = GateLayer<ByBreaker>;

/// Rule of a [`BreakerLayer`].
#[derive(Clone)]
pub struct ByBreaker {
    breaker: Breaker,
    /// `None` to judge by the status.
    judge: Option<JudgeFn>,
}

/// Permit of the breaker, and a rejection that came while the future was created.
#[derive(Debug)]
pub struct BreakerPermit {
    admitted: Admitted,
    early: Option<Rejection>,
}

impl GateLayer<ByBreaker> {
    /// Creates a layer with the breaker of this name, which `#[circuit_breaker(name = "..")]` and [`Breaker::named`] use too.
    #[track_caller]
    pub fn new(name: &str) -> Self {
        Self::from_breaker(Breaker::named(name))
    }

    /// Creates a layer with this breaker.
    pub fn from_breaker(breaker: Breaker) -> Self {
        Self::from_admission(ByBreaker { breaker, judge: None })
    }

    /// Sets the function that judges a response by its status. Default: 5xx is a failure, everything else a success.
    pub fn judge(self, judge: impl Fn(StatusCode) -> Verdict + Send + Sync + 'static) -> Self {
        self.with(|rule| rule.judge = Some(Arc::new(judge)))
    }
}

impl GateRule for ByBreaker {
    type Permit = BreakerPermit;

    const HOLDS: bool = true;

    fn admit(&self, _: &mut Parts) -> Result<BreakerPermit, Problem> {
        let admitted = self.breaker.admit();
        admitted.map(|admitted| BreakerPermit { admitted, early: None }).map_err(|rejected| {
            let detail = "a service that this request needs is not available: try again later";
            let after = rejected.retry_after().unwrap_or(RETRY_AFTER);
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(after)
        })
    }

    fn created<F>(permit: &mut BreakerPermit, since: Mark) {
        // The outcome is not known yet. A rejection that the future has caught already is noted again when it is polled.
        permit.early = since.rejection::<F>();
    }

    fn poll(permit: &mut BreakerPermit) {
        if let Some(early) = permit.early.take() {
            note_again(Some(early));
        }
    }

    fn settle<R>(&self, permit: BreakerPermit, response: Option<&Response<R>>, since: Mark) {
        // If the user's closure panics, the permit is dropped, which counts as a failure.
        let permit = self.breaker.resume(permit.admitted);
        let verdict = match (response, &self.judge) {
            (Some(response), _) if was_rejected(response, since) => Verdict::Ignored,
            (Some(response), Some(judge)) => judge(response.status()),
            (Some(response), None) => by_status(response.status()),
            (None, _) => Verdict::Failure,
        };
        permit.settle(since.verdict::<Response<R>>(verdict));
    }

    fn end_early(&self, permit: BreakerPermit, how: Early) {
        self.breaker.resume(permit.admitted).end_early(how);
    }
}

impl fmt::Debug for ByBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByBreaker").field(&self.breaker).finish()
    }
}

fn by_status(status: StatusCode) -> Verdict {
    if status.is_server_error() { Verdict::Failure } else { Verdict::Success }
}

/// Returns whether the request was rejected: by an inner layer, or by a policy in the handler, which then answers with 503 or 429.
fn was_rejected<R>(response: &Response<R>, since: Mark) -> bool {
    let rejects = matches!(response.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    rejects && (since.saw_rejection() || is_rejection(response))
}
