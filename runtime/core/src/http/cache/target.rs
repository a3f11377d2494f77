//! Target of a request, and the key of its response.

use std::borrow::Cow;
use std::hash::Hasher;

use http::Uri;
use http::request::Parts;
use http::uri::PathAndQuery;

use super::request_head::Host;
use crate::http::original_uri::original_uri;
use crate::key::args::Args;
use crate::key::namespace::NoNamespace;
use crate::key::{KeyPart, KeyWriter, Pattern};

/// Audience of responses to requests without credentials, as a part of the key.
pub(super) const ANONYMOUS: &str = "";
/// Audience of all requests with credentials. It is separate, because only responses that are marked as public are stored for it.
pub(super) const WITH_CREDENTIALS: &str = "+";

/// Stored form of a key.
pub(super) type StoredKey = <(NoNamespace, Address<'static>) as Args>::Owned;

/// Resource that a request asks for, and the clients that share its responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub(super) space: &'a str,
    pub(super) host: Cow<'a, str>,
    /// Path and query, as they were sent.
    pub(super) page: Cow<'a, str>,
    pub(super) audience: Cow<'a, str>,
}

/// A [`Target`] that outlives its request.
#[derive(Clone, Debug)]
pub(super) struct OwnedTarget {
    space: String,
    host: String,
    page: String,
    audience: String,
}

impl OwnedTarget {
    /// Returns the path, without the query.
    pub(super) fn path(&self) -> &str {
        self.page.split('?').next().unwrap_or_default()
    }

    pub(super) fn borrow(&self) -> Target<'_> {
        Target {
            space: &self.space,
            host: Cow::Borrowed(&self.host),
            page: Cow::Borrowed(&self.page),
            audience: Cow::Borrowed(&self.audience),
        }
    }
}

impl<'a> Target<'a> {
    /// Creates the target of a request without credentials. `None` if the host is ambiguous.
    pub(super) fn new(
        parts: &'a Parts,
        named: Host<'a>,
        space: &'a str,
        parameters: Option<&[String]>,
    ) -> Option<Self> {
        let uri = original_uri(&parts.extensions, &parts.uri);
        let page = match (uri.query(), parameters) {
            (Some(query), Some(known)) => Cow::Owned([uri.path(), &known_parameters(query, known)].concat()),
            _ => match uri.path_and_query().map_or(uri.path(), PathAndQuery::as_str) {
                // `http://host?query` has an empty path.
                query if query.starts_with('?') => Cow::Owned(["/", query].concat()),
                page => Cow::Borrowed(page),
            },
        };
        Some(Self { space, host: host(named, uri)?, page, audience: Cow::Borrowed(ANONYMOUS) })
    }

    pub(super) fn to_owned_target(&self) -> OwnedTarget {
        OwnedTarget {
            space: self.space.to_owned(),
            host: self.host.to_string(),
            page: self.page.to_string(),
            audience: self.audience.to_string(),
        }
    }

    /// Returns the key as borrowed arguments, for a lookup that renders no text.
    pub(super) fn args<'b>(&'b self, variant: &'b str) -> (NoNamespace, Address<'b>) {
        (NoNamespace, Address([&self.host, &self.page, self.space, &self.audience, variant]))
    }

    /// Renders the text of the key.
    pub(super) fn text(&self, variant: &str) -> String {
        let (path, query) = self.split();
        text(&[self.space, &self.host, path, query, &self.audience, variant])
    }

    /// Splits the page into its path, and its query with the question mark.
    fn split(&self) -> (&str, &str) {
        self.page.split_at(self.page.find('?').unwrap_or(self.page.len()))
    }

    /// Returns the pattern of all entries of this path, for any query, audience and variant.
    pub(super) fn pattern(&self) -> Pattern {
        Pattern::prefix(&self.path_text())
    }

    /// Returns the text with which the keys of all entries of this path begin.
    pub(super) fn path_text(&self) -> String {
        text(&[self.space, &self.host, self.split().0])
    }

    /// Returns the resource that a response names by `Location` or `Content-Location`, if it is on this host.
    pub(super) fn named_by(&'a self, location: &'a Uri) -> Option<Self> {
        let same = location.authority().is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(&self.host));
        let path = location.path();
        (same && path.starts_with('/')).then(|| Self { page: Cow::Borrowed(path), ..self.clone() })
    }
}

