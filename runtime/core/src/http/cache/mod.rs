//! The HTTP cache: RFC 9111 as a shared cache, on the tiers and under the invalidations of functions.
//!
//! | part | what it does |
//! |---|---|
//! | `directives`, `freshness`, `storable`, `vary`, `conditional` | decide, from heads and times alone |
//! | `survey` | what the head of a request says that matters here |
//! | `target`, `stored` | keys, responses |
//! | `store` | both tiers, and the flights of what is on its way |
//! | `exchange`, `change` | one request, from the look to the answer; one that changes what is stored |
//! | `config`, `service` | what was asked for; the tower side |
//!
//! Invariants:
//! - an epoch is taken before the handler runs, and a response is judged by all that it was made of, its handler's
//!   [`CacheTags`] included, whenever it is served: as a hit, stale, or to those who waited for it;
//! - a response goes to another request only if `storable` says so; those who waited for one that is not ask themselves;
//! - requests with credentials meet no response of those without, nor of each other, unless it says that it is public.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use tower_layer::Layer;

use crate::handle::Fastness;

mod change;
mod conditional;
mod config;
mod directives;
mod exchange;
mod freshness;
mod service;
mod status;
mod storable;
mod store;
mod stored;
mod survey;
mod tags;
mod target;
mod vary;

pub(super) use config::Config;
use config::Credentials;
pub(super) use directives::split as quoted_list;
pub use service::CacheService;
pub use tags::CacheTags;

/// Caches responses to `GET` and `HEAD` as a shared cache does (RFC 9111), in the tiers of a [`Fastness`].
///
/// What may be stored and for how long, responses say by `Cache-Control`, `Expires` and `Vary`. A request that finds nothing asks the
/// service behind, once however many ask the same. Stored responses answer `If-None-Match` and `If-Modified-Since` by `304`, and are
/// revalidated by their own `ETag` when they are stale. `Cache-Status` (RFC 9211) says what happened.
///
/// They are gone as soon as anything is invalidated that they were made of: what a handler says by [`CacheTags`], what
/// [`tags`](Self::tags) says of its request, and their own address, `http:*` being all of them. An unsafe method that succeeds
/// invalidates the path that it was sent to, with every query, and those of `Location` and `Content-Location`.
///
/// ```
/// use bytes::Bytes;
/// use fastness::Fastness;
/// use fastness::http::{CacheLayer, CacheTags};
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// async fn product(_: Request<String>) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
///     let mut response = Response::new(Full::from("a lamp"));
///     response.headers_mut().insert("cache-control", "max-age=60".parse().unwrap());
///     response.extensions_mut().insert(CacheTags::new(["product:7"]));
///     Ok(response)
/// }
///
/// let fast = Fastness::builder().build()?;
/// let shop = ServiceBuilder::new().layer(CacheLayer::new().on(&fast)).service(tower::service_fn(product));
/// let get = || Request::get("/products/7").body(String::new()).unwrap();
///
/// let first = shop.clone().oneshot(get()).await?;
/// assert_eq!(first.headers()["cache-status"], "fastness; fwd=uri-miss; stored");
/// let second = shop.clone().oneshot(get()).await?;
/// assert!(second.headers()["cache-status"].to_str()?.starts_with("fastness; hit"));
///
/// // As `#[cache_invalidate("product:{id}")]` does.
/// fast.cache().invalidate(fastness::Key::from_static("product:7")).await;
/// let third = shop.oneshot(get()).await?;
/// assert_eq!(third.headers()["cache-status"], "fastness; fwd=uri-miss; stored");
/// # Ok(()) }
/// ```
///
/// # What is passed by
///
/// Requests with `Authorization` or `Cookie`, unless [`public_with_credentials`](Self::public_with_credentials) or
/// [`per_principal`](Self::per_principal) says otherwise; with a content, a `Range`, `If-Match` or `If-Unmodified-Since`; with
/// `no-store`. Not stored are responses with `no-store`, `private`, `no-cache`, `Set-Cookie` or `Vary: *`, those that say nothing of
/// their freshness, event streams, and those larger than [`max_body`](Self::max_body), which are streamed on.
///
/// While a `MemoryGuardLayer` outside says that memory is short, nothing is stored (`detail=memory`);
/// what is stored answers, and requests for the same are still one.
///
/// # What has to be right
///
/// The key is the host, the path and the query as they were written, and what `Vary` names. A handler that makes its response of
/// anything else (`X-Forwarded-Host`, a header that names a tenant) has to say so by `Vary`, or one client decides what others see.
/// The scheme is not in the key. Name your [`hosts`](Self::hosts) where clients can send any. Behind a router that strips
/// prefixes, give each cache a [`space`](Self::space); axum's `nest` is seen through with the feature `axum`.
///
/// Put a compression layer *inside* the cache: then the compressed form is what is stored, and a hit costs no compression.
/// `Accept-Encoding` is compared by what it accepts, so variants stay few. Extensions of responses are not stored.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until a service is put under it"]
pub struct CacheLayer {
    /// `None` for a layer that does nothing.
    pub(super) config: Option<Arc<Config>>,
}

