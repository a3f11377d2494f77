//! Times and outcomes of requests, by route and method.
//!
//! The time of a request begins when it reaches the layer and ends when the head of its response leaves the layer. That takes two readings
//! of the cycle counter, and additions to counters that mostly one thread writes to. Sums and rates are computed when they are read.

mod rate;
mod route;
mod snapshot;
mod timings;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::request::Parts;
use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use route::TimedRequest;
pub use snapshot::Snapshot;
pub use timings::{Timings, snapshots};

use crate::clock::nanos;

/// Route of requests that no route is known for.
const UNMATCHED: &str = "unmatched";

type RouteFn = Arc<dyn Fn(&Parts) -> Option<Cow<'static, str>> + Send + Sync>;

/// Times requests by route template and method. [`snapshots`] reads the figures, a [`Snapshot`] per route and method.
///
/// The route is axum's template (`/users/{id}`), with the feature `axum` and if the layer is added with `Router::layer`; else
/// the result of [`route_by`](Self::route_by); else `unmatched`. It is never the path, as there may be any number of paths.
///
/// A request whose future is dropped before there is a response is counted as cancelled: its client went away. The time of the response
/// body is not included.
///
/// ```
/// use axum::{Router, body::Body, routing::get};
/// use fastness::http::{Timings, TimingLayer};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let timings = Timings::new();
/// let app: Router = Router::new()
///     .route("/users/{id}", get(async || "Ada"))
///     .layer(TimingLayer::new().timings(&timings));
/// app.oneshot(http::Request::get("/users/7").body(Body::empty()).unwrap()).await.unwrap();
///
/// let routes = timings.snapshots();
/// assert_eq!((&*routes[0].route, routes[0].method, routes[0].requests), ("/users/{id}", "GET", 1));
/// assert_eq!(routes[0].ok.count(), 1);
/// # }
/// ```
#[derive(Clone)]
pub struct TimingLayer {
    timings: Timings,
    route: Option<RouteFn>,
    slow: u64,
    on: bool,
}

impl TimingLayer {
    /// Creates a layer that records into [`Timings::process`], which [`snapshots`] and the metrics show.
    pub fn new() -> Self {
        Self { timings: Timings::process(), route: None, slow: u64::MAX, on: true }
    }

    /// Creates a layer that does nothing.
    pub(super) fn off() -> Self {
        Self { on: false, ..Self::new() }
    }

    /// Sets the timings that the layer records into: for tests, and for a second server in the process.
    #[must_use]
    pub fn timings(mut self, timings: &Timings) -> Self {
        self.timings = timings.clone();
        self
    }

    /// Sets a function that returns the route of a request that axum has not matched. Return one of a few known names: each new one takes
    /// memory.
    #[must_use]
    pub fn route_by(mut self, route: impl Fn(&Parts) -> Option<Cow<'static, str>> + Send + Sync + 'static) -> Self {
        self.route = Some(Arc::new(route));
        self
    }

    /// Logs and counts requests that take this long or longer; at most one line per second, route and method. Default: none.
    #[must_use]
    pub fn slow(mut self, from: Duration) -> Self {
        self.slow = nanos(from);
        self
    }
}

impl Default for TimingLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TimingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimingLayer").field("timings", &self.timings).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for TimingLayer {
    type Service = TimingService<S>;

    fn layer(&self, inner: S) -> TimingService<S> {
        TimingService { inner, layer: self.clone() }
    }
}

/// The service of [`TimingLayer`].
#[derive(Clone, Debug)]
pub struct TimingService<S> {
    inner: S,
    layer: TimingLayer,
}

impl<S, B, R> Service<Request<B>> for TimingService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: http_body::Body,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = TimingFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let TimingLayer { timings, route, slow, on } = &self.layer;
        if !on {
            return TimingFuture { inner: self.inner.call(request), running: None };
        }
        let counters = |name: &str| timings.route(name);
        let route = match (matched(request.extensions(), counters), route) {
            (Some(route), _) => route,
            (None, Some(by)) => {
                let (parts, body) = request.into_parts();
                let name = by(&parts).unwrap_or(Cow::Borrowed(UNMATCHED));
                request = Request::from_parts(parts, body);
                counters(&name)
            }
            (None, None) => counters(UNMATCHED),
        };
        let running = TimedRequest::new(route, request.method(), *slow);
        TimingFuture { inner: self.inner.call(request), running: Some(running) }
    }
}

#[cfg(feature = "axum")]
fn matched<T>(extensions: &Extensions, with: impl FnOnce(&str) -> T) -> Option<T> {
    extensions.get::<axum::extract::MatchedPath>().map(|path| with(path.as_str()))
}

#[cfg(not(feature = "axum"))]
fn matched<T>(_: &Extensions, _: impl FnOnce(&str) -> T) -> Option<T> {
    None
}

pin_project! {
    /// The future of [`TimingService`].
    #[derive(Debug)]
    pub struct TimingFuture<F> {
        #[pin]
        inner: F,
        running: Option<TimedRequest>,
    }
}

impl<F, R, E> Future for TimingFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: http_body::Body,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // On the stack while the call runs, not in the future, so that a panic drops it.
        let running = this.running.take();
        let polled = this.inner.poll(cx);
        match (&polled, running) {
            (Poll::Pending, running) => *this.running = running,
            (Poll::Ready(Ok(response)), Some(running)) => {
                running.answered(response.status(), response.body().size_hint().exact());
            }
            (Poll::Ready(Err(_)), Some(running)) => running.failed(),
            (Poll::Ready(_), None) => {}
        }
        polled
    }
}
