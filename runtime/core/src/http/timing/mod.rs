//! How long requests take and how they end, by route and method.
//!
//! A request is timed from when it reaches the layer until the head of its response leaves it: two readings of the cycle
//! counter, and additions to numbers that, as a rule, its thread alone writes to. What is read is worked out when somebody asks.

mod route;
mod route_stats;
mod stats;
mod window;

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

use route::Running;
pub use route_stats::RouteStats;
pub use stats::{HttpStats, routes};

use crate::clock::nanos;

/// What requests are counted under whose route nobody knows.
const UNMATCHED: &str = "unmatched";

type Route = Arc<dyn Fn(&Parts) -> Option<Cow<'static, str>> + Send + Sync>;

/// Times requests by route template and method: see [`RouteStats`] for what is kept, [`routes`] for how to read it.
///
/// The route is axum's template (`/users/{id}`), with the feature `axum` and where the layer is added with `Router::layer`; else
/// what [`route_by`](Self::route_by) says; else `unmatched`. It is never the path, which has no bound.
///
/// A request whose future is dropped before there is a response was cancelled: its client went away. The body of a response is
/// not waited for.
///
/// ```
/// use axum::{Router, body::Body, routing::get};
/// use fastness::http::{HttpStats, TimingLayer};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let stats = HttpStats::new();
/// let app: Router = Router::new()
///     .route("/users/{id}", get(async || "Ada"))
///     .layer(TimingLayer::new().stats(&stats));
/// app.oneshot(http::Request::get("/users/7").body(Body::empty()).unwrap()).await.unwrap();
///
/// let routes = stats.routes();
/// assert_eq!((&*routes[0].route, routes[0].method, routes[0].requests), ("/users/{id}", "GET", 1));
/// assert_eq!(routes[0].ok.count(), 1);
/// # }
/// ```
#[derive(Clone)]
pub struct TimingLayer {
    stats: HttpStats,
    route: Option<Route>,
    slow: u64,
    on: bool,
}

impl TimingLayer {
    /// Into the numbers of the process ([`HttpStats::process`]), which [`routes`] and the metrics show.
    pub fn new() -> Self {
        Self { stats: HttpStats::process(), route: None, slow: u64::MAX, on: true }
    }

    /// A layer that does nothing.
    pub(super) fn off() -> Self {
        Self { on: false, ..Self::new() }
    }

    /// Into these numbers: for tests, and for a second server in the process.
    #[must_use]
    pub fn stats(mut self, stats: &HttpStats) -> Self {
        self.stats = stats.clone();
        self
    }

    /// Says the route of a request that axum has not matched: one of a few that are known when the program is written.
    #[must_use]
    pub fn route_by(mut self, route: impl Fn(&Parts) -> Option<Cow<'static, str>> + Send + Sync + 'static) -> Self {
        self.route = Some(Arc::new(route));
        self
    }

    /// Logs and counts requests that take this long or longer (none); of each route and method, one line a second is written at
    /// most.
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
        f.debug_struct("TimingLayer").field("stats", &self.stats).finish_non_exhaustive()
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
        let TimingLayer { stats, route, slow, on } = &self.layer;
        if !on {
            return TimingFuture { inner: self.inner.call(request), running: None };
        }
        let own = |name: &str| stats.route(name);
        let route = match (matched(request.extensions(), own), route) {
            (Some(route), _) => route,
            (None, Some(by)) => {
                let (parts, body) = request.into_parts();
                let name = by(&parts).unwrap_or(Cow::Borrowed(UNMATCHED));
                request = Request::from_parts(parts, body);
                own(&name)
            }
            (None, None) => own(UNMATCHED),
        };
        let running = Running::new(route, request.method(), *slow);
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
        running: Option<Running>,
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
        // Held here while the call runs, not in the future, so that a panic drops it.
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
