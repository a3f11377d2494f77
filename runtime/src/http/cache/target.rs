//! What a request asks for: the key under which its response is kept.

use std::borrow::Cow;

use http::Uri;
use http::header::HOST;
use http::request::Parts;

use crate::http::message::original;
use crate::key::args::Args;
use crate::key::scope::NoScope;
use crate::key::{KeyPart, KeyWriter, Pattern};

/// Who a response is kept for, as a part of the key.
pub(super) const ANYBODY: &str = "";
/// Those with credentials, all of them: kept apart, because only what says that it is public is kept for them.
pub(super) const WITH_CREDENTIALS: &str = "+";

/// The form in which a key is kept.
pub(super) type Key = <KeyParts<'static> as Args>::Owned;
type KeyParts<'a> = (NoScope, &'a str, &'a str, &'a str, &'a str, &'a str, &'a str);

/// A resource, as one client or all clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub(super) space: &'a str,
    pub(super) host: Cow<'a, str>,
    pub(super) path: &'a str,
    /// With its question mark, or empty.
    pub(super) query: Cow<'a, str>,
    pub(super) who: Cow<'a, str>,
}

/// A [`Target`] that outlives its request.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    space: String,
    host: String,
    path: String,
    query: String,
    who: String,
}

impl Owned {
    pub(super) fn borrow(&self) -> Target<'_> {
        Target {
            space: &self.space,
            host: Cow::Borrowed(&self.host),
            path: &self.path,
            query: Cow::Borrowed(&self.query),
            who: Cow::Borrowed(&self.who),
        }
    }
}

impl<'a> Target<'a> {
    /// What is asked for by anybody. `None` if it cannot be told which host is meant.
    pub(super) fn of(parts: &'a Parts, space: &'a str, parameters: Option<&[String]>) -> Option<Self> {
        let uri = original(parts);
        let query = match (uri.query(), parameters) {
            (None, _) => Cow::Borrowed(""),
            (Some(_), None) => {
                let path_and_query = uri.path_and_query()?.as_str();
                Cow::Borrowed(&path_and_query[path_and_query.find('?')?..])
            }
            (Some(query), Some(known)) => only(query, known),
        };
        Some(Self { space, host: host(parts, uri)?, path: uri.path(), query, who: Cow::Borrowed(ANYBODY) })
    }

    pub(super) fn own(&self) -> Owned {
        Owned {
            space: self.space.to_owned(),
            host: self.host.to_string(),
            path: self.path.to_owned(),
            query: self.query.to_string(),
            who: self.who.to_string(),
        }
    }

    /// As borrowed arguments, for a look that renders nothing.
    pub(super) fn args<'b>(&'b self, variant: &'b str) -> KeyParts<'b> {
        (NoScope, self.space, &self.host, self.path, &self.query, &self.who, variant)
    }

    /// As a key's text.
    pub(super) fn text(&self, variant: &str) -> String {
        write(&[self.space, &self.host, self.path, &self.query, &self.who, variant])
    }

    /// Everything under this address, whatever the query, the client and the variant.
    pub(super) fn everything(&self) -> Pattern {
        Pattern::prefix(&write(&[self.space, &self.host, self.path]))
    }

    /// The resource that a response names by `Location` or `Content-Location`, if it is on this host.
    pub(super) fn beside(&'a self, location: &'a Uri) -> Option<Self> {
        let same = location.authority().is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(&self.host));
        let path = location.path();
        (same && path.starts_with('/')).then(|| Self { path, ..self.clone() })
    }
}

fn write(segments: &[&str]) -> String {
    let mut out = KeyWriter::new();
    out.raw("http");
    for segment in segments {
        out.raw(":");
        segment.write(&mut out);
    }
    out.into_string()
}

/// The host in lower case. `None` if address and header disagree, or are no text: a handler might look at the other.
fn host<'a>(parts: &'a Parts, uri: &'a Uri) -> Option<Cow<'a, str>> {
    let mut lines = parts.headers.get_all(HOST).iter();
    let line = match lines.next() {
        Some(line) => Some(line.to_str().ok()?),
        None => None,
    };
    if lines.next().is_some() {
        return None;
    }
    let host = match (uri.authority().map(http::uri::Authority::as_str), line) {
        (Some(authority), Some(line)) if !authority.eq_ignore_ascii_case(line) => return None,
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) => "",
    };
    let upper = host.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(if upper { Cow::Owned(host.to_ascii_lowercase()) } else { Cow::Borrowed(host) })
}

/// A query's parameters of these names, in their order. A name that is written in an encoding could be any, so it stays too.
fn only<'a>(query: &str, known: &[String]) -> Cow<'a, str> {
    let is_known = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        name.contains(['%', '+']) || known.iter().any(|known| known == name)
    };
    let kept: Vec<_> = query.split('&').filter(is_known).collect();
    if kept.is_empty() { Cow::Borrowed("") } else { Cow::Owned(["?", &kept.join("&")].concat()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str, host: &[&str]) -> Parts {
        let mut request = http::Request::get(uri);
        for host in host {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn text(uri: &str, host: &[&str]) -> Option<String> {
        Some(Target::of(&parts(uri, host), "s", None)?.text("v"))
    }

    #[test]
    fn all_that_tells_resources_apart_is_in_the_key() {
        let all = [
            text("/a", &["h"]),
            text("/a?", &["h"]),
            text("/a?b", &["h"]),
            text("/a?b&c", &["h"]),
            text("/a?c&b", &["h"]),
            text("/a/", &["h"]),
            text("/A", &["h"]),
            text("/a", &["h:81"]),
            text("/a", &[]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(one.is_some() && all[..index].iter().all(|other| other != one), "{one:?}");
        }
        assert_eq!(text("/a:b?*", &["h:1"]).unwrap(), "http:s:h%3A1:/a%3Ab:?%2A:%_:v", "escaped");
        assert_eq!(text("/a", &["H"]), text("http://h/a", &["h"]), "one host, however written");
    }

    #[test]
    fn a_host_that_is_in_doubt_has_no_key() {
        assert_eq!(text("http://one/a", &["two"]), None);
        assert_eq!(text("/a", &["one", "two"]), None);
    }

    #[test]
    fn unknown_parameters_can_be_left_out() {
        let known = ["page".to_owned(), "sort".to_owned()];
        let query = |uri: &str| Target::of(&parts(uri, &[]), "", Some(&known)).unwrap().query.to_string();
        assert_eq!(query("/a?utm=1&sort=x&page=2&pages=3"), "?sort=x&page=2");
        assert_eq!(query("/a?utm=1"), "");
        assert_eq!(query("/a?p%61ge=2"), "?p%61ge=2", "what the handler will read as `page`");
        assert_eq!(query("/a"), "");
    }

    #[test]
    fn rfc9111_4_4_what_a_change_names_beside_itself() {
        let parts = parts("/users", &["h"]);
        let target = Target::of(&parts, "s", None).unwrap();
        let named = |location: &str| {
            let location: Uri = location.parse().unwrap();
            target.beside(&location).map(|target| target.path.to_owned())
        };
        assert_eq!(named("/users/7"), Some("/users/7".to_owned()));
        assert_eq!(named("http://H/users/7"), Some("/users/7".to_owned()));
        assert_eq!(named("http://elsewhere/users/7"), None, "only of the same origin");
    }
}
