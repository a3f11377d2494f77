//! Ranges of stored responses (RFC 9110 section 14), of which a request asks for one at a time.

use std::ops::Range;

use http::header::{DATE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderValue};

use super::date;

/// Range of bytes that a request asks for, if the response is the one that its `If-Range` names.
#[derive(Clone, Debug)]
pub(super) struct RangeRequest {
    span: Span,
    if_range: Option<HeaderValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    /// Bytes from the first number to the second, both included.
    Between(u64, u64),
    /// Number of bytes at the end.
    Last(u64),
}

/// Part of a response that a request gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selected {
    Whole,
    Part(Range<usize>),
    /// No byte: the range begins after the end.
    Unsatisfiable,
}

impl RangeRequest {
    /// Reads the range of a request. `None` if it asks for several ranges, or not for bytes: the handler decides on those.
    pub(super) fn from_headers(request: &HeaderMap) -> Option<Self> {
        let mut lines = request.get_all(RANGE).iter();
        let (line, None) = (lines.next()?.to_str().ok()?, lines.next()) else { return None };
        let (unit, span) = line.split_once('=')?;
        let span = if unit.eq_ignore_ascii_case("bytes") { span_of(span.trim()) } else { None };
        Some(Self { span: span?, if_range: request.get(IF_RANGE).cloned() })
    }

    /// Returns whether it is all bytes of whichever response there is: `bytes=0-`, with which browsers ask for a film.
    pub(super) fn is_of_all(&self) -> bool {
        self.span == Span::Between(0, u64::MAX) && self.if_range.is_none()
    }

    /// Selects from a whole response of this length, with this head.
    pub(super) fn select(&self, response: &HeaderMap, length: usize) -> Selected {
        if self.if_range.as_ref().is_some_and(|named| !is_named(named, response)) {
            return Selected::Whole;
        }
        let (first, end) = match self.span {
            Span::Between(first, last) => (position(first), position(last).saturating_add(1).min(length)),
            Span::Last(count) => (length.saturating_sub(position(count)), length),
        };
        if first < end { Selected::Part(first..end) } else { Selected::Unsatisfiable }
    }
}

/// Parses `1-2`, `1-` or `-2`.
fn span_of(text: &str) -> Option<Span> {
    let (first, last) = text.split_once('-')?;
    match (first, last) {
        ("", count) => number(count).map(Span::Last),
        (first, "") => number(first).map(|first| Span::Between(first, u64::MAX)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Span::Between(first, last))
        }
    }
}

/// Parses a number; one that is too large is larger than any position.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn position(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Returns whether an `If-Range` names a response: by its strong tag, or by its date if that is a strong validator (RFC 9110 sections
/// 8.8.2.2 and 13.1.5).
fn is_named(named: &HeaderValue, response: &HeaderMap) -> bool {
    if named.as_bytes().starts_with(b"\"") {
        return response.get(ETAG) == Some(named);
    }
    let date_of = |name| response.get(name).and_then(date::parse);
    let (Some(named), Some(modified), Some(sent)) = (date::parse(named), date_of(LAST_MODIFIED), date_of(DATE)) else {
        return false;
    };
    named == modified && modified < sent
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn selected(range: &str, length: usize) -> Option<Selected> {
        Some(RangeRequest::from_headers(&head(&[("range", range)]))?.select(&HeaderMap::new(), length))
    }

    #[test]
    fn rfc9110_14_1_2_a_range_selects_bytes() {
        for (range, expected) in [
            ("bytes=0-1", Selected::Part(0..2)),
            ("BYTES=9-9", Selected::Part(9..10)),
            ("bytes=5-", Selected::Part(5..10)),
            ("bytes=5-99999999999999999999999", Selected::Part(5..10)),
            ("bytes=-3", Selected::Part(7..10)),
            ("bytes=-99", Selected::Part(0..10)),
            ("bytes= 0-0", Selected::Part(0..1)),
            ("bytes=10-", Selected::Unsatisfiable),
            ("bytes=10-11", Selected::Unsatisfiable),
            ("bytes=-0", Selected::Unsatisfiable),
            ("bytes=99999999999999999999999-", Selected::Unsatisfiable),
        ] {
            assert_eq!(selected(range, 10), Some(expected), "{range}");
        }
        assert_eq!(selected("bytes=0-", 0), Some(Selected::Unsatisfiable), "of nothing");
        assert_eq!(selected("bytes=-1", 0), Some(Selected::Unsatisfiable));
    }

    #[test]
    fn rfc9110_14_2_the_handler_decides_on_other_ranges() {
        for range in
            ["bytes=0-1, 3-4", "bytes=2-1", "bytes=", "bytes=-", "bytes=a-b", "bytes", "items=0-1", "bytes=1--2"]
        {
            assert_eq!(selected(range, 10), None, "{range}");
        }
        let twice = head(&[("range", "bytes=0-1"), ("range", "bytes=3-4")]);
        assert!(RangeRequest::from_headers(&twice).is_none());
    }

    #[test]
    fn rfc9110_13_1_5_an_if_range_that_names_another_response_selects_the_whole() {
        let (early, late) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT");
        let tagged: &[_] = &[("etag", "\"a\"")];
        let weak: &[_] = &[("etag", "W/\"a\"")];
        let dated: &[_] = &[("last-modified", early), ("date", late)];
        let just_changed: &[_] = &[("last-modified", early), ("date", early)];
        for (named, response, is_part) in [
            ("\"a\"", tagged, true),
            ("\"b\"", tagged, false),
            ("W/\"a\"", weak, false),
            ("\"a\"", weak, false),
            (early, dated, true),
            (late, dated, false),
            (early, just_changed, false),
            ("yesterday", dated, false),
            (early, tagged, false),
        ] {
            let request = head(&[("range", "bytes=0-1"), ("if-range", named)]);
            let selected = RangeRequest::from_headers(&request).unwrap().select(&head(response), 10);
            assert_eq!(selected == Selected::Part(0..2), is_part, "{named} of {response:?}");
            assert!(is_part || selected == Selected::Whole);
        }
    }

    proptest! {
        #[test]
        fn a_part_is_inside_of_the_whole(range in "bytes=[0-9]{0,20}-[0-9]{0,20}", length in 0..100_usize) {
            if let Some(Selected::Part(part)) = selected(&range, length) {
                prop_assert!(part.start < part.end && part.end <= length);
            }
        }
    }
}