impl Default for CacheLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl CacheLayer {
    /// A layer with defaults, on the handle in force when a request comes.
    pub fn new() -> Self {
        Self { config: Some(Arc::new(Config::new(true))) }
    }

    /// A layer that does nothing.
    pub(super) fn off() -> Self {
        Self { config: None }
    }

    fn with(self, set: impl FnOnce(&mut Config)) -> Self {
        Self { config: Config::changed(self.config, set) }
    }

    /// Stores responses on this handle.
    pub fn on(self, handle: &Fastness) -> Self {
        self.with(|config| config.set_handle(handle))
    }

    /// A name that leads the keys of this cache. Caches of one handle with one name (none is one too) share their responses.
    pub fn space(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.with(|config| config.space = name)
    }

    /// How long responses are fresh that say nothing of it. Default: they are not stored. For handlers that are all yours.
    pub fn default_ttl(self, ttl: Duration) -> Self {
        self.with(|config| config.defaults.ttl = Some(ttl))
    }

    /// Takes responses that say nothing of it, but have a `Last-Modified`, to be fresh for a tenth of the time since then (RFC 9111
    /// section 4.2.2), at most for so long. Off by default.
    pub fn heuristic(self, at_most: Duration) -> Self {
        self.with(|config| config.defaults.heuristic = Some(at_most))
    }

    /// How long responses that do not say so themselves may be served stale while they are revalidated in the background (RFC 5861), in
    /// whole seconds. Default: not at all. What was invalidated is never served.
    pub fn stale_while_revalidate(self, time: Duration) -> Self {
        self.with(|config| config.defaults.stale_while_revalidate = time)
    }

    /// How long responses that do not say so themselves may stand in for a `500`, `502`, `503`, `504` or an error of the service behind
    /// (RFC 5861), in whole seconds. Default: not at all. What was invalidated is never served.
    pub fn stale_if_error(self, time: Duration) -> Self {
        self.with(|config| config.defaults.stale_if_error = time)
    }

    /// The largest body that is stored, in bytes. Default: 1 MiB.
    pub fn max_body(self, bytes: usize) -> Self {
        self.with(|config| config.max_body = bytes)
    }

    /// How many variants of one address are stored by one process. Default: 16.
    pub fn max_variants(self, variants: usize) -> Self {
        self.with(|config| config.max_variants = variants)
    }

    /// How many responses one process holds; for all caches of a handle, as the first to be used says. Default: 1000. They take
    /// at most [`max_body`](Self::max_body) each.
    pub fn capacity(self, responses: usize) -> Self {
        self.with(|config| config.capacity = responses)
    }

    /// The hosts whose responses are cached, as clients name them, with the port where they do. Requests for others are passed by.
    /// Default: all, each with responses of its own.
    pub fn hosts<T: Into<String>>(self, hosts: impl IntoIterator<Item = T>) -> Self {
        let hosts = hosts.into_iter().map(|host| host.into().to_ascii_lowercase()).collect();
        self.with(|config| config.hosts = Some(hosts))
    }

    /// The only query parameters that responses depend on; others are left out of the key. Only for handlers that do not look at
    /// others: else one client's parameter decides what all see.
    pub fn query_parameters<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.with(|config| config.parameters = Some(names))
    }

    /// Also answers requests with `Authorization` or `Cookie`, with what says that it is for everybody (RFC 9111 section 3.5): by
    /// `public`, `s-maxage` or `must-revalidate`. Default: they are passed by.
    pub fn public_with_credentials(self) -> Self {
        self.with(|config| config.credentials = Credentials::IfPublic)
    }

    /// Also answers requests with `Authorization` or `Cookie`, each client's with its own responses: `name` says whose they are, and a
    /// request for which it says `None` is passed by. It must only name a client that it has authenticated, and two that may
    /// see different things must have different names. The name is part of the key, which Redis stores as text: take the id of a user,
    /// never a token. What says `private` is not stored even so.
    pub fn per_principal(self, name: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.with(|config| config.credentials = Credentials::Each(Arc::new(name)))
    }

    /// What responses are made of, as far as their requests tell; see [`CacheTags`].
    pub fn tags(self, of: impl Fn(&Parts) -> Vec<String> + Send + Sync + 'static) -> Self {
        self.with(|config| config.declare = Some(Arc::new(of)))
    }

    /// Gives a strong `ETag`, a digest of the body, to stored responses that have none. Off by default.
    pub fn etags(self) -> Self {
        self.with(|config| config.etags = true)
    }
}

impl<S> Layer<S> for CacheLayer {
    type Service = CacheService<S>;

    fn layer(&self, inner: S) -> CacheService<S> {
        CacheService::new(inner, self.config.clone())
    }
}

#[cfg(test)]
mod tests;
