//! A bound on how many requests are under way at a time.

use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::gated::Gated;
use super::paths::Paths;
use super::{Body, Problem};
use crate::resilience::{Bulkhead, BulkheadSettings, Slot};

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
///
/// let (min, max) = (NonZeroU32::new(16).unwrap(), NonZeroU32::new(1_000).unwrap());
/// let limit = ConcurrencyLimitLayer::adaptive("http", min, max).exempt(["/health", "/metrics"]);
/// let app: Router = Router::new().route("/", get(async || "hello")).layer(limit);
/// ```
#[derive(Clone, Debug)]
pub struct ConcurrencyLimitLayer {
    /// `None` for a layer that does nothing.
    bulkhead: Option<&'static Bulkhead>,
    exempt: Paths,
}

impl ConcurrencyLimitLayer {
    /// So many at a time. What is made here is kept for ever, as a static is: make it once, clones share it.
    pub fn fixed(name: &'static str, max: NonZeroU32) -> Self {
        Self::new(Box::leak(Box::new(Bulkhead::new(name, BulkheadSettings::fixed(max)))))
    }

    /// As many as can be served without queueing, between these bounds, beginning with `min`; see
    /// [`BulkheadSettings::adaptive`]. Kept for ever, as in [`fixed`](Self::fixed).
    pub fn adaptive(name: &'static str, min: NonZeroU32, max: NonZeroU32) -> Self {
        Self::new(Box::leak(Box::new(Bulkhead::new(name, BulkheadSettings::adaptive(min, max)))))
    }

    /// By this bulkhead, which others may use too. Its `wait` is of no account here.
    pub fn new(bulkhead: &'static Bulkhead) -> Self {
        Self { bulkhead: Some(bulkhead), exempt: Paths::default() }
    }

    /// One that does nothing.
    pub(super) fn off() -> Self {
        Self { bulkhead: None, exempt: Paths::default() }
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

impl<S> Layer<S> for ConcurrencyLimitLayer {
    type Service = ConcurrencyLimit<S>;

    fn layer(&self, inner: S) -> ConcurrencyLimit<S> {
        ConcurrencyLimit { inner, limit: self.clone() }
    }
}

/// The service of [`ConcurrencyLimitLayer`].
#[derive(Clone, Debug)]
pub struct ConcurrencyLimit<S> {
    inner: S,
    limit: ConcurrencyLimitLayer,
}

impl<S, B, R> Service<Request<B>> for ConcurrencyLimit<S>
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
        let concerned = self.limit.bulkhead.filter(|_| !self.limit.exempt.contain(&request));
        match concerned.map(Bulkhead::enter).transpose() {
            Ok(slot) => ResponseFuture { inner: Gated::admitted(self.inner.call(request), slot) },
            Err(_) => ResponseFuture { inner: Gated::refused(full()) },
        }
    }
}

fn full() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests are under way: try again in a moment")
        .retry_after(COME_BACK)
}

pin_project! {
    /// The future of [`ConcurrencyLimit`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Gated<F, Slot<'static>>,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Body<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll_settled(cx, |slot, ended, _| {
            slot.end(ended.as_ref().is_ok_and(|response| !response.status().is_server_error()));
        })
    }
}
