//! `Cache-Control` (RFC 9111 section 5.2). Values that cannot be parsed forbid rather than allow.

use http::HeaderMap;
use http::header::{CACHE_CONTROL, HeaderName, PRAGMA};

use super::targeted::{self, TargetedValue};

/// Maximum number of seconds; larger numbers mean this one (RFC 9111 section 1.2.2).
const MAX_SECONDS: u64 = 1 << 31;

/// Directives of `Cache-Control` in a request or a response. Numbers are seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is a directive
pub(super) struct Directives {
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) private: bool,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    /// Unlike `must-revalidate`, it does not allow that responses to requests with credentials are shared.
    pub(super) proxy_revalidate: bool,
    pub(super) must_understand: bool,
    pub(super) only_if_cached: bool,
    pub(super) max_age: Option<u64>,
    pub(super) s_maxage: Option<u64>,
    pub(super) stale_while_revalidate: Option<u64>,
    pub(super) stale_if_error: Option<u64>,
    pub(super) min_fresh: Option<u64>,
    /// True if they come from a targeted field, so that `Cache-Control` and `Expires` do not count (RFC 9213).
    pub(super) is_targeted: bool,
    /// `max-stale` without a number is [`MAX_SECONDS`].
    pub(super) max_stale: Option<u64>,
}

impl Directives {
    /// Reads the directives of a request; `Pragma: no-cache` counts if there is no `Cache-Control` (RFC 9111 section 5.4).
    pub(super) fn from_request(headers: &HeaderMap) -> Self {
        let mut directives = Self::from_headers(headers);
        if !headers.contains_key(CACHE_CONTROL) {
            directives.no_cache |= headers.get_all(PRAGMA).iter().any(|value| value.as_bytes() == b"no-cache");
        }
        directives
    }

    /// Reads the directives of a response: those of the first of the targeted fields that can be used, else those of `Cache-Control`.
    pub(super) fn from_response(headers: &HeaderMap, targeted: &[HeaderName]) -> Self {
        let Some(members) = targeted::directives(headers, targeted) else { return Self::from_headers(headers) };
        let mut directives = Self { is_targeted: true, ..Self::default() };
        for (name, value) in members {
            match value {
                TargetedValue::Yes => directives.set(name, None),
                TargetedValue::No => {}
                TargetedValue::Seconds(seconds) => directives.set(name, Some(seconds)),
                // A value of another type is that of no directive with a number; others do not look at theirs.
                TargetedValue::Other => directives.set(name, Some("")),
            }
        }
        directives
    }

    /// Reads the directives of a message. All header lines count as one list.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let mut directives = Self::default();
        for value in headers.get_all(CACHE_CONTROL) {
            match value.to_str() {
                Ok(text) => directives.read(text),
                Err(_) => directives.set_unreadable(),
            }
        }
        directives
    }

    fn read(&mut self, text: &str) {
        let Some(items) = split(text) else {
            // An unterminated quotation could hide any directive.
            return self.set_unreadable();
        };
        for item in items {
            let (name, value) = item.split_once('=').map_or((item, None), |(name, value)| (name, Some(value)));
            // White space around the sign makes a directive malformed: it still forbids, but its number is none.
            let is_well_formed = !name.ends_with([' ', '\t']) && !value.unwrap_or_default().starts_with([' ', '\t']);
            self.set(name.trim(), if is_well_formed { value } else { Some("") });
        }
    }

    /// Forbids storage, because the directives cannot be read.
    fn set_unreadable(&mut self) {
        (self.no_store, self.private) = (true, true);
    }

    fn set(&mut self, name: &str, value: Option<&str>) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match () {
            () if is("no-store") => self.no_store = true,
            // The forms that name fields count as the forms without (RFC 9111 sections 5.2.2.4 and 5.2.2.7 allow it).
            () if is("no-cache") => self.no_cache = true,
            () if is("private") => self.private = true,
            () if is("public") => self.public = true,
            () if is("must-revalidate") => self.must_revalidate = true,
            () if is("proxy-revalidate") => self.proxy_revalidate = true,
            () if is("must-understand") => self.must_understand = true,
            () if is("only-if-cached") => self.only_if_cached = true,
            () if is("max-age") => set_smaller(&mut self.max_age, value),
            () if is("s-maxage") => set_smaller(&mut self.s_maxage, value),
            () if is("stale-while-revalidate") => set_smaller(&mut self.stale_while_revalidate, value),
            () if is("stale-if-error") => set_smaller(&mut self.stale_if_error, value),
            () if is("min-fresh") => {
                let asked = value.map_or(MAX_SECONDS, |value| seconds(value).unwrap_or(MAX_SECONDS));
                self.min_fresh = Some(self.min_fresh.map_or(asked, |known| known.max(asked)));
            }
            () if is("max-stale") => match value {
                None => self.max_stale = Some(self.max_stale.unwrap_or(MAX_SECONDS)),
                Some(_) => set_smaller(&mut self.max_stale, value),
            },
            // Unknown directives are ignored (RFC 9111 section 5.2.3).
            () => {}
        }
    }
}

