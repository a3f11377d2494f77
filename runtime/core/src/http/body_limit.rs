//! Bounds on request bodies, which are read before anything else is done for their requests.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::body::Body;
use super::paths::Paths;
use super::reading::BodyReader;
use super::types::BoxedResponse;

#[cfg(test)]
mod tests;

/// Reads the body of each request into memory before the inner service is called, with a limit on its time, on its size, and on the size of
/// all bodies together. So a slow client holds no permit or claim of inner layers, and clients cannot take more memory than is configured
/// here. (A service that reserves something in `poll_ready`, as tower's `ConcurrencyLimit` does, holds that while the body is read: put it
/// outside of this layer.)
///
/// | body | answer |
/// |---|---|
/// | larger than [`new`](Self::new) allows, or its `Content-Length` is | 413, before the rest is read |
/// | not complete within [`timeout`](Self::timeout) (30 s in total) | 408 |
/// | no room beside the bodies of other requests ([`total`](Self::total), 64 MiB) | 503, `Retry-After: 1` |
/// | breaks off | 400 |
///
/// Over HTTP/1 these answers close the connection. A quarter of the room is reserved for the first 16 KiB of each body, so that small
/// requests are served while large ones fill the rest. The bytes count until the head of the response is ready. Trailers are dropped. A
/// request without a body costs nothing.
///
/// Handlers that process a body as it arrives, such as file uploads, need [`exempt`](Self::exempt), and limits of their own.
///
/// ```
/// use std::time::Duration;
/// use axum::{Router, body::Body, routing::post};
/// use fastness::http::BodyLimitLayer;
/// use http::Request;
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limit = BodyLimitLayer::new(1_000).timeout(Duration::from_secs(10)).exempt(["/uploads/*"]);
/// let app: Router = Router::new().route("/orders", post(async |order: String| order)).layer(limit);
///
/// let order = |body: String| Request::post("/orders").body(Body::from(body));
/// assert_eq!(app.clone().oneshot(order("3 apples".into())?).await?.status(), 200);
/// assert_eq!(app.oneshot(order("x".repeat(1_001))?).await?.status(), 413);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct BodyLimitLayer {
    /// `None` for a layer that does nothing.
    shared: Option<Arc<BodyLimit>>,
}

#[derive(Clone)]
struct BodyLimit {
    reader: BodyReader,
    exempt: Paths,
}

impl BodyLimitLayer {
    /// Creates a layer that accepts bodies of at most `max_bytes`. Clones share one [`total`](Self::total).
    pub fn new(max_bytes: usize) -> Self {
        let reader = BodyReader::new(max_bytes, 64 << 20, Duration::from_secs(30));
        Self { shared: Some(Arc::new(BodyLimit { reader, exempt: Paths::default() })) }
    }

    /// Creates a layer that does nothing.
    pub(super) fn off() -> Self {
        Self { shared: None }
    }

    /// Sets how many bytes the bodies of all requests in flight may have together. Default 64 MiB. A single body may take at most three
    /// quarters of it.
    #[must_use]
    pub fn total(self, bytes: usize) -> Self {
        self.with(|shared| shared.reader.set_total(bytes))
    }

    /// Sets how long a body may take, from the first wait for it until it is complete. Default 30 s.
    #[must_use]
    pub fn timeout(self, time: Duration) -> Self {
        self.with(|shared| shared.reader.timeout = time)
    }

    /// Exempts requests for these paths: their bodies are not read. `/uploads` is this path only, `/uploads/*` is `/uploads` and everything
    /// below it; see [the patterns](crate::http#paths-that-are-exempt).
    ///
    /// # Panics
    ///
    /// Panics if a pattern cannot match any path: it does not begin with a slash, or has a star elsewhere than at its end.
    #[must_use]
    #[track_caller]
    pub fn exempt<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        if let Some(shared) = &mut self.shared {
            Arc::make_mut(shared).exempt.add(paths);
        }
        self
    }

    fn with(mut self, set: impl FnOnce(&mut BodyLimit)) -> Self {
        if let Some(shared) = &mut self.shared {
            set(Arc::make_mut(shared));
        }
        self
    }
}

impl fmt::Debug for BodyLimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reader = self.shared.as_ref().map(|shared| &shared.reader);
        f.debug_struct("BodyLimitLayer").field("reader", &reader).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for BodyLimitLayer {
    type Service = BodyLimitService<S>;

    fn layer(&self, inner: S) -> BodyLimitService<S> {
        BodyLimitService { inner, shared: self.shared.clone() }
    }
}

/// Service of [`BodyLimitLayer`].
#[derive(Clone)]
pub struct BodyLimitService<S> {
    inner: S,
    shared: Option<Arc<BodyLimit>>,
}

impl<S: fmt::Debug> fmt::Debug for BodyLimitService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyLimitService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B, R: 'static> Service<Request<B>> for BodyLimitService<S>
where
    S: Service<Request<Body<B>>, Response = Response<R>, Future: Send> + Clone + Send + 'static,
    B: HttpBody<Data = Bytes, Error: Send> + Send + 'static,
{
    type Response = Response<Body<R>>;
    type Error = S::Error;
    type Future = BodyLimitFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let applies = |shared: &&Arc<BodyLimit>| {
            !request.body().is_end_stream() && !shared.exempt.contain(request.extensions(), request.uri())
        };
        let Some(shared) = self.shared.as_ref().filter(applies) else {
            return BodyLimitFuture {
                state: BodyLimitState::Passed { call: self.inner.call(request.map(Body::inner)) },
            };
        };
        // `poll_ready` was called on this instance, so this one must be called.
        let next = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, next);
        BodyLimitFuture { state: BodyLimitState::Read { call: Box::pin(read(ready, shared.reader.clone(), request)) } }
    }
}

/// Reads the body of a request, and calls the inner service.
async fn read<S, B, R>(mut inner: S, reader: BodyReader, request: Request<B>) -> Result<Response<Body<R>>, S::Error>
where
    S: Service<Request<Body<B>>, Response = Response<R>>,
    B: HttpBody<Data = Bytes, Error: Send> + Send + 'static,
{
    let (parts, body) = request.into_parts();
    match reader.read(&parts.headers, body).await {
        Ok(read) => {
            let response = inner.call(Request::from_parts(parts, Body::from_bytes(read.bytes))).await;
            drop(read.share);
            response.map(|response| response.map(Body::inner))
        }
        Err(rejection) => Ok(rejection.into_response(parts.version)),
    }
}

pin_project! {
    /// Future of [`BodyLimitService`]: boxed only for requests with a body.
    pub struct BodyLimitFuture<F, R, E> {
        #[pin]
        state: BodyLimitState<F, R, E>,
    }
}

pin_project! {
    #[project = ProjectedBodyLimitState]
    enum BodyLimitState<F, R, E> {
        Passed { #[pin] call: F },
        Read { call: BoxedResponse<Body<R>, E> },
    }
}

impl<F, R, E> Future for BodyLimitFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Body<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            ProjectedBodyLimitState::Passed { call } => call.poll(cx).map_ok(|response| response.map(Body::inner)),
            ProjectedBodyLimitState::Read { call } => call.as_mut().poll(cx),
        }
    }
}

impl<F, R, E> fmt::Debug for BodyLimitFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyLimitFuture").finish_non_exhaustive()
    }
}
