//! An id for each request, the same in the request, the response and every line of the log between them.

use std::fmt;
use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use tracing::instrument::{Instrument, Instrumented};

#[cfg(test)]
mod tests;

/// The header, in requests and in responses.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is accepted, in bytes.
const LONGEST: usize = 128;

/// The id of a request: in its extensions, behind [`RequestIdLayer`].
///
/// ```
/// use axum::{Router, routing::get};
/// use fastness::http::{RequestId, RequestIdLayer};
///
/// async fn whoami(axum::Extension(id): axum::Extension<RequestId>) -> String {
///     id.as_str().to_owned()
/// }
/// let app: Router = Router::new().route("/", get(whoami)).layer(RequestIdLayer::new());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Its text: visible ASCII, at most 128 bytes.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id that came with a request: one, and one that can be shown anywhere.
    fn sent(headers: &HeaderMap) -> Option<Self> {
        let mut sent = headers.get_all(X_REQUEST_ID).iter();
        let (id, none) = (sent.next()?, sent.next());
        let sane = (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic);
        (sane && none.is_none()).then(|| Self(id.clone()))
    }

    /// A number of this process behind a random one that is the process's own, both in hexadecimal. It tells requests apart,
    /// in all processes; it can be guessed, so nothing may rest on its being secret.
    fn made() -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| fastrand::u64(..));
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut text = [0; 33];
        hex(*PROCESS, &mut text[..16]);
        text[16] = b'-';
        hex(NEXT.fetch_add(1, Ordering::Relaxed), &mut text[17..]);
        let made = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
        Self(made.unwrap_or_else(|_| HeaderValue::from_static("unknown")))
    }
}

/// Fills `text` from its end.
fn hex(mut number: u64, text: &mut [u8]) {
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Gives each request an id, [`RequestId`].
///
/// The `x-request-id` of the request is taken if there is one, and it is 1 to 128 bytes of visible ASCII; in place of any
/// other an id is made, and the header replaced. The response has it, whatever the service behind set, and so has every
/// log line that is written while the request is served: they are in a span `request` of the level `info`, with the fields
/// `id` and `method`. Where nobody listens to the span, none is made.
///
/// ```
/// use fastness::http::RequestIdLayer;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let service = RequestIdLayer::new().layer(service_fn(async |_: http::Request<()>| {
///     Ok::<_, std::convert::Infallible>(http::Response::new(()))
/// }));
/// let request = http::Request::builder().header("x-request-id", "7f3a").body(()).unwrap();
/// let response = service.oneshot(request).await.unwrap();
/// assert_eq!(response.headers()["x-request-id"], "7f3a");
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RequestIdLayer {
    on: bool,
}

impl RequestIdLayer {
    /// The layer.
    pub fn new() -> Self {
        Self { on: true }
    }

    /// One that does nothing.
    pub(super) fn off() -> Self {
        Self { on: false }
    }
}

impl Default for RequestIdLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for RequestIdLayer {
    type Service = SetRequestId<S>;

    fn layer(&self, inner: S) -> SetRequestId<S> {
        SetRequestId { inner, on: self.on }
    }
}

/// The service of [`RequestIdLayer`].
#[derive(Clone, Copy, Debug)]
pub struct SetRequestId<S> {
    inner: S,
    on: bool,
}

impl<S, B, R> Service<Request<B>> for SetRequestId<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if !self.on {
            let inner = self.inner.call(request).instrument(tracing::Span::none());
            return ResponseFuture { inner, id: None };
        }
        let id = RequestId::sent(request.headers()).unwrap_or_else(|| {
            let made = RequestId::made();
            request.headers_mut().insert(X_REQUEST_ID, made.0.clone());
            made
        });
        let span = tracing::info_span!("request", %id, method = %request.method());
        request.extensions_mut().insert(id.clone());
        let call = span.in_scope(|| self.inner.call(request));
        ResponseFuture { inner: call.instrument(span), id: Some(id.0) }
    }
}

pin_project! {
    /// The future of [`SetRequestId`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Instrumented<F>,
        id: Option<HeaderValue>,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut ended = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(id)) = (&mut ended, this.id.take()) {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        Poll::Ready(ended)
    }
}