/// Sets a number of seconds: the smaller one of duplicates, and 0 if it is not a number (RFC 9111 section 4.2.1).
fn set_smaller(slot: &mut Option<u64>, value: Option<&str>) {
    let seconds = value.and_then(seconds).unwrap_or(0);
    *slot = Some(slot.map_or(seconds, |known| known.min(seconds)));
}

/// Parses a number of seconds, quoted or not.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(MAX_SECONDS).min(MAX_SECONDS))
}

/// Splits a list at its commas, except those in quotations. `None` if a quotation is unterminated.
pub(in crate::http) fn split(text: &str) -> Option<Vec<&str>> {
    let (mut items, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                items.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&text[start..]);
    (!quoted).then(|| items.into_iter().map(str::trim).filter(|item| !item.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn parsed(lines: &[&str]) -> Directives {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, HeaderValue::from_str(line).unwrap());
        }
        Directives::from_headers(&headers)
    }

    #[test]
    fn rfc9111_5_2_names_are_case_insensitive_and_lines_are_one_list() {
        let read = parsed(&["Public, MAX-AGE=60", "s-maxage=30 ,, stale-while-revalidate=5"]);
        let expected = Directives {
            public: true,
            max_age: Some(60),
            s_maxage: Some(30),
            stale_while_revalidate: Some(5),
            ..Directives::default()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn rfc9111_5_2_2_qualified_forms_count_as_the_whole() {
        let read = parsed(&[r#"private="set-cookie, x", no-cache="a,max-age=9""#]);
        assert_eq!(read, Directives { private: true, no_cache: true, ..Directives::default() });
    }

    #[test]
    fn rfc9111_4_2_1_the_most_restrictive_of_duplicates_counts_and_garbage_means_stale() {
        assert_eq!(parsed(&["max-age=60, max-age=10"]).max_age, Some(10));
        for garbage in [
            "max-age =60",
            "max-age= 60",
            "max-age=",
            "max-age",
            "max-age=-1",
            "max-age=1.5",
            "max-age=x",
            "max-age=\"\"",
            "max-age=0x10",
        ] {
            assert_eq!(parsed(&[garbage]).max_age, Some(0), "{garbage}");
        }
        assert_eq!(parsed(&["max-age=\"7\""]).max_age, Some(7));
        assert_eq!(parsed(&["max-age=99999999999999999999999"]).max_age, Some(MAX_SECONDS));
    }

    #[test]
    fn rfc9111_5_2_a_malformed_directive_still_forbids() {
        assert!(parsed(&["private =\"x\""]).private && parsed(&["no-cache= x"]).no_cache);
    }

    #[test]
    fn rfc9111_5_2_3_unknown_directives_are_ignored() {
        assert_eq!(parsed(&["immutable, community=\"a, no-store\", max-age=1"]), parsed(&["max-age=1"]));
    }

    #[test]
    fn unreadable_directives_are_not_stored() {
        assert!(parsed(&["max-age=60, x=\"unending"]).no_store);
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_bytes(b"max-age=60\xff").unwrap());
        assert!(Directives::from_headers(&headers).no_store);
    }

    #[test]
    fn rfc9111_5_2_1_requests_limit_staleness_and_freshness() {
        let read = parsed(&["max-stale, min-fresh=3, only-if-cached"]);
        assert_eq!((read.max_stale, read.min_fresh, read.only_if_cached), (Some(MAX_SECONDS), Some(3), true));
        assert_eq!(parsed(&["max-stale=4"]).max_stale, Some(4));
        assert_eq!(parsed(&["min-fresh=?"]).min_fresh, Some(MAX_SECONDS));
        let mut headers = HeaderMap::new();
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        assert!(Directives::from_request(&headers).no_cache);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=1"));
        assert!(!Directives::from_request(&headers).no_cache, "section 5.4");
    }

    #[test]
    fn rfc9213_2_2_a_targeted_field_replaces_cache_control() {
        let cdn = HeaderName::from_static("cdn-cache-control");
        let read = |targeted: &str, others: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(&cdn, HeaderValue::from_str(targeted).unwrap());
            headers.insert(CACHE_CONTROL, HeaderValue::from_str(others).unwrap());
            Directives::from_response(&headers, std::slice::from_ref(&cdn))
        };
        let longer = read("max-age=60", "no-store, max-age=5");
        assert_eq!(longer, Directives { max_age: Some(60), is_targeted: true, ..Directives::default() });
        assert!(read("private", "max-age=60").private);
        assert!(!read("private=?0, max-age=9", "max-age=60").private);
        assert_eq!(read("max-age=\"60\"", "max-age=60").max_age, Some(0), "a number of another type is none");
        assert!(read("max-age=60,", "no-store").no_store, "a broken field is ignored");
        let mut headers = HeaderMap::new();
        headers.insert(&cdn, HeaderValue::from_static("max-age=60"));
        assert_eq!(Directives::from_response(&headers, &[]), Directives::default(), "not of this cache");
    }

    proptest! {
        /// No text panics, and text around a directive that forbids never hides it.
        #[test]
        fn garbage_never_lifts_a_prohibition(before in "[ -~]{0,30}", after in "[ -~]{0,30}") {
            let read = parsed(&[&before, "no-store", &after]);
            prop_assert!(read.no_store);
            let read = parsed(&[&format!("{before},private,{after}")]);
            prop_assert!(read.private || read.no_store || before.contains('"'));
        }
    }
}
