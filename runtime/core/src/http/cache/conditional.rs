//! Conditional requests: those of clients, answered from stored responses, and those that validate stored responses (RFC 9110 section 13).

use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, DATE, ETAG, EXPIRES, HeaderName,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::date;
use super::directives::split;
use super::range::RangeRequest;

/// Validators of the response that a client already has, and the range of it that the client asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    none_match: Vec<HeaderValue>,
    modified_since: Option<HeaderValue>,
    pub(super) range: Option<RangeRequest>,
}

impl Conditions {
    /// Reads those that a request is known to have.
    pub(super) fn new(request: &HeaderMap, has_conditions: bool, has_range: bool) -> Self {
        let range = if has_range { RangeRequest::from_headers(request) } else { None };
        if !has_conditions {
            return Self { range, ..Self::default() };
        }
        let none_match = request.get_all(IF_NONE_MATCH).iter().cloned().collect();
        Self { none_match, modified_since: request.get(IF_MODIFIED_SINCE).cloned(), range }
    }

    /// Returns whether the client asks for a part, and not for all bytes.
    pub(super) fn asks_for_part(&self) -> bool {
        self.range.as_ref().is_some_and(|range| !range.is_of_all())
    }

    /// Returns the conditions without the range.
    pub(super) fn of_whole(&self) -> Self {
        Self { range: None, ..self.clone() }
    }

    /// Returns whether the client gets `304` in place of this response (RFC 9110 section 13.2.2).
    pub(super) fn not_modified(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        if status != StatusCode::OK {
            return false;
        }
        if !self.none_match.is_empty() {
            let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
            return self.none_match.iter().any(|line| matches(line, tag));
        }
        let since = self.modified_since.as_ref().and_then(date::parse);
        since.is_some_and(|since| {
            headers.get(LAST_MODIFIED).and_then(date::parse).is_some_and(|modified| modified <= since)
        })
    }
}

/// Returns whether a line of `If-None-Match` matches a tag, by weak comparison (RFC 9110 section 8.8.3.2).
fn matches(line: &HeaderValue, tag: Option<&str>) -> bool {
    let Some(items) = line.to_str().ok().and_then(split) else { return false };
    items.iter().any(|item| *item == "*" || tag.is_some_and(|tag| opaque(tag) == opaque(item)))
}

/// Returns a tag without the mark of a weak one.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Returns the head of a `304` in place of a response with this head (RFC 9110 section 15.4.5).
pub(super) fn not_modified_head(headers: &HeaderMap) -> HeaderMap {
    // A cookie is passed on to this client; stored responses have none.
    const FIELDS: [HeaderName; 7] = [CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, VARY, SET_COOKIE];
    let mut head = HeaderMap::with_capacity(FIELDS.len() + 2);
    for name in FIELDS {
        for value in headers.get_all(&name) {
            head.append(name.clone(), value.clone());
        }
    }
    head
}

/// Removes a client's conditions from a request, so that the handler answers in full and the response can be stored.
pub(super) fn remove_conditions(request: &mut HeaderMap) {
    request.remove(IF_NONE_MATCH);
    request.remove(IF_MODIFIED_SINCE);
}

/// Removes the range from a request, so that the handler answers with the whole.
pub(super) fn remove_range(request: &mut HeaderMap) {
    request.remove(RANGE);
    request.remove(IF_RANGE);
}

/// Returns whether a response can be validated by its tag or its date.
pub(super) fn has_validator(response: &HeaderMap) -> bool {
    response.contains_key(ETAG) || response.contains_key(LAST_MODIFIED)
}

/// Returns whether a `304` confirms a stored response (RFC 9111 section 4.3.4): not if it has another tag.
pub(super) fn confirms(stored: &HeaderMap, not_modified: &HeaderMap) -> bool {
    let tag = |headers: &HeaderMap| Some(opaque(headers.get(ETAG)?.to_str().ok()?).to_owned());
    match (tag(stored), tag(not_modified)) {
        (Some(stored), Some(other)) => stored == other,
        _ => true,
    }
}

/// Adds the validators of a stored response to a request (RFC 9111 section 4.3.1). Returns false if the response has none.
pub(super) fn add_validators(request: &mut HeaderMap, stored: &HeaderMap) -> bool {
    if let Some(tag) = stored.get(ETAG) {
        request.insert(IF_NONE_MATCH, tag.clone());
    }
    if let Some(modified) = stored.get(LAST_MODIFIED) {
        request.insert(IF_MODIFIED_SINCE, modified.clone());
    }
    has_validator(stored)
}

