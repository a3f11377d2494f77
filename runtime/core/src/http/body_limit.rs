//! Bodies of requests are here before anything else is done for their requests, and within bounds.

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
use super::reading::Reader;

#[cfg(test)]
mod tests;

/// Reads the body of each request into memory before the service behind is called: within a time, each body within a bound, and all
/// bodies that are held within another. So a slow client holds no place, permit or claim of what follows, and no number of clients
/// takes more memory than is stated here. (A service that reserves something when it says that it is ready, as tower's
/// `ConcurrencyLimit` does, holds that while the body is read: put it outside of this layer.)
///
/// | a body that | is answered with |
/// |---|---|
/// | is larger than [`new`](Self::new) allows, or says so in its `Content-Length` | 413, before the rest of it is read |
/// | is not there within [`timeout`](Self::timeout) (30 s in all, however its bytes are spread) | 408 |
/// | finds no room beside those of other requests ([`total`](Self::total), 64 MiB) | 503, `Retry-After: 1` |
/// | breaks off | 400 |
///
/// Over HTTP/1 these answers close the connection. A quarter of the room is for the first 16 KiB of each body, so that small requests
/// are served while large ones fill the rest. The bytes count until the head of the response is there. Trailers are dropped. A request
/// without a body costs nothing.
///
/// Handlers that work on a body while it comes, such as uploads of files, need [`exempt`](Self::exempt), and bounds of their own.
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
    shared: Option<Arc<Shared>>,
}

#[derive(Clone)]
struct Shared {
    reader: Reader,
    exempt: Paths,
}

impl BodyLimitLayer {
    /// With at most so many bytes in one body. Clones share one [`total`](Self::total).
    pub fn new(max_bytes: usize) -> Self {
        let reader = Reader::new(max_bytes, 64 << 20, Duration::from_secs(30));
        Self { shared: Some(Arc::new(Shared { reader, exempt: Paths::default() })) }
    }

    /// A layer that does nothing.
    pub(super) fn off() -> Self {
        Self { shared: None }
    }

    /// Sets how many bytes the bodies of all requests that are under way may have together. Default 64 MiB. A single body gets three
    /// quarters of it at most.
    #[must_use]
    pub fn total(self, bytes: usize) -> Self {
        self.with(|shared| shared.reader.set_all(bytes))
    }

    /// Sets how long a body may take, from when it is first waited for until it is whole. Default 30 s.
    #[must_use]
    pub fn timeout(self, time: Duration) -> Self {
        self.with(|shared| shared.reader.time = time)
    }

    /// Leaves the bodies of requests for these paths alone, besides those that were named before: `/uploads` is this path alone,
    /// `/uploads/*` is `/uploads` and all below it. See [the paths of exemptions](crate::http#paths-that-are-exempt).
    ///
    /// # Panics
    ///
    /// If a pattern can match nothing: one without a slash at its beginning, or with a star elsewhere.
    #[must_use]
    #[track_caller]
    pub fn exempt<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        if let Some(shared) = &mut self.shared {
            Arc::make_mut(shared).exempt.add(paths);
        }
        self
    }

    fn with(mut self, set: impl FnOnce(&mut Shared)) -> Self {
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

/// The service of [`BodyLimitLayer`].
#[derive(Clone)]
pub struct BodyLimitService<S> {
    inner: S,
    shared: Option<Arc<Shared>>,
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
        let concerned = |shared: &&Arc<Shared>| {
            !request.body().is_end_stream() && !shared.exempt.contain(request.extensions(), request.uri())
        };
        let Some(shared) = self.shared.as_ref().filter(concerned) else {
            return BodyLimitFuture { way: Way::Passed { call: self.inner.call(request.map(Body::inner)) } };
        };
        // The one that was found ready is the one to call.
        let next = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, next);
        BodyLimitFuture { way: Way::Read { call: Box::pin(read(ready, shared.reader.clone(), request)) } }
    }
}

/// A request with a body.
async fn read<S, B, R>(mut inner: S, reader: Reader, request: Request<B>) -> Result<Response<Body<R>>, S::Error>
where
    S: Service<Request<Body<B>>, Response = Response<R>>,
    B: HttpBody<Data = Bytes, Error: Send> + Send + 'static,
{
    let (parts, body) = request.into_parts();
    match reader.read(&parts.headers, body).await {
        Ok(read) => {
            let response = inner.call(Request::from_parts(parts, Body::own(read.bytes))).await;
            drop(read.share);
            response.map(|response| response.map(Body::inner))
        }
        Err(refused) => Ok(refused.into_response(parts.version)),
    }
}

type Boxed<R, E> = Pin<Box<dyn Future<Output = Result<Response<Body<R>>, E>> + Send>>;

pin_project! {
    /// The future of [`BodyLimitService`]: boxed only where a request has a body.
    pub struct BodyLimitFuture<F, R, E> {
        #[pin]
        way: Way<F, R, E>,
    }
}

pin_project! {
    #[project = ProjectedWay]
    enum Way<F, R, E> {
        Passed { #[pin] call: F },
        Read { call: Boxed<R, E> },
    }
}

impl<F, R, E> Future for BodyLimitFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Body<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            ProjectedWay::Passed { call } => call.poll(cx).map_ok(|response| response.map(Body::inner)),
            ProjectedWay::Read { call } => call.as_mut().poll(cx),
        }
    }
}

impl<F, R, E> fmt::Debug for BodyLimitFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyLimitFuture").finish_non_exhaustive()
    }
}
