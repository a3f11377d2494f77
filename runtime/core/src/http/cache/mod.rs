//! The HTTP cache: a shared cache by RFC 9111, in the tiers and under the invalidations of cached functions.
//!
//! | part | purpose |
//! |---|---|
//! | `directives`, `targeted`, `date`, `freshness`, `storable`, `vary`, `languages`, `cookies`, `conditional`, `range` | the rules of RFC 9111 and RFC 9213, from heads and times alone |
//! | `request_head` | the fields of a request that matter to a cache |
//! | `target`, `stored` | keys; stored responses |
//! | `store` | both tiers, and single flight |
//! | `fills`, `unshared` | responses whose bodies are still coming; keys whose responses cannot be shared |
//! | `exchange`, `change` | a request that was not a hit; invalidation by unsafe requests |
//! | `config`, `service` | settings; the tower service |
//!
//! Invariants:
//! - the epoch is read before the handler runs, and whenever a response is served (as a hit, stale, or to a waiter), it is judged by all
//!   its scopes, the handler's [`CacheTags`] included;
//! - a response is reused for another request only if `storable` allows it; waiters for one that is not shareable call the handler
//!   themselves;
//! - requests with credentials get no response to requests without, nor to each other, unless it is marked as public.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use http::request::Parts;
use tower_layer::Layer;

use crate::handle::Fastness;

mod change;
mod conditional;
mod config;
mod cookies;
mod date;
mod directives;
mod exchange;
mod fills;
mod freshness;
mod languages;
mod range;
mod reloads;
mod request_head;
mod service;
mod status;
mod storable;
mod store;
mod stored;
mod tags;
mod target;
mod targeted;
mod unshared;
mod vary;

pub(super) use config::Config;
use config::Credentials;
use cookies::IgnoredCookies;
pub(super) use directives::split as quoted_list;
pub use reloads::ClientReloads;
pub use service::CacheService;
pub(super) use status::CACHE_STATUS;
pub use tags::{CacheTags, TagField};

