//! What the application asked for, and what is done with a request accordingly.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use http::Method;
use http::request::Parts;

use super::directives::Directives;
use super::freshness::Defaults;
use super::status::Forwarded;
use super::storable::Asker;
use super::store::Store;
use super::survey::Survey;
use super::target::{Target, WITH_CREDENTIALS};
use crate::handle::Fastness;

type Principal = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;
type Declare = Arc<dyn Fn(&Parts) -> Vec<String> + Send + Sync>;

/// What happens to requests that carry credentials.
#[derive(Clone)]
pub(super) enum Credentials {
    PassBy,
    IfPublic,
    Each(Principal),
}

/// Settings of a cache.
#[derive(Clone)]
pub(crate) struct Config {
    pub(super) on: Option<Fastness>,
    /// What that handle keeps, or else the process default.
    pub(super) own: OnceLock<Arc<Store>>,
    pub(in crate::http) space: String,
    pub(super) defaults: Defaults,
    pub(in crate::http) max_body: usize,
    pub(super) max_variants: usize,
    pub(super) capacity: usize,
    pub(super) hosts: Option<Vec<String>>,
    pub(super) parameters: Option<Vec<String>>,
    pub(super) credentials: Credentials,
    pub(super) declare: Option<Declare>,
    pub(super) etags: bool,
    /// Whether responses are kept, or only shared by those who ask at the same time.
    pub(super) keeps: bool,
}

impl Config {
    /// These settings with a change, where there are any.
    pub(in crate::http) fn changed(config: Option<Arc<Self>>, set: impl FnOnce(&mut Self)) -> Option<Arc<Self>> {
        config.map(|config| {
            let mut config = Arc::unwrap_or_clone(config);
            set(&mut config);
            Arc::new(config)
        })
    }

    pub(in crate::http) fn set_handle(&mut self, handle: &Fastness) {
        self.on = Some(handle.clone());
        self.own = OnceLock::new();
    }

    pub(in crate::http) fn new(keeps: bool) -> Self {
        Self {
            on: None,
            own: OnceLock::new(),
            space: String::new(),
            defaults: Defaults::default(),
            max_body: 1 << 20,
            max_variants: 16,
            capacity: 1_000,
            hosts: None,
            parameters: None,
            credentials: Credentials::PassBy,
            declare: None,
            etags: false,
            keeps,
        }
    }

    pub(super) fn handle(&self) -> Fastness {
        self.on.clone().unwrap_or_else(Fastness::current)
    }

    pub(super) fn store(&self) -> Cow<'_, Arc<Store>> {
        let of = |handle: &Fastness| Store::from_handle(handle, self.keeps, self.capacity);
        let current = if self.on.is_none() { Fastness::current_override() } else { None };
        match current {
            Some(handle) => Cow::Owned(of(&handle)),
            // The process default never becomes another one.
            None => Cow::Borrowed(
                self.own.get_or_init(|| of(self.on.as_ref().unwrap_or_else(|| Fastness::process_default()))),
            ),
        }
    }

    /// What is to be done with a request. HTTP/2 need not say beforehand that there is a content.
    pub(super) fn class<'a>(&'a self, parts: &'a Parts, seen: &Survey<'a>, has_content: bool) -> Class<'a> {
        let target = || Target::new(parts, seen.host, &self.space, self.parameters.as_deref());
        match parts.method {
            Method::GET | Method::HEAD => {}
            Method::OPTIONS | Method::TRACE | Method::CONNECT => return Class::Pass(Forwarded::Method),
            // RFC 9111 section 4.4: methods that are not known to be safe are not.
            _ => return target().map_or(Class::Pass(Forwarded::Method), Class::Change),
        }
        if has_content || seen.is_special {
            return Class::Pass(Forwarded::Bypass);
        }
        let asked = if seen.has_directives { Directives::of_request(&parts.headers) } else { Directives::default() };
        if asked.no_store {
            return Class::Pass(Forwarded::Request);
        }
        let known =
            |target: &Target<'_>| self.hosts.as_ref().is_none_or(|hosts| hosts.iter().any(|host| *host == target.host));
        let read = target().filter(known).and_then(|target| self.seen_by(target, seen, parts));
        read.map_or(Class::Pass(Forwarded::Bypass), |(target, asker)| Class::Read { target, asker, asked })
    }

    /// For whom the response will be kept. `None` if this request is passed by.
    fn seen_by<'a>(&self, target: Target<'a>, seen: &Survey<'_>, parts: &Parts) -> Option<(Target<'a>, Asker)> {
        if !seen.has_credentials {
            return Some((target, Asker::Anybody));
        }
        match &self.credentials {
            Credentials::PassBy => None,
            Credentials::IfPublic => {
                Some((Target { who: Cow::Borrowed(WITH_CREDENTIALS), ..target }, Asker::WithCredentials))
            }
            // Behind a sign that neither of the others begins with, so no name can pose as them.
            Credentials::Each(name) => {
                name(parts).map(|name| (Target { who: Cow::Owned(["=", &name].concat()), ..target }, Asker::Known))
            }
        }
    }
}

/// What is to be done with a request.
pub(super) enum Class<'a> {
    /// It may be answered from the cache.
    Read { target: Target<'a>, asker: Asker, asked: Directives },
    /// It may change what is stored.
    Change(Target<'a>),
    /// Neither.
    Pass(Forwarded),
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
