//! An id for each request, the same in the request, the response and every line of the log between them.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{Entry, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Level;
use tracing::instrument::{Instrument, Instrumented};
use tracing::level_filters::LevelFilter;

#[cfg(test)]
mod tests;

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
    /// Header of the id, in requests and in responses: `x-request-id`.
    pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// Its text: ASCII letters, digits and `-_.~+/=:;,@|#`, at most 128 bytes.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id that came with a request, if it is one, and can be shown anywhere; else one that is made, and put in its place.
    fn settle(headers: &mut HeaderMap) -> Self {
        match headers.entry(Self::HEADER) {
            Entry::Vacant(free) => Self(free.insert(Self::made().0).clone()),
            Entry::Occupied(mut sent) => {
                let id = sent.get();
                let sane = (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().copied().all(is_plain);
                if !sane || sent.iter().nth(1).is_some() {
                    sent.insert(Self::made().0);
                }
                Self(sent.get().clone())
            }
        }
    }

    /// A number of this process behind a random one that is the process's own, both in hexadecimal. It tells requests apart,
    /// in all processes; it can be guessed, so nothing may rest on its being secret.
    fn made() -> Self {
        static PROCESS: LazyLock<[u8; 33]> = LazyLock::new(|| {
            let mut text = [b'-'; 33];
            hex(fastrand::u64(..), &mut text[..16]);
            text
        });
        let mut text = *PROCESS;
        hex(number(), &mut text[17..]);
        let made = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
        Self(made.unwrap_or_else(|_| HeaderValue::from_static("unknown")))
    }
}

/// Letters, digits, and marks of which no log makes anything: no quotes, brackets or backslashes.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~+/=:;,@|#".contains(&byte)
}

/// One that this process has not given yet. A thread takes a thousand at a time, so that threads are not in each other's way.
fn number() -> u64 {
    const TAKEN: u64 = 1 << 10;
    static FREE: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        /// A multiple of `TAKEN` if there is none left.
        static NEXT: Cell<u64> = const { Cell::new(0) };
    }
    NEXT.with(|next| {
        let left = next.get() % TAKEN != 0;
        let number = if left { next.get() } else { FREE.fetch_add(TAKEN, Ordering::Relaxed) };
        next.set(number + 1);
        number
    })
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
/// The `x-request-id` of the request is taken if there is one, and it is 1 to 128 ASCII letters, digits and `-_.~+/=:;,@|#`: so it
/// cannot be taken for another part of a log line. In place of any other an id is made, and the header replaced. The response has it, whatever the service behind set, and so has every
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

    /// A layer that does nothing.
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
    type Service = RequestIdService<S>;

    fn layer(&self, inner: S) -> RequestIdService<S> {
        RequestIdService { inner, on: self.on }
    }
}

/// The service of [`RequestIdLayer`].
#[derive(Clone, Copy, Debug)]
pub struct RequestIdService<S> {
    inner: S,
    on: bool,
}

impl<S, B, R> Service<Request<B>> for RequestIdService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = RequestIdFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if !self.on {
            return RequestIdFuture { id: None, way: Way::Alone { call: self.inner.call(request) } };
        }
        let id = RequestId::settle(request.headers_mut());
        request.extensions_mut().insert(id.clone());
        // Asked before there is a span, which would take its time even where nobody listens.
        if Level::INFO > LevelFilter::current() {
            return RequestIdFuture { id: Some(id.0), way: Way::Alone { call: self.inner.call(request) } };
        }
        let span = tracing::info_span!("request", %id, method = %request.method());
        let call = span.in_scope(|| self.inner.call(request));
        RequestIdFuture { id: Some(id.0), way: Way::InSpan { call: call.instrument(span) } }
    }
}

pin_project! {
    /// The future of [`RequestIdService`].
    #[derive(Debug)]
    pub struct RequestIdFuture<F> {
        id: Option<HeaderValue>,
        #[pin]
        way: Way<F>,
    }
}

pin_project! {
    #[project = ProjectedWay]
    #[derive(Debug)]
    enum Way<F> {
        Alone { #[pin] call: F },
        InSpan { #[pin] call: Instrumented<F> },
    }
}

impl<F, R, E> Future for RequestIdFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut polled = match this.way.project() {
            ProjectedWay::Alone { call } => call.poll(cx),
            ProjectedWay::InSpan { call } => call.poll(cx),
        };
        // In place, as a response is dear to move.
        if let Poll::Ready(Ok(response)) = &mut polled
            && let Some(id) = this.id.take()
        {
            response.headers_mut().insert(RequestId::HEADER, id);
        }
        polled
    }
}
