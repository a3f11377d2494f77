//! Of identical requests at one time, one asks the handler.
//!
//! The flights and the judgement are those of the cache, which does the same for what it stores.

use tower_layer::Layer;

use super::cache::{Cached, coalescing, service};
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
#[derive(Clone, Debug, Default)]
#[must_use = "a layer does nothing until a service is put under it"]
pub struct CoalesceLayer {
    on: Option<Fastness>,
    max_body: Option<usize>,
    space: String,
}

impl CoalesceLayer {
    /// With defaults, on the handle in force when a request comes.
    pub fn new() -> Self {
        Self::default()
    }

    /// On this handle.
    pub fn on(mut self, handle: &Fastness) -> Self {
        self.on = Some(handle.clone());
        self
    }

    /// A name that sets requests apart from those of other services behind a router that strips prefixes.
    pub fn space(mut self, name: impl Into<String>) -> Self {
        self.space = name.into();
        self
    }

    /// The largest body that is shared, in bytes. Default: 1 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = Some(bytes);
        self
    }
}

impl<S> Layer<S> for CoalesceLayer {
    type Service = Cached<S>;

    fn layer(&self, inner: S) -> Cached<S> {
        service(inner, coalescing(self.on.clone(), self.max_body.unwrap_or(1 << 20), self.space.clone()))
    }
}