/// Caches responses to `GET` and `HEAD` as a shared cache does (RFC 9111), in the tiers of a [`Fastness`].
///
/// `Cache-Control`, `Expires` and `Vary` of a response decide whether it is stored, and for how long it is fresh. Misses call the inner
/// service, once for identical requests in flight. Stored responses answer `If-None-Match` and `If-Modified-Since` with `304`, and are
/// validated by their own `ETag` when they are stale. `Cache-Status` (RFC 9211) reports how a request was handled.
///
/// A response is invalidated by its tags, which are those of the handler ([`CacheTags`]) and those of the request ([`tags`](Self::tags)),
/// and by its own key; `http:*` is the pattern of all responses. An unsafe method that succeeds invalidates its path, for every query, and
/// the paths in `Location` and `Content-Location`.
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
/// # Requests that bypass the cache
///
/// Requests bypass the cache if they have `Authorization` or `Cookie`, unless [`public_with_credentials`](Self::public_with_credentials) or
/// [`per_principal`](Self::per_principal) is set; a content, `If-Match` or `If-Unmodified-Since`; `no-store`; or several ranges.
///
/// Responses are not stored if they have `no-store`, `private`, `Set-Cookie` or `Vary: *`, if they have no explicit freshness, if they are
/// event streams or parts (206), or if they are larger than [`max_body`](Self::max_body). Those with `no-cache` or `max-age=0` are stored if
/// they have an `ETag` or `Last-Modified`, and validated for each request. `Cache-Status` has the reason as `detail`.
///
/// A range of bytes is cut from a stored response. If none is stored, a request for all bytes (`bytes=0-`) is one for the whole; for a part,
/// the handler sees the range, and a whole that it sends all the same is stored.
///
/// # Bodies that take time
///
/// A body that is ready with its head is read at once, and stored. Otherwise the head is the answer at once, and the body goes to the
/// client, and to all identical requests that come meanwhile, as it comes; it is stored when it has ended well. A body that breaks off
/// breaks off for all of them. Up to [`max_body`](Self::max_body) of it is in memory. When more has come, it will not be stored, no request
/// joins it any more, and a client that reads it so slowly that its next part is no longer in memory is cut off with an error
/// ([`BodyError::Lagged`](crate::http::BodyError::Lagged)). A client of HTTP/1.0 gets the head at the end of the body, or once it will not
/// be stored, because it takes a body that broke off for a whole one.
///
/// When its client leaves, a handler goes on for the requests that wait with it, and without any for
/// [`background_fill`](Self::background_fill). Its panic goes to the client that it runs for, and the others call the handler themselves.
///
/// Requests for a response that turned out not to be shareable do not wait for each other for the next 5 s: each calls the handler at once.
///
/// While an outer `MemoryGuardLayer` finds memory short, nothing new is stored (`detail=memory`); stored responses are still served, and
/// identical requests are still coalesced.
///
/// # Conditions for correct responses
///
/// The key consists of the host, the path and the query as they were sent, and of the fields that `Vary` names. A handler whose response
/// depends on anything else (`X-Forwarded-Host`, a header with a tenant) must name it in `Vary`, or one client decides what others get.
/// The scheme is not part of the key. Set your [`hosts`](Self::hosts) if clients can send any. Behind a router that strips prefixes, give
/// each cache a [`space`](Self::space); prefixes that axum's `nest` strips are recognised with the feature `axum`.
///
/// Put a compression layer *inside* the cache: then the compressed form is stored, and a hit costs no compression. `Accept-Encoding` is
/// compared by the set of accepted codings, so there are few variants. Extensions of responses are not stored.
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
    /// Creates a layer with the defaults, on the handle in force when a request comes.
    pub fn new() -> Self {
        Self { config: Some(Arc::new(Config::new(true))) }
    }

    /// Creates a layer that does nothing.
    pub(super) fn off() -> Self {
        Self { config: None }
    }

    fn with(self, set: impl FnOnce(&mut Config)) -> Self {
        Self { config: Config::changed(self.config, set) }
    }

    /// Sets the handle in whose tiers responses are stored.
    pub fn on(self, handle: &Fastness) -> Self {
        self.with(|config| config.set_handle(handle))
    }

    /// Sets the first segment of this cache's keys. Caches of one handle with the same space share their responses. Default: empty.
    pub fn space(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.with(|config| config.space = name)
    }

    /// Sets the freshness lifetime of responses without an explicit one. Default: they are not stored. Use it only if you control all
    /// handlers.
    pub fn default_ttl(self, ttl: Duration) -> Self {
        self.with(|config| config.defaults.ttl = Some(ttl))
    }

    /// Makes responses without an explicit lifetime, but with a `Last-Modified`, fresh for a tenth of the time since then (RFC 9111 section
    /// 4.2.2), up to `at_most`. Off by default.
    pub fn heuristic(self, at_most: Duration) -> Self {
        self.with(|config| config.defaults.heuristic = Some(at_most))
    }

    /// Obeys these targeted fields of responses (RFC 9213), such as `CDN-Cache-Control`: the first of them that a response has replaces its
    /// `Cache-Control` and `Expires` for this cache: a response with `CDN-Cache-Control: max-age=60` and `Cache-Control: private` is shared. A
    /// field that is empty or cannot be read is passed by. All fields stay in the response, for caches in front. Default: none.
    ///
    /// # Panics
    ///
    /// If a name is not that of a field.
    pub fn targeted<T: AsRef<str>>(self, fields: impl IntoIterator<Item = T>) -> Self {
        let name = |field: T| {
            let field = field.as_ref();
            HeaderName::from_bytes(field.as_bytes()).unwrap_or_else(|_| panic!("`{field}` is not the name of a field"))
        };
        let fields = fields.into_iter().map(name).collect();
        self.with(|config| config.targeted = fields)
    }

    /// Sets how long responses may be served stale while they are validated in the background (RFC 5861), in whole seconds, if they have no
    /// directive for it. Default: not at all. Invalidated responses are never served.
    pub fn stale_while_revalidate(self, time: Duration) -> Self {
        self.with(|config| config.defaults.stale_while_revalidate = time)
    }

    /// Sets how long stale responses may be served in place of a `500`, `502`, `503`, `504` or an error of the inner service (RFC 5861), in
    /// whole seconds, if they have no directive for it. Default: not at all. Invalidated responses are never served.
    pub fn stale_if_error(self, time: Duration) -> Self {
        self.with(|config| config.defaults.stale_if_error = time)
    }

    /// Sets the largest body that is stored, in bytes; larger ones are streamed. Default 1 MiB.
    pub fn max_body(self, bytes: usize) -> Self {
        self.with(|config| config.max_body = bytes)
    }

    /// Sets how long a handler goes on when all clients that wait for it have left, and how long its body is read without clients. Then it
    /// is dropped, unless the response is complete by then and stored. Default 10 s; with zero it is dropped at once. At most 64 handlers
    /// at a time go on in this way, and a body that is larger than [`max_body`](Self::max_body) does not.
    pub fn background_fill(self, time: Duration) -> Self {
        self.with(|config| config.background_fill = time)
    }

    /// Sets how many variants of one resource a process stores. A further one replaces those that have expired, or else the oldest.
    /// Default 16.
    pub fn max_variants(self, variants: usize) -> Self {
        self.with(|config| config.max_variants = variants)
    }

    /// Sets how many responses a process stores, each of at most [`max_body`](Self::max_body). All caches of a handle share this capacity;
    /// the first of them to be used decides. Default 1000.
    pub fn capacity(self, responses: usize) -> Self {
        self.with(|config| config.capacity = responses)
    }

    /// Sets how many bytes the responses in the memory of a process take, with their heads. All caches of a handle share the bound; of
    /// several, the smallest counts. Default: no bound but [`capacity`](Self::capacity) and
    /// [`Builder::max_bytes`](crate::Builder::max_bytes).
    pub fn max_bytes(self, bytes: usize) -> Self {
        self.with(|config| config.max_bytes = Some(bytes))
    }

    /// Sets the hosts whose responses are cached, as in `Host`, with the port if clients send it. Requests for other hosts bypass the
    /// cache. Default: all hosts, each with separate responses.
    pub fn hosts<T: Into<String>>(self, hosts: impl IntoIterator<Item = T>) -> Self {
        let hosts = hosts.into_iter().map(|host| host.into().to_ascii_lowercase()).collect();
        self.with(|config| config.hosts = Some(hosts))
    }

    /// Sets the query parameters that responses depend on; others are left out of the key. Use it only for handlers that ignore all other
    /// parameters: otherwise one client's parameter decides what others get.
    pub fn query_parameters<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.with(|config| config.parameters = Some(names))
    }

    /// Ignores cookies of these names, such as those of trackers: a request that has no others counts as one without `Cookie`, and
    /// `Vary: Cookie` does not distinguish them. A `*` at the end of a name stands for any rest. Use it only if no handler's response
    /// depends on them: otherwise one client's cookie decides what others get. Handlers get all cookies. Default: none.
    pub fn ignored_cookies<T: Into<String>>(self, names: impl IntoIterator<Item = T>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.with(|config| config.ignored_cookies = IgnoredCookies::new(names))
    }

    /// Also caches for requests with `Authorization` or `Cookie`, but only responses that allow it by `public`, `s-maxage` or
    /// `must-revalidate` (RFC 9111 section 3.5). Default: such requests bypass the cache.
    pub fn public_with_credentials(self) -> Self {
        self.with(|config| config.credentials = Credentials::SharePublic)
    }

    /// Also caches for requests with `Authorization` or `Cookie`, with separate responses for each client that `name` returns; a request
    /// for which it returns `None` bypasses the cache. It must only name clients that it has authenticated, and clients that may get
    /// different responses must have different names. The name is part of the key, which Redis stores as text: use the id of a user, never
    /// a token. Responses with `private` are not stored in any case.
    pub fn per_principal(self, name: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.with(|config| config.credentials = Credentials::PerPrincipal(Arc::new(name)))
    }

    /// Sets a function that returns the tags of a response from its request; see [`CacheTags`].
    pub fn tags(self, tags: impl Fn(&Parts) -> Vec<String> + Send + Sync + 'static) -> Self {
        self.with(|config| config.tags = Some(Arc::new(tags)))
    }

    /// Sets what becomes of requests whose `Cache-Control` or `Pragma` asks for a new response. Default: [`ClientReloads::Coalesced`].
    pub fn client_reloads(self, reloads: ClientReloads) -> Self {
        self.with(|config| config.reloads = reloads)
    }

    /// Adds the tags of a response to it as a field, for a CDN in front, which can remove its copies by them. It replaces the handler's
    /// field of that name; characters that the field does not allow are percent-encoded. Off by default: tags stay in the server.
    pub fn tag_field(self, field: TagField) -> Self {
        self.with(|config| config.tag_field = Some(field))
    }

    /// Adds a strong `ETag`, a digest of the body, to stored responses without one. Off by default.
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
