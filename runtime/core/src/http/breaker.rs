//! A circuit breaker before a service.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::gated::{Gated, Refused};
use super::paths::Paths;
use super::{Body, Problem};
use crate::resilience::{Breaker, Made, Mark, Permit, Rejected, Verdict, breaker, made};

#[cfg(test)]
mod tests;

/// Where nobody knows when the breaker will close: it was forced open, or it is being probed.
const COME_BACK: Duration = Duration::from_secs(1);

type Judge = Arc<dyn Fn(StatusCode) -> Verdict + Send + Sync>;

/// While a service does not work, answers in its place with 503 and a `Retry-After`, by a
/// [`Breaker`].
///
/// A failure is an answer of 5xx, an error of the service, or a panic; see [`judge`](Self::judge). A client that goes away
/// tells nothing, nor does a request that a layer or a policy within rejected, such as a full limit.
///
/// ```
/// use axum::{Router, routing::get};
/// use fastness::http::BreakerLayer;
///
/// let search = Router::new().route("/search", get(async || "found")).layer(BreakerLayer::new("search"));
/// let app: Router = Router::new().route("/health", get(async || "ok")).merge(search);
/// ```
#[derive(Clone)]
pub struct BreakerLayer {
    /// `None` for a layer that does nothing.
    breaker: Option<&'static Breaker>,
    /// `None` for by its status.
    judge: Option<Judge>,
    exempt: Paths,
}

impl BreakerLayer {
    /// By the breaker of this name, the same as in `#[circuit_breaker("..")]` and [`breaker`]. It lives as long as the process.
    #[track_caller]
    pub fn new(name: &str) -> Self {
        Self::of(breaker(name))
    }

    /// By this breaker, which is kept for ever.
    pub fn of(breaker: Breaker) -> Self {
        Self { breaker: Some(Box::leak(Box::new(breaker))), ..Self::off() }
    }

    /// One that does nothing.
    pub(super) fn off() -> Self {
        Self { breaker: None, judge: None, exempt: Paths::default() }
    }

    /// What the status of an answer tells; by default 5xx is a failure, and everything else a success.
    #[must_use]
    pub fn judge(mut self, judge: impl Fn(StatusCode) -> Verdict + Send + Sync + 'static) -> Self {
        self.judge = Some(Arc::new(judge));
        self
    }

    /// Leaves requests for these paths alone, besides those that were named before: `/health` is this path alone, `/internal/*` is
    /// `/internal` and all below it. See [the paths of exemptions](crate::http#paths-that-are-exempt).
    ///
    /// # Panics
    ///
    /// If a pattern can match nothing: one without a slash at its beginning, or with a star elsewhere.
    #[must_use]
    #[track_caller]
    pub fn exempt<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.exempt.add(paths);
        self
    }
}

fn of_status(status: StatusCode) -> Verdict {
    if status.is_server_error() { Verdict::Failure } else { Verdict::Success }
}

/// Returns whether an answer says that the request was turned away: it is a layer's, or that of a handler which was rejected itself
/// and says so by its status.
fn is_refusal<R>(response: &Response<R>, mark: Mark) -> bool {
    let refuses = matches!(response.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    refuses && (mark.saw_rejection() || response.extensions().get::<Refused>().is_some())
}

impl fmt::Debug for BreakerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerLayer").field("breaker", &self.breaker).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for BreakerLayer {
    type Service = BreakerService<S>;

    fn layer(&self, inner: S) -> BreakerService<S> {
        BreakerService { inner, layer: self.clone() }
    }
}

/// The service of [`BreakerLayer`].
#[derive(Clone, Debug)]
pub struct BreakerService<S> {
    inner: S,
    layer: BreakerLayer,
}

impl<S, B, R> Service<Request<B>> for BreakerService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<Body<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let concerned = self.layer.breaker.filter(|_| !self.layer.exempt.contain(&request));
        match concerned.map(Breaker::try_acquire).transpose() {
            Ok(permit) => {
                let judge = self.layer.judge.clone();
                ResponseFuture { inner: Gated::admitted(made(|| self.inner.call(request)), permit), judge }
            }
            Err(rejected) => ResponseFuture { inner: Gated::refused(open(&rejected)), judge: None },
        }
    }
}

fn open(rejected: &Rejected) -> Problem {
    let detail = "what this request needs does not work at the moment: try again later";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(rejected.retry_after().unwrap_or(COME_BACK))
}

pin_project! {
    /// The future of [`BreakerService`].
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Gated<Made<F>, Permit<'static>>,
        judge: Option<Judge>,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Body<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let judge = this.judge.as_ref();
        this.inner.poll_settled(cx, |permit, ended, mark| {
            // The closure is the user's: should it panic, the permit is dropped, which is a failure.
            let verdict = match (ended, judge) {
                (Ok(response), _) if is_refusal(response, mark) => Verdict::Ignored,
                (Ok(response), Some(judge)) => judge(response.status()),
                (Ok(response), None) => of_status(response.status()),
                (Err(_), _) => Verdict::Failure,
            };
            permit.settle(mark.verdict::<Response<R>>(verdict));
        })
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
