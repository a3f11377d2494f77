//! Requests that can be sent again without being done twice: `Idempotency-Key`, after the IETF's draft of that name.
//!
//! Flow of a protected request: its body is read and digested -> `table` admits it, or has an answer for it -> where there is a
//! shared tier, that is asked too, and for a claim that holds in all processes -> the service behind -> its answer is read,
//! stored, and given.
//!
//! Invariants: an answer is given only after it was stored. What happens once the service behind has answered happens in a
//! task of its own, so that a client which goes away then cannot undo it. A claim that ends without an answer to keep is given back by its drop.

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
use shared::Shared;

use crate::handle::Fastness;

/// Answers a request that is sent again with the answer that it got the first time, instead of doing it twice: where its
/// method is POST, PUT, PATCH or DELETE, and it has an `Idempotency-Key`.
///
/// | the same key again, | answer |
/// |---|---|
/// | and the first request was answered | that answer, byte for byte, with `Idempotency-Replayed: true` |
/// | and the first request is under way | 409 with `Retry-After` |
/// | with another method, path, query or body | 422 |
/// | and the first answer was too large to keep | 409, without `Retry-After` |
///
/// A key is 1 to 255 visible ASCII characters, as they are or in quotes (`Idempotency-Key: "8e03978e-40d5"`); for any other
/// the answer is 400, which says so. A body over [`max_request_bytes`](Self::max_request_bytes) is answered with 413: with
/// a key it is protected, or not accepted. One that is not there within [`body_timeout`](Self::body_timeout) is answered with 408, and one
/// that finds no room beside the bodies of other requests ([`max_bodies_bytes`](Self::max_bodies_bytes)) with 503.
///
/// **Whose key it is.** Keys of different callers, and of different hosts, have nothing to do with each other. Callers are told apart by the
/// `Authorization` and `Cookie` headers of their requests, unless [`principal`](Self::principal) says who they are: say
/// it where those change between two attempts, or are the same for all. Callers with neither are one.
///
/// **What is kept.** Answers of 2xx to 4xx, except 408, 425 and 429 ([`keep`](Self::keep)), with all their headers,
/// `Set-Cookie` included, and whatever `Cache-Control` says: that speaks of caches, and this is the origin answering again. After any
/// other answer, a panic, or a client that went away before there was one, the request may be sent again and is done again.
///
/// **How long.** 24 hours ([`ttl`](Self::ttl)). In this process, the oldest answers go once all take 64 MiB
/// ([`memory`](Self::memory)). With a shared tier, all processes know of them, as long as the server keeps them and they fit
/// `Redis::max_value_bytes`; a process that dies leaves its requests under way for [`claim`](Self::claim) (60 s), and a
/// request that takes longer may be done by another process too. While the tier cannot be reached, and without one, all of this holds within one
/// process; so it does where everything cached was cleared.
///
/// Make one and clone it: two that were made apart know of each other's requests only by the shared tier.
///
/// A request without a key costs nothing; one with a key, a digest of its body and a few allocations.
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
    shared: Option<Arc<Shared>>,
}

impl IdempotencyLayer {
    /// A layer that keeps answers in this process, and in the shared tier of the handle if that has one: the handle in force when the first
    /// request comes, unless [`on`](Self::on) names another.
    pub fn new() -> Self {
        Self { shared: Some(Arc::new(Shared::new())) }
    }

    /// A layer that does nothing.
    pub(super) fn off() -> Self {
        Self { shared: None }
    }

    /// Keeps answers on this handle.
    #[must_use]
    pub fn on(self, handle: &Fastness) -> Self {
        self.with(|shared| shared.set_handle(handle))
    }

    /// How long an answer is kept (24 hours).
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        self.with(|shared| shared.ttl = ttl)
    }

    /// How long other processes take a request for under way (60 s): more than the longest that one may take.
    #[must_use]
    pub fn claim(self, lasts: Duration) -> Self {
        self.with(|shared| shared.claim = lasts)
    }

    /// How many bytes the answers in this process may take, headers included (64 MiB).
    #[must_use]
    pub fn memory(self, bytes: usize) -> Self {
        self.with(|shared| shared.memory = bytes)
    }

    /// Sets the longest body of a request with a key (1 MiB), in bytes; it is held in memory.
    #[must_use]
    pub fn max_request_bytes(self, bytes: usize) -> Self {
        self.with(|shared| shared.reader.each = bytes)
    }

    /// Sets how many bytes the bodies of all requests with keys that are under way may have together (64 MiB). A single body gets
    /// three quarters of it at most.
    #[must_use]
    pub fn max_bodies_bytes(self, bytes: usize) -> Self {
        self.with(|shared| shared.reader.set_all(bytes))
    }

    /// Sets how long the body of a request with a key may take, from when it is waited for until its last byte (30 s).
    #[must_use]
    pub fn body_timeout(self, time: Duration) -> Self {
        self.with(|shared| shared.reader.time = time)
    }

    /// The longest answer that is kept (256 KiB). A longer one, one with trailers, or one of events is passed on, and of it is kept that it was given.
    #[must_use]
    pub fn max_response_bytes(self, bytes: usize) -> Self {
        self.with(|shared| shared.max_response_bytes = bytes)
    }

    /// Says whose request it is; `None` for nobody in particular.
    #[must_use]
    pub fn principal(self, principal: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.with(|shared| shared.principal = Some(Arc::new(principal)))
    }

    /// Says by its status whether an answer is kept.
    #[must_use]
    pub fn keep(self, keep: impl Fn(StatusCode) -> bool + Send + Sync + 'static) -> Self {
        self.with(|shared| shared.keep = Arc::new(keep))
    }

    /// Answers POST, PUT, PATCH and DELETE without a key with 400.
    #[must_use]
    pub fn required(self) -> Self {
        self.with(|shared| shared.required = true)
    }

    fn with(mut self, set: impl FnOnce(&mut Shared)) -> Self {
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
