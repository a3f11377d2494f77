//! Idempotent requests: `Idempotency-Key`, after the IETF's draft of that name.
//!
//! Flow of a protected request: its body is read and digested -> `table` admits it, or has an answer for it -> the shared tier, if there is
//! one, is asked for an answer, and for a claim that holds in all processes -> the inner service -> its answer is read, stored, and sent.
//!
//! Invariants: an answer is sent only after it was stored. Everything after the inner service's answer happens in a task, so that a client
//! that goes away then cannot undo it. A claim that ends without an answer to store is released by its drop.

mod digest;
mod key;
mod service;
mod shared;
mod stored;
mod table;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::request::Parts;
use tower_layer::Layer;

pub use service::IdempotencyService;
use shared::IdempotencyConfig;

use crate::handle::Fastness;

/// Replays the first answer to a request that is sent again, instead of processing it twice. Applies to POST, PUT, PATCH and DELETE with an
/// `Idempotency-Key`.
///
/// | repeated key | answer |
/// |---|---|
/// | the first request was answered | that answer, byte for byte, with `Idempotency-Replayed: true` |
/// | the first request is in flight | 409 with `Retry-After` |
/// | another method, path, query or body | 422 |
/// | the first answer was too large to store | 409, without `Retry-After` |
///
/// A key is 1 to 255 visible ASCII characters, with or without quotes (`Idempotency-Key: "8e03978e-40d5"`); any other is answered with 400.
/// A body over [`max_request_bytes`](Self::max_request_bytes) is answered with 413, because it cannot be protected; one that is not
/// complete within [`body_timeout`](Self::body_timeout) with 408, and one without room beside the bodies of other requests
/// ([`max_bodies_bytes`](Self::max_bodies_bytes)) with 503.
///
/// **Scope of a key.** Keys of different callers and of different hosts are independent. Callers are identified by the `Authorization` and
/// `Cookie` headers of their requests, unless [`principal`](Self::principal) is set: set it if these headers change between two attempts,
/// or are the same for all callers. Callers with neither header count as one.
///
/// **Stored answers.** Answers of 2xx to 4xx, except 408, 425 and 429 ([`store_if`](Self::store_if)), with all their headers, `Set-Cookie`
/// included, whatever their `Cache-Control`: that concerns caches, while this is the origin answering again. After any other answer, a
/// panic, or a client that went away before the answer, the request may be sent again and is processed again.
///
/// **Time and place.** Answers are stored for 24 hours ([`ttl`](Self::ttl)). In this process, the oldest answers are dropped once all take
/// 64 MiB ([`memory`](Self::memory)). With a shared tier, all processes share the answers, as long as the server keeps them and they fit
/// `Redis::max_value_bytes`. The requests of a process that dies count as in flight for [`claim`](Self::claim) (60 s); a request that takes
/// longer may be processed by another process too. Without a shared tier, while it cannot be reached, and after everything cached was
/// cleared, all of this holds within one process only.
///
/// Create one layer and clone it: separate layers share their requests only through the shared tier.
///
/// A request without a key costs nothing; one with a key costs a digest of its body and a few allocations.
///
/// ```
/// use axum::{Router, routing::post};
/// use fastness::Fastness;
/// use fastness::http::IdempotencyLayer;
/// use http::Request;
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = Fastness::builder().build()?;
/// let app: Router = Router::new()
///     .route("/orders", post(async || "ordered"))
///     .layer(IdempotencyLayer::new().on(&fast));
///
/// let order = || Request::post("/orders").header("idempotency-key", "8e03978e").body(axum::body::Body::from("3 apples"));
/// let first = app.clone().oneshot(order().unwrap()).await.unwrap();
/// let again = app.oneshot(order().unwrap()).await.unwrap();
/// assert!(!first.headers().contains_key("idempotency-replayed"));
/// assert_eq!(again.headers()["idempotency-replayed"], "true");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct IdempotencyLayer {
    /// `None` for a layer that does nothing.
    shared: Option<Arc<IdempotencyConfig>>,
}

