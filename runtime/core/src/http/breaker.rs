//! A circuit breaker before a service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Response, StatusCode};

use super::admission::Admission;
use super::gate::GateLayer;
use super::problem::{Problem, is_refused};
use crate::resilience::breaker::{Admitted, Breaker, Verdict};
use crate::resilience::{Early, Ends, Mark, Rejection, note_again};

#[cfg(test)]
mod tests;

/// Where nobody knows when the breaker will close: it was forced open, or it is being probed.
const COME_BACK: Duration = Duration::from_secs(1);

type Judge = Arc<dyn Fn(StatusCode) -> Verdict + Send + Sync>;

/// While a service does not work, answers in its place with 503 and a `Retry-After`, by a
/// [`Breaker`].
///
/// A failure is an answer of 5xx, an error of the service, or a panic; see [`judge`](BreakerLayer::judge). A client that goes away
/// tells nothing, nor does a request that a layer or a policy within rejected, such as a full limit.
///
/// ```
/// use axum::{Router, routing::get};
/// use fastness::http::BreakerLayer;
///
/// let search = Router::new().route("/search", get(async || "found")).layer(BreakerLayer::new("search"));
/// let app: Router = Router::new().route("/health", get(async || "ok")).merge(search);
/// ```
pub type BreakerLayer = GateLayer<ByBreaker>;

/// The rule of a [`BreakerLayer`].
#[derive(Clone)]
pub struct ByBreaker {
    breaker: Breaker,
    /// `None` for by its status.
    judge: Option<Judge>,
}

/// The right to make a call, and what was rejected while its future was made.
#[derive(Debug)]
pub struct Kept {
    admitted: Admitted,
    early: Option<Rejection>,
}

impl GateLayer<ByBreaker> {
    /// A layer with the breaker of this name, the same as in `#[circuit_breaker("..")]` and [`Breaker::named`].
    #[track_caller]
    pub fn new(name: &str) -> Self {
        Self::from_breaker(Breaker::named(name))
    }

    /// A layer with this breaker.
    pub fn from_breaker(breaker: Breaker) -> Self {
        Self::from_admission(ByBreaker { breaker, judge: None })
    }

    /// Says what the status of an answer tells; by default 5xx is a failure, and everything else a success.
    pub fn judge(self, judge: impl Fn(StatusCode) -> Verdict + Send + Sync + 'static) -> Self {
        self.with(|rule| rule.judge = Some(Arc::new(judge)))
    }
}

impl Admission for ByBreaker {
    type Kept = Kept;

    const HOLDS: bool = true;

    fn admit(&self, _: &mut Parts) -> Result<Kept, Problem> {
        let admitted = self.breaker.admit();
        admitted.map(|admitted| Kept { admitted, early: None }).map_err(|rejected| {
            let detail = "what this request needs does not work at the moment: try again later";
            let after = rejected.retry_after().unwrap_or(COME_BACK);
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(after)
        })
    }

    fn made<F>(kept: &mut Kept, since: Mark) {
        // What it gives is not known yet; should it hold a rejection, the future does so now.
        kept.early = since.rejection::<F>();
    }

    fn poll(kept: &mut Kept) {
        if let Some(early) = kept.early.take() {
            note_again(Some(early));
        }
    }

    fn settle<R>(&self, kept: Kept, response: Option<&Response<R>>, since: Mark) {
        // The closure is the user's: should it panic, the permit is dropped, which is a failure.
        let permit = self.breaker.resume(kept.admitted);
        let verdict = match (response, &self.judge) {
            (Some(response), _) if turned_away(response, since) => Verdict::Ignored,
            (Some(response), Some(judge)) => judge(response.status()),
            (Some(response), None) => by_status(response.status()),
            (None, _) => Verdict::Failure,
        };
        permit.settle(since.verdict::<Response<R>>(verdict));
    }

    fn end_early(&self, kept: Kept, how: Early) {
        self.breaker.resume(kept.admitted).end_early(how);
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

/// Returns whether an answer says that the request was turned away: it is a layer's, or that of a handler which was rejected itself
/// and says so by its status.
fn turned_away<R>(response: &Response<R>, since: Mark) -> bool {
    let refuses = matches!(response.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    refuses && (since.saw_rejection() || is_refused(response))
}
