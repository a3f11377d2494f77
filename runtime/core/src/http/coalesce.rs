//! Coalesces identical requests in flight, without storing anything.
//!
//! It is the cache's service with storage switched off: the same single flight, and the same rules on shareable responses.

use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::cache::{CacheService, Config};
use crate::handle::Fastness;

/// Coalesces identical `GET`s in flight into one call of the handler, without storing anything.
///
/// Requests are identical if they have the same host, path and query, and the same values in the fields that the response's `Vary` names.
/// Requests with credentials, a content, a `Range`, or more in their `Cache-Control` than `no-cache` or `max-age` are not coalesced, and
/// responses that a shared cache may not store are not shared (`private`, `no-store`, `no-cache`, `Set-Cookie`): each request that waited
/// for one then calls the handler itself. A request that comes after the invalidation of something that a response was made of
/// ([`CacheTags`](super::CacheTags)) does not get a response that was begun before it. [`CacheLayer`](super::CacheLayer) does all this
/// itself.
///
/// A response goes to all of them while it comes, and a request joins it within 10 s of its head. Up to 1 MiB of it is in memory; when
/// more has come, no request joins it any more, and a client that reads it more slowly than others is cut off with an error
/// ([`BodyError::Lagged`](super::BodyError::Lagged)). A body that is known to be larger from the beginning goes to the first request only.
///
/// ```
/// use bytes::Bytes;
/// use fastness::http::CoalesceLayer;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// async fn report(_: Request<String>) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
///     tokio::task::yield_now().await; // expensive
///     Ok(Response::new(Full::from("42")))
/// }
///
/// let service = ServiceBuilder::new().layer(CoalesceLayer::new()).service(tower::service_fn(report));
/// let get = || service.clone().oneshot(Request::get("/report").body(String::new()).unwrap());
/// let (_, second) = tokio::join!(get(), get());
/// assert_eq!(second.unwrap().headers()["cache-status"], "fastness; fwd=uri-miss; collapsed");
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until a service is put under it"]
pub struct CoalesceLayer {
    /// `None` for a layer that does nothing.
    pub(super) config: Option<Arc<Config>>,
}

impl CoalesceLayer {
    /// Creates a layer with the defaults, on the handle in force when a request comes.
    pub fn new() -> Self {
        Self { config: Some(Arc::new(Config::new(false))) }
    }

    /// Creates a layer that does nothing.
    pub(super) fn off() -> Self {
        Self { config: None }
    }

    fn with(self, set: impl FnOnce(&mut Config)) -> Self {
        Self { config: Config::changed(self.config, set) }
    }

    /// Sets the handle whose invalidations apply to the responses.
    pub fn on(self, handle: &Fastness) -> Self {
        self.with(|config| config.set_handle(handle))
    }

    /// Sets a name that keeps these requests apart from those of other services behind a router that strips prefixes. Default: none.
    pub fn space(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.with(|config| config.space = name)
    }

    /// Sets the largest body that is shared, in bytes. Default 1 MiB.
    pub fn max_body(self, bytes: usize) -> Self {
        self.with(|config| config.max_body = bytes)
    }

    /// Sets how long a handler goes on when all clients that wait for it have left, for requests that join it meanwhile; see
    /// [`CacheLayer::background_fill`](super::CacheLayer::background_fill). Default 10 s.
    pub fn background_fill(self, time: Duration) -> Self {
        self.with(|config| config.background_fill = time)
    }
}

impl Default for CoalesceLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for CoalesceLayer {
    type Service = CacheService<S>;

    fn layer(&self, inner: S) -> CacheService<S> {
        CacheService::new(inner, self.config.clone())
    }
}
