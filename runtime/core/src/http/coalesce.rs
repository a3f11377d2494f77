//! Of identical requests at one time, one asks the handler.
//!
//! The flights and the judgement are those of the cache, which does the same for what it stores.

use std::sync::Arc;

use tower_layer::Layer;

use super::cache::{CacheService, Config};
use crate::handle::Fastness;

/// Lets identical `GET`s that are under way at one time share one run of the handler, without storing anything.
///
/// Identical are requests for one host, path and query that say the same in the fields of the response's `Vary`. Those with
/// credentials, a content, a `Range` or any `Cache-Control` of their own are never shared, and no response is that may not be stored by a
/// shared cache (`private`, `no-store`, `no-cache`, `Set-Cookie`, statuses such as `500`): whoever waited for one then asks alone.
/// A request that comes after an invalidation of what a response is made of ([`CacheTags`](super::CacheTags)) does not get one that
/// was begun before it. [`CacheLayer`](super::CacheLayer) does all this by itself.
///
/// A shared response is read to its end before it is answered, up to 1 MiB; larger ones go to the one who asked, and the others ask
/// alone.
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
///     tokio::task::yield_now().await; // dear
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
    /// A layer with defaults, on the handle in force when a request comes.
    pub fn new() -> Self {
        Self { config: Some(Arc::new(Config::new(false))) }
    }

    /// A layer that does nothing.
    pub(super) fn off() -> Self {
        Self { config: None }
    }

    fn with(self, set: impl FnOnce(&mut Config)) -> Self {
        Self { config: Config::changed(self.config, set) }
    }

    /// Judges responses by the invalidations of this handle.
    pub fn on(self, handle: &Fastness) -> Self {
        self.with(|config| config.set_handle(handle))
    }

    /// Sets a name that sets requests apart from those of other services behind a router that strips prefixes.
    pub fn space(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.with(|config| config.space = name)
    }

    /// Sets the largest body that is shared, in bytes. Default: 1 MiB.
    pub fn max_body(self, bytes: usize) -> Self {
        self.with(|config| config.max_body = bytes)
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