/// Returns the text of a stored key.
pub(super) fn text_of(((), address): &StoredKey) -> String {
    let Address([host, page, space, audience, variant]) = address.address();
    let (host, page, audience) = (Cow::Borrowed(host), Cow::Borrowed(page), Cow::Borrowed(audience));
    Target { space, host, page, audience }.text(variant)
}

/// Parts of a key: host, page, space, audience and variant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address<'a>([&'a str; 5]);

/// Owned [`Address`]: its parts joined, and the end of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnedAddress {
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
    type Owned = OwnedAddress;

    fn feed<H: Hasher>(&self, state: &mut H) {
        // All but the first two are usually empty, and hashing an empty part takes time too.
        for part in self.0.iter().filter(|part| !part.is_empty()) {
            state.write(part.as_bytes());
        }
        state.write_usize(self.0.iter().fold(0, |all, part| all.rotate_left(12) ^ part.len()));
    }

    fn same(&self, joined: &OwnedAddress) -> bool {
        let ends = self.ends();
        let mut from = 0;
        ends == joined.ends
            && self.0.iter().zip(ends).all(|(part, end)| {
                let other = joined.text.as_bytes().get(from..end);
                from = end;
                part.is_empty() || other == Some(part.as_bytes())
            })
    }

    fn to_owned_part(&self) -> OwnedAddress {
        OwnedAddress { text: self.0.concat().into(), ends: self.ends() }
    }

    fn write(&self, out: &mut KeyWriter) {
        write(&self.0, out);
    }
}

impl OwnedAddress {
    fn address(&self) -> Address<'_> {
        let mut from = 0;
        Address(self.ends.map(|end| &self.text[std::mem::replace(&mut from, end)..end]))
    }
}

impl KeyPart for OwnedAddress {
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

/// Returns the host in lower case. `None` if the URI and the header disagree, or are not text: a handler might use the other.
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

/// Returns the parameters of a query with these names, in their order. An encoded name could be any of them, so it counts as known.
fn known_parameters<'a>(query: &str, known: &[String]) -> Cow<'a, str> {
    let is_known = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        name.contains(['%', '+']) || known.iter().any(|known| known == name)
    };
    let selected: Vec<_> = query.split('&').filter(is_known).collect();
    if selected.is_empty() { Cow::Borrowed("") } else { Cow::Owned(["?", &selected.join("&")].concat()) }
}

#[cfg(test)]
mod tests {
    use http::header::HOST;

    use super::super::request_head::RequestHead;
    use super::*;

    fn target<'a>(parts: &'a Parts, space: &'a str, known: Option<&[String]>) -> Option<Target<'a>> {
        Target::new(parts, RequestHead::from_headers(&parts.headers).host, space, known)
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
    fn all_parts_that_distinguish_resources_are_in_the_key() {
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
    fn addresses_are_equal_only_if_all_their_parts_are() {
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
    fn a_request_with_a_doubtful_host_has_no_key() {
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
    fn rfc9111_4_4_a_change_names_other_resources_of_its_origin() {
        let parts = parts("/users", &["h"]);
        let target = target(&parts, "s", None).unwrap();
        let named = |location: &str| {
            let location: Uri = location.parse().unwrap();
            target.named_by(&location).map(|target| target.page.to_string())
        };
        assert_eq!(named("/users/7"), Some("/users/7".to_owned()));
        assert_eq!(named("http://H/users/7"), Some("/users/7".to_owned()));
        assert_eq!(named("http://elsewhere/users/7"), None, "only of the same origin");
    }
}