/// Updates a stored head from that of a `304` (RFC 9111 section 3.2): each field replaces the stored one, except those that describe the
/// bytes of the content, its tag included, because the content stays.
pub(super) fn freshen(stored: &mut HeaderMap, not_modified: &HeaderMap) {
    let tagged = stored.contains_key(ETAG);
    for name in not_modified.keys() {
        if (tagged && name == ETAG) || [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE].contains(name) {
            continue;
        }
        stored.remove(name);
        for value in not_modified.get_all(name) {
            stored.append(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn answered(request: &[(&'static str, &'static str)], response: &[(&'static str, &'static str)]) -> bool {
        Conditions::new(&head(request), true, false).not_modified(StatusCode::OK, &head(response))
    }

    const EARLY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATE: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    #[test]
    fn rfc9110_8_8_3_2_tags_compare_weakly() {
        for (asked, tag, expected) in [
            ("\"a\"", "\"a\"", true),
            ("W/\"a\"", "\"a\"", true),
            ("\"a\"", "W/\"a\"", true),
            ("\"b\"", "\"a\"", false),
            ("\"b\", \"x,y\", \"a\"", "\"a\"", true),
            ("\"x,y\"", "\"x\"", false),
            ("*", "\"a\"", true),
            ("\"A\"", "\"a\"", false),
            ("\"a", "\"a\"", false),
        ] {
            assert_eq!(answered(&[("if-none-match", asked)], &[("etag", tag)]), expected, "{asked} of {tag}");
        }
        assert!(answered(&[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")], &[("etag", "\"a\"")]));
    }

    #[test]
    fn rfc9110_13_1_3_dates_count_only_without_tags() {
        assert!(answered(&[("if-modified-since", EARLY)], &[("last-modified", EARLY)]));
        assert!(answered(&[("if-modified-since", LATE)], &[("last-modified", EARLY)]));
        assert!(!answered(&[("if-modified-since", EARLY)], &[("last-modified", LATE)]));
        assert!(!answered(&[("if-modified-since", "yesterday")], &[("last-modified", EARLY)]));
        let both = [("if-none-match", "\"b\""), ("if-modified-since", LATE)];
        assert!(!answered(&both, &[("etag", "\"a\""), ("last-modified", EARLY)]));
        assert!(!answered(&[], &[("etag", "\"a\"")]));
    }

    #[test]
    fn rfc9110_15_4_5_a_304_repeats_only_the_prescribed_fields() {
        let full = head(&[("etag", "\"a\""), ("content-type", "text/plain"), ("vary", "a"), ("vary", "b"), ("x", "1")]);
        let kept = not_modified_head(&full);
        assert_eq!(kept, head(&[("etag", "\"a\""), ("vary", "a"), ("vary", "b")]));
        let answer = Conditions::new(&head(&[("if-none-match", "*")]), true, false);
        assert!(!answer.not_modified(StatusCode::NOT_FOUND, &full), "only of what was found");
    }

    #[test]
    fn rfc9111_3_2_a_304_updates_the_stored_response() {
        let mut stored = head(&[("etag", "\"a\""), ("content-length", "5"), ("x", "1"), ("x", "2"), ("y", "1")]);
        freshen(
            &mut stored,
            &head(&[
                ("x", "3"),
                ("content-length", "0"),
                ("content-type", "text/b"),
                ("cache-control", "max-age=5"),
                ("etag", "W/\"a\""),
            ]),
        );
        let expected = head(&[
            ("etag", "\"a\""),
            ("content-length", "5"),
            ("x", "3"),
            ("y", "1"),
            ("content-type", "text/b"),
            ("cache-control", "max-age=5"),
        ]);
        assert_eq!(stored, expected);
    }

    #[test]
    fn rfc9111_4_3_4_a_304_with_another_tag_confirms_nothing() {
        for (stored, other, expected) in [
            ("\"a\"", "\"a\"", true),
            ("W/\"a\"", "\"a\"", true),
            ("\"a\"", "W/\"a\"", true),
            ("\"a\"", "\"b\"", false),
            ("W/\"a\"", "W/\"b\"", false),
        ] {
            assert_eq!(confirms(&head(&[("etag", stored)]), &head(&[("etag", other)])), expected, "{stored} {other}");
        }
        assert!(confirms(&head(&[("etag", "\"a\"")]), &head(&[("x", "1")])), "the tag was that of the question");
        assert!(confirms(&head(&[("last-modified", EARLY)]), &head(&[("etag", "\"a\"")])));
    }

    #[test]
    fn rfc9111_4_3_1_a_revalidation_replaces_the_clients_conditions() {
        let mut request = head(&[("if-none-match", "\"theirs\""), ("if-modified-since", LATE)]);
        remove_conditions(&mut request);
        assert!(request.is_empty());
        assert!(add_validators(&mut request, &head(&[("etag", "\"ours\""), ("last-modified", EARLY)])));
        assert_eq!(request, head(&[("if-none-match", "\"ours\""), ("if-modified-since", EARLY)]));
        assert!(!add_validators(&mut request, &HeaderMap::new()));
    }
}
