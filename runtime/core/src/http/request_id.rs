//! An id for each request: in the request, the response, and every log line in between.

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

/// Longest id that is accepted, in bytes.
const MAX_BYTES: usize = 128;

/// Id of a request: an extension of requests behind a [`RequestIdLayer`].
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

    /// Returns the text: ASCII letters, digits and `-_.~+/=:;,@|#`, at most 128 bytes.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Returns the id that came with a request if it is valid; else generates one, and sets the header to it.
    fn accept_or_generate(headers: &mut HeaderMap) -> Self {
        match headers.entry(Self::HEADER) {
            Entry::Vacant(entry) => Self(entry.insert(Self::generate().0).clone()),
            Entry::Occupied(mut sent) => {
                let id = sent.get();
                let valid = (1..=MAX_BYTES).contains(&id.len()) && id.as_bytes().iter().copied().all(is_plain);
                if !valid || sent.iter().nth(1).is_some() {
                    sent.insert(Self::generate().0);
                }
                Self(sent.get().clone())
            }
        }
    }

    /// Generates an id: a random number of this process and a counter, both in hexadecimal. It is unique across processes, but can be
    /// guessed, so it must not serve as a secret.
    fn generate() -> Self {
        static PROCESS: LazyLock<[u8; 33]> = LazyLock::new(|| {
            let mut text = [b'-'; 33];
            hex(fastrand::u64(..), &mut text[..16]);
            text
        });
        let mut text = *PROCESS;
        hex(next_number(), &mut text[17..]);
        let made = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
        Self(made.unwrap_or_else(|_| HeaderValue::from_static("unknown")))
    }
}

/// Returns whether a byte is a letter, a digit, or a mark without meaning in any log format: no quotes, brackets or backslashes.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~+/=:;,@|#".contains(&byte)
}

/// Returns a number that this process has not used yet. A thread takes 1,024 at a time, so that threads rarely touch the shared counter.
fn next_number() -> u64 {
    const TAKEN: u64 = 1 << 10;
    static FREE: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        /// Next number; a multiple of `TAKEN` if none is left.
        static NEXT: Cell<u64> = const { Cell::new(0) };
    }
    NEXT.with(|next| {
        let left = next.get() % TAKEN != 0;
        let number = if left { next.get() } else { FREE.fetch_add(TAKEN, Ordering::Relaxed) };
        next.set(number + 1);
        number
    })
}

/// Writes a number in hexadecimal, with leading zeros, over all of `text`.
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
/// The `x-request-id` of the request is used if it is 1 to 128 ASCII letters, digits and `-_.~+/=:;,@|#`, so that it cannot be mistaken for
/// another part of a log line. Otherwise an id is generated, and the header replaced. The response has the id, whatever the inner service
/// set. Log lines of the request are in a span `request` of level `info`, with the fields `id` and `method`; without a subscriber for that
/// level, no span is created.
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
    /// Creates the layer.
    pub fn new() -> Self {
        Self { on: true }
    }

    /// Creates a layer that does nothing.
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

/// Service of [`RequestIdLayer`].
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
            return RequestIdFuture { id: None, state: RequestIdState::Plain { call: self.inner.call(request) } };
        }
        let id = RequestId::accept_or_generate(request.headers_mut());
        request.extensions_mut().insert(id.clone());
        // Checked first, because creating a span takes time even without a subscriber.
        if Level::INFO > LevelFilter::current() {
            return RequestIdFuture { id: Some(id.0), state: RequestIdState::Plain { call: self.inner.call(request) } };
        }
        let span = tracing::info_span!("request", %id, method = %request.method());
        let call = span.in_scope(|| self.inner.call(request));
        RequestIdFuture { id: Some(id.0), state: RequestIdState::InSpan { call: call.instrument(span) } }
    }
}

pin_project! {
    /// Future of [`RequestIdService`].
    #[derive(Debug)]
    pub struct RequestIdFuture<F> {
        id: Option<HeaderValue>,
        #[pin]
        state: RequestIdState<F>,
    }
}

pin_project! {
    #[project = ProjectedRequestIdState]
    #[derive(Debug)]
    enum RequestIdState<F> {
        Plain { #[pin] call: F },
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
        let mut polled = match this.state.project() {
            ProjectedRequestIdState::Plain { call } => call.poll(cx),
            ProjectedRequestIdState::InSpan { call } => call.poll(cx),
        };
        // In place, because moving a response is expensive.
        if let Poll::Ready(Ok(response)) = &mut polled
            && let Some(id) = this.id.take()
        {
            response.headers_mut().insert(RequestId::HEADER, id);
        }
        polled
    }
}
