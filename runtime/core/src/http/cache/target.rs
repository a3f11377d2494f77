//! What a request asks for: the key under which its response is kept.

use std::borrow::Cow;
use std::hash::Hasher;

use http::Uri;
use http::request::Parts;
use http::uri::PathAndQuery;

use super::survey::Host;
use crate::http::original_uri::original_uri;
use crate::key::args::Args;
use crate::key::namespace::NoNamespace;
use crate::key::{KeyPart, KeyWriter, Pattern};

/// Who a response is kept for, as a part of the key.
pub(super) const ANYBODY: &str = "";
/// Those with credentials, all of them: kept apart, because only what says that it is public is kept for them.
pub(super) const WITH_CREDENTIALS: &str = "+";

/// The form in which a key is kept.
pub(super) type Key = <(NoNamespace, Address<'static>) as Args>::Owned;

/// A resource, as one client or all clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub(super) space: &'a str,
    pub(super) host: Cow<'a, str>,
    /// Path and query, as they are written.
    pub(super) page: Cow<'a, str>,
    pub(super) who: Cow<'a, str>,
}

/// A [`Target`] that outlives its request.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    space: String,
    host: String,
    page: String,
    who: String,
}

impl Owned {
    /// The path, without the query.
    pub(super) fn path(&self) -> &str {
        self.page.split('?').next().unwrap_or_default()
    }

    pub(super) fn borrow(&self) -> Target<'_> {
        Target {
            space: &self.space,
            host: Cow::Borrowed(&self.host),
            page: Cow::Borrowed(&self.page),
            who: Cow::Borrowed(&self.who),
        }
    }
}

impl<'a> Target<'a> {
    /// What is asked for by anybody. `None` if it cannot be told which host is meant.
    pub(super) fn new(
        parts: &'a Parts,
        named: Host<'a>,
        space: &'a str,
        parameters: Option<&[String]>,
    ) -> Option<Self> {
        let uri = original_uri(&parts.extensions, &parts.uri);
        let page = match (uri.query(), parameters) {
            (Some(query), Some(known)) => Cow::Owned([uri.path(), &only(query, known)].concat()),
            _ => match uri.path_and_query().map_or(uri.path(), PathAndQuery::as_str) {
                // The path of `http://host?query`.
                query if query.starts_with('?') => Cow::Owned(["/", query].concat()),
                page => Cow::Borrowed(page),
            },
        };
        Some(Self { space, host: host(named, uri)?, page, who: Cow::Borrowed(ANYBODY) })
    }

    pub(super) fn own(&self) -> Owned {
        Owned {
            space: self.space.to_owned(),
            host: self.host.to_string(),
            page: self.page.to_string(),
            who: self.who.to_string(),
        }
    }

    /// As borrowed arguments, for a look that renders nothing.
    pub(super) fn args<'b>(&'b self, variant: &'b str) -> (NoNamespace, Address<'b>) {
        (NoNamespace, Address([&self.host, &self.page, self.space, &self.who, variant]))
    }

    /// As a key's text.
    pub(super) fn text(&self, variant: &str) -> String {
        let (path, query) = self.split();
        text(&[self.space, &self.host, path, query, &self.who, variant])
    }

    /// The path, and the query with its question mark.
    fn split(&self) -> (&str, &str) {
        self.page.split_at(self.page.find('?').unwrap_or(self.page.len()))
    }

    /// Everything under this path, whatever the query, the client and the variant.
    pub(super) fn everything(&self) -> Pattern {
        Pattern::prefix(&text(&[self.space, &self.host, self.split().0]))
    }

    /// The resource that a response names by `Location` or `Content-Location`, if it is on this host.
    pub(super) fn beside(&'a self, location: &'a Uri) -> Option<Self> {
        let same = location.authority().is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(&self.host));
        let path = location.path();
        (same && path.starts_with('/')).then(|| Self { page: Cow::Borrowed(path), ..self.clone() })
    }
}

/// All that a key is made of: host, page, space, client and variant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address<'a>([&'a str; 5]);

/// An [`Address`] that is kept: its parts behind each other, and where each ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    text: Box<str>,
    ends: [usize; 5],
}

impl Address<'_> {
    fn ends(&self) -> [usize; 5] {
        let mut end = 0;
        self.0.map(|part| {
            end += part.len();
            end
        })
    }
}

impl KeyPart for Address<'_> {
    type Owned = Joined;

    fn feed<H: Hasher>(&self, state: &mut H) {
        // All but the first two are empty as a rule, and even nothing takes a while to hash.
        for part in self.0.iter().filter(|part| !part.is_empty()) {
            state.write(part.as_bytes());
        }
        state.write_usize(self.0.iter().fold(0, |all, part| all.rotate_left(12) ^ part.len()));
    }

    fn same(&self, joined: &Joined) -> bool {
        let ends = self.ends();
        let mut from = 0;
        ends == joined.ends
            && self.0.iter().zip(ends).all(|(part, end)| {
                let own = joined.text.as_bytes().get(from..end);
                from = end;
                part.is_empty() || own == Some(part.as_bytes())
            })
    }

    fn to_owned_part(&self) -> Joined {
        Joined { text: self.0.concat().into(), ends: self.ends() }
    }

    fn write(&self, out: &mut KeyWriter) {
        write(&self.0, out);
    }
}

