//! A bound on how many requests are made in a time.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::gated::Gated;
use super::paths::Paths;
use super::{Body, Problem};
use crate::resilience::{KeyedRateLimit, RateLimitSettings, Rejected};

#[cfg(test)]
mod tests;

type Key = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

/// Lets so many requests of each key through in a time, and answers others with 429 and a `Retry-After`, by a
/// [`KeyedRateLimit`].
///
/// Where addresses are the keys, [`peer_network`](super::peer_network) makes one key of a network of IPv6, whose user would otherwise
/// have a limit for each of 2^64 addresses.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use axum::{Router, routing::get};
/// use fastness::http::RateLimitLayer;
/// use fastness::resilience::RateLimitSettings;
///
/// let per_second = RateLimitSettings::new(NonZeroU32::new(50).unwrap(), Duration::from_secs(1));
/// let limit = RateLimitLayer::new("api", per_second, 10_000, |request| {
///     let key = request.headers.get("x-api-key")?;
///     Some(key.to_str().ok()?.to_owned())
/// });
/// let app: Router = Router::new().route("/", get(async || "hello")).layer(limit);
/// ```
#[derive(Clone)]
pub struct RateLimitLayer {
    /// `None` for a layer that does nothing.
    limit: Option<(Arc<KeyedRateLimit>, Key)>,
    exempt: Paths,
}

impl RateLimitLayer {
    /// Of this name, for at most `keys` keys. Requests of which `key` says `None` are not limited.
    pub fn new(
        name: &'static str,
        settings: RateLimitSettings,
        keys: usize,
        key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::of(KeyedRateLimit::new(name, settings, keys), key)
    }

    /// By this limit.
    pub fn of(limit: KeyedRateLimit, key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { limit: Some((Arc::new(limit), Arc::new(key))), ..Self::off() }
    }

    /// One that does nothing.
    pub(super) fn off() -> Self {
        Self { limit: None, exempt: Paths::default() }
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

impl fmt::Debug for RateLimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit.as_ref().map(|(limit, _)| limit);
        f.debug_struct("RateLimitLayer").field("limit", &limit).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimited<S>;

    fn layer(&self, inner: S) -> RateLimited<S> {
        RateLimited { inner, layer: self.clone() }
    }
}

/// The service of [`RateLimitLayer`].
#[derive(Clone, Debug)]
pub struct RateLimited<S> {
    inner: S,
    layer: RateLimitLayer,
}

impl<S, B, R> Service<Request<B>> for RateLimited<S>
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
        let Some((limit, key)) = self.layer.limit.as_ref().filter(|_| !self.layer.exempt.contain(&request)) else {
            return ResponseFuture { inner: Gated::admitted(self.inner.call(request), None) };
        };
        let (parts, body) = request.into_parts();
        let checked = key(&parts).map_or(Ok(()), |key| limit.check(&key));
        let inner = match checked {
            Ok(()) => Gated::admitted(self.inner.call(Request::from_parts(parts, body)), None),
            Err(rejected) => Gated::refused(used_up(&rejected)),
        };
        ResponseFuture { inner }
    }
}

fn used_up(rejected: &Rejected) -> Problem {
    let after = rejected.retry_after().unwrap_or(Duration::from_secs(1));
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests: slow down").retry_after(after)
}

pin_project! {
    /// The future of [`RateLimited`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Gated<F, ()>,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Body<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll_settled(cx, |(), _, _| ())
    }
}
