//! Settings of the cache, and the classification of requests by them.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Method;
use http::header::HeaderName;
use http::request::Parts;

use super::cookies::IgnoredCookies;
use super::directives::Directives;
use super::freshness::Defaults;
use super::reloads::ClientReloads;
use super::request_head::RequestHead;
use super::status::Forwarded;
use super::storable::Requester;
use super::store::ResponseStore;
use super::tags::TagField;
use super::target::{Target, WITH_CREDENTIALS};
use crate::handle::Fastness;
use crate::http::types::RequestNameFn;

type TagsFn = Arc<dyn Fn(&Parts) -> Vec<String> + Send + Sync>;

/// Treatment of requests with credentials.
#[derive(Clone)]
pub(super) enum Credentials {
    /// Bypass the cache.
    Bypass,
    /// Share responses that are marked as public.
    SharePublic,
    /// Each client that the function names has separate responses.
    PerPrincipal(RequestNameFn),
}

/// Settings of a cache.
#[derive(Clone)]
pub(crate) struct Config {
    pub(super) on: Option<Fastness>,
    /// Store of the handle `on`, or of the process default.
    pub(super) default_store: OnceLock<Arc<ResponseStore>>,
    pub(in crate::http) space: String,
    pub(super) defaults: Defaults,
    pub(in crate::http) max_body: usize,
    pub(in crate::http) background_fill: Duration,
    pub(super) max_variants: usize,
    pub(super) capacity: usize,
    pub(super) max_bytes: Option<usize>,
    pub(super) hosts: Option<Vec<String>>,
    pub(super) parameters: Option<Vec<String>>,
    pub(super) credentials: Credentials,
    pub(super) tags: Option<TagsFn>,
    pub(super) etags: bool,
    pub(super) reloads: ClientReloads,
    pub(super) tag_field: Option<TagField>,
    pub(super) ignored_cookies: IgnoredCookies,
    /// Targeted fields that count before `Cache-Control`, the first one first.
    pub(super) targeted: Vec<HeaderName>,
    /// True if responses are stored, false if they are only shared by requests in flight.
    pub(super) stores: bool,
}

impl Config {
    /// Returns the settings with a change; `None` stays `None`.
    pub(in crate::http) fn changed(config: Option<Arc<Self>>, set: impl FnOnce(&mut Self)) -> Option<Arc<Self>> {
        config.map(|config| {
            let mut config = Arc::unwrap_or_clone(config);
            set(&mut config);
            Arc::new(config)
        })
    }

    pub(in crate::http) fn set_handle(&mut self, handle: &Fastness) {
        self.on = Some(handle.clone());
        self.default_store = OnceLock::new();
    }

    pub(in crate::http) fn new(stores: bool) -> Self {
        Self {
            on: None,
            default_store: OnceLock::new(),
            space: String::new(),
            defaults: Defaults::default(),
            max_body: 1 << 20,
            background_fill: Duration::from_secs(10),
            max_variants: 16,
            capacity: 1_000,
            max_bytes: None,
            hosts: None,
            parameters: None,
            credentials: Credentials::Bypass,
            tags: None,
            etags: false,
            // Without storage, requests with directives are not coalesced.
            reloads: if stores { ClientReloads::Coalesced } else { ClientReloads::Each },
            tag_field: None,
            ignored_cookies: IgnoredCookies::default(),
            targeted: Vec::new(),
            stores,
        }
    }

    pub(super) fn handle(&self) -> Fastness {
        self.on.clone().unwrap_or_else(Fastness::current)
    }

    pub(super) fn store(&self) -> Cow<'_, Arc<ResponseStore>> {
        let store =
            |handle: &Fastness| ResponseStore::from_handle(handle, self.stores, (self.capacity, self.max_bytes));
        let current = if self.on.is_none() { Fastness::current_override() } else { None };
        match current {
            Some(handle) => Cow::Owned(store(&handle)),
            // The process default never changes, so its store can be remembered.
            None => Cow::Borrowed(
                self.default_store
                    .get_or_init(|| store(self.on.as_ref().unwrap_or_else(|| Fastness::process_default()))),
            ),
        }
    }

    /// Classifies a request. `has_content` is for HTTP/2, where the head need not announce a content.
    pub(super) fn classify<'a>(
        &'a self,
        parts: &'a Parts,
        head: &RequestHead<'a>,
        has_content: bool,
    ) -> RequestClass<'a> {
        let target = || Target::new(parts, head.host, &self.space, self.parameters.as_deref());
        match parts.method {
            Method::GET | Method::HEAD => {}
            Method::OPTIONS | Method::TRACE | Method::CONNECT => return RequestClass::Bypass(Forwarded::Method),
            // Methods that are not known to be safe count as unsafe (RFC 9111 section 4.4).
            _ => return target().map_or(RequestClass::Bypass(Forwarded::Method), RequestClass::Unsafe),
        }
        if has_content || head.is_special {
            return RequestClass::Bypass(Forwarded::Bypass);
        }
        let asked = if head.has_directives { Directives::from_request(&parts.headers) } else { Directives::default() };
        if asked.no_store {
            return RequestClass::Bypass(Forwarded::Request);
        }
        let asked = self.reloads.admit(asked);
        let is_known =
            |target: &Target<'_>| self.hosts.as_ref().is_none_or(|hosts| hosts.iter().any(|host| *host == target.host));
        let read = target().filter(is_known).and_then(|target| self.for_requester(target, head, parts));
        read.map_or(RequestClass::Bypass(Forwarded::Bypass), |(target, requester)| RequestClass::Read {
            target,
            requester,
            asked,
        })
    }

    /// Adds to the target the clients that its responses are stored for. `None` if the request bypasses the cache.
    fn for_requester<'a>(
        &self,
        target: Target<'a>,
        head: &RequestHead<'_>,
        parts: &Parts,
    ) -> Option<(Target<'a>, Requester)> {
        let has_credentials =
            head.has_authorization || head.has_cookies && !self.ignored_cookies.ignore_all(&parts.headers);
        if !has_credentials {
            return Some((target, Requester::Anonymous));
        }
        match &self.credentials {
            Credentials::Bypass => None,
            Credentials::SharePublic => {
                Some((Target { audience: Cow::Borrowed(WITH_CREDENTIALS), ..target }, Requester::WithCredentials))
            }
            // The prefix `=` keeps names apart from the other two audiences.
            Credentials::PerPrincipal(name) => name(parts)
                .map(|name| (Target { audience: Cow::Owned(["=", &name].concat()), ..target }, Requester::Principal)),
        }
    }
}

/// Class of a request, as the cache treats it.
pub(super) enum RequestClass<'a> {
    /// Request that may be answered from the cache.
    Read { target: Target<'a>, requester: Requester, asked: Directives },
    /// Request that may invalidate stored responses.
    Unsafe(Target<'a>),
    /// Request that bypasses the cache.
    Bypass(Forwarded),
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("defaults", &self.defaults)
            .field("max_body", &self.max_body)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}