impl Joined {
    fn address(&self) -> Address<'_> {
        let mut from = 0;
        Address(self.ends.map(|end| &self.text[std::mem::replace(&mut from, end)..end]))
    }
}

impl KeyPart for Joined {
    type Owned = Self;

    fn feed<H: Hasher>(&self, state: &mut H) {
        self.address().feed(state);
    }

    fn same(&self, joined: &Self) -> bool {
        self == joined
    }

    fn to_owned_part(&self) -> Self {
        self.clone()
    }

    fn write(&self, out: &mut KeyWriter) {
        self.address().write(out);
    }
}

fn write(segments: &[&str], out: &mut KeyWriter) {
    for segment in segments {
        out.raw(":");
        segment.write(out);
    }
}

fn text(segments: &[&str]) -> String {
    let mut out = KeyWriter::new();
    out.raw("http");
    write(segments, &mut out);
    out.into_string()
}

/// The host in lower case. `None` if address and header disagree, or are no text: a handler might look at the other.
fn host<'a>(named: Host<'a>, uri: &'a Uri) -> Option<Cow<'a, str>> {
    let line = match named {
        Host::None => None,
        Host::One(line) => Some(line.to_str().ok()?),
        Host::Several => return None,
    };
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
    use http::header::HOST;

    use super::super::survey::Survey;
    use super::*;

    fn target<'a>(parts: &'a Parts, space: &'a str, known: Option<&[String]>) -> Option<Target<'a>> {
        Target::new(parts, Survey::from_headers(&parts.headers).host, space, known)
    }

    fn parts(uri: &str, host: &[&str]) -> Parts {
        let mut request = http::Request::get(uri);
        for host in host {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn text(uri: &str, host: &[&str]) -> Option<String> {
        Some(target(&parts(uri, host), "s", None)?.text("v"))
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
        assert_eq!(text("http://h?b", &[]), text("http://h/?b", &[]), "one path, however written");
        assert_eq!(text("/a", &["H"]), text("http://h/a", &["h"]), "one host, however written");
    }

    #[test]
    fn addresses_are_one_only_if_all_their_parts_are() {
        let all = [
            ["h", "/a?b", "s", "", "v"],
            ["h", "/a?b", "s", "", ""],
            ["h", "/a?bs", "", "", "v"],
            ["h", "/a?b", "", "s", "v"],
            ["h/", "a?b", "s", "", "v"],
            ["h", "/a?b", "s", "v", ""],
            ["h", "/a?c", "s", "", "v"],
            ["", "", "", "", ""],
        ];
        let hash = |address: &Address<'_>| {
            let mut state = std::hash::DefaultHasher::new();
            address.feed(&mut state);
            state.finish()
        };
        for (index, one) in all.iter().enumerate() {
            for (other_index, other) in all.iter().enumerate() {
                let (one, other) = (Address(*one), Address(*other));
                assert_eq!(one.same(&other.to_owned_part()), index == other_index, "{one:?} {other:?}");
                assert_eq!(hash(&one) == hash(&other), index == other_index, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_host_that_is_in_doubt_has_no_key() {
        assert_eq!(text("http://one/a", &["two"]), None);
        assert_eq!(text("/a", &["one", "two"]), None);
    }

    #[test]
    fn unknown_parameters_can_be_left_out() {
        let known = ["page".to_owned(), "sort".to_owned()];
        let query = |uri: &str| target(&parts(uri, &[]), "", Some(&known)).unwrap().split().1.to_owned();
        assert_eq!(query("/a?utm=1&sort=x&page=2&pages=3"), "?sort=x&page=2");
        assert_eq!(query("/a?utm=1"), "");
        assert_eq!(query("/a?p%61ge=2"), "?p%61ge=2", "what the handler will read as `page`");
        assert_eq!(query("/a"), "");
    }

    #[test]
    fn rfc9111_4_4_what_a_change_names_beside_itself() {
        let parts = parts("/users", &["h"]);
        let target = target(&parts, "s", None).unwrap();
        let named = |location: &str| {
            let location: Uri = location.parse().unwrap();
            target.beside(&location).map(|target| target.page.to_string())
        };
        assert_eq!(named("/users/7"), Some("/users/7".to_owned()));
        assert_eq!(named("http://H/users/7"), Some("/users/7".to_owned()));
        assert_eq!(named("http://elsewhere/users/7"), None, "only of the same origin");
    }
}