impl IdempotencyLayer {
    /// Creates a layer that stores answers in this process, and in the shared tier of the handle if it has one: the handle in force when
    /// the first request comes, unless [`on`](Self::on) sets another.
    pub fn new() -> Self {
        Self { shared: Some(Arc::new(IdempotencyConfig::new())) }
    }

    /// Creates a layer that does nothing.
    pub(super) fn off() -> Self {
        Self { shared: None }
    }

    /// Sets the handle in whose shared tier answers are stored.
    #[must_use]
    pub fn on(self, handle: &Fastness) -> Self {
        self.with(|shared| shared.set_handle(handle))
    }

    /// Sets how long an answer is stored. Default 24 hours.
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        self.with(|shared| shared.ttl = ttl)
    }

    /// Sets how long other processes take a request for in flight; it should be longer than any request takes. Default 60 s.
    #[must_use]
    pub fn claim(self, lasts: Duration) -> Self {
        self.with(|shared| shared.claim = lasts)
    }

    /// Sets how many bytes the answers in this process may take, headers included. Default 64 MiB.
    #[must_use]
    pub fn memory(self, bytes: usize) -> Self {
        self.with(|shared| shared.memory = bytes)
    }

    /// Sets the largest body of a request with a key, in bytes; it is held in memory. Default 1 MiB.
    #[must_use]
    pub fn max_request_bytes(self, bytes: usize) -> Self {
        self.with(|shared| shared.reader.max_bytes = bytes)
    }

    /// Sets how many bytes the bodies of all requests with keys in flight may have together. A single body may take at most three quarters
    /// of it. Default 64 MiB.
    #[must_use]
    pub fn max_bodies_bytes(self, bytes: usize) -> Self {
        self.with(|shared| shared.reader.set_total(bytes))
    }

    /// Sets how long the body of a request with a key may take, from the first wait for it until its last byte. Default 30 s.
    #[must_use]
    pub fn body_timeout(self, time: Duration) -> Self {
        self.with(|shared| shared.reader.timeout = time)
    }

    /// Sets the largest answer that is stored, in bytes. Default 256 KiB. A larger one, one with trailers, and an event stream are passed
    /// on; then only the fact that the request was answered is stored.
    #[must_use]
    pub fn max_response_bytes(self, bytes: usize) -> Self {
        self.with(|shared| shared.max_response_bytes = bytes)
    }

    /// Sets a function that identifies the caller; all requests for which it returns `None` count as one caller.
    #[must_use]
    pub fn principal(self, principal: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.with(|shared| shared.principal = Some(Arc::new(principal)))
    }

    /// Sets which answers are stored, by their status. Default: 2xx to 4xx, except 408, 425 and 429.
    #[must_use]
    pub fn store_if(self, is_stored: impl Fn(StatusCode) -> bool + Send + Sync + 'static) -> Self {
        self.with(|shared| shared.is_stored = Arc::new(is_stored))
    }

    /// Answers POST, PUT, PATCH and DELETE without a key with 400. Default: they are passed on.
    #[must_use]
    pub fn required(self) -> Self {
        self.with(|shared| shared.required = true)
    }

    fn with(mut self, set: impl FnOnce(&mut IdempotencyConfig)) -> Self {
        if let Some(shared) = &mut self.shared {
            set(Arc::make_mut(shared));
        }
        self
    }
}

impl Default for IdempotencyLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for IdempotencyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyLayer")
            .field("ttl", &self.shared.as_ref().map(|shared| shared.ttl))
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for IdempotencyLayer {
    type Service = IdempotencyService<S>;

    fn layer(&self, inner: S) -> IdempotencyService<S> {
        IdempotencyService::new(inner, self.shared.clone())
    }
}

#[cfg(test)]
mod tests;
