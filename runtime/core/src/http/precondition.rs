//! Preconditions of unsafe requests: `If-Match` and `If-Unmodified-Since` (RFC 9110 section 13).

use std::time::SystemTime;

use http::header::{IF_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderValue};

use super::cache::quoted_list;

/// Preconditions of a change: `If-Match`, or else `If-Unmodified-Since` (RFC 9110 section 13.2.2). They keep a client from overwriting the
/// change of another.
///
/// Read the document, check [`hold`](Self::hold), and answer 412 if it is false. Another request may write between the check and your
/// write, so make the store write only if the document is still the one that was read.
///
/// ```
/// use fastness::http::Preconditions;
/// use http::{HeaderMap, HeaderValue, header};
///
/// let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static("\"v1\", \"v2\""))]);
/// let wanted = Preconditions::from_headers(&headers);
/// assert!(wanted.hold(&["\"v2\""], None));
/// assert!(!wanted.hold(&["\"v3\""], None));
/// assert!(!wanted.hold(&["W/\"v2\""], None)); // strong comparison
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    matches: Option<Matches>,
    unmodified_since: Option<SystemTime>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Matches {
    Any,
    /// Strong tags, in quotes. Weak tags, and values that are not a list of tags, match nothing.
    Tags(Vec<String>),
}

impl Preconditions {
    /// Reads the preconditions of a request. An `If-Unmodified-Since` that is not an HTTP date is ignored (section 13.1.4).
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let lines: Vec<&HeaderValue> = headers.get_all(IF_MATCH).iter().collect();
        let date = || httpdate::parse_http_date(headers.get(IF_UNMODIFIED_SINCE)?.to_str().ok()?).ok();
        match &lines[..] {
            [] => Self { matches: None, unmodified_since: date() },
            [line] if line.as_bytes().trim_ascii() == b"*" => {
                Self { matches: Some(Matches::Any), unmodified_since: None }
            }
            lines => {
                let items = lines.iter().filter_map(|line| quoted_list(line.to_str().ok()?)).flatten();
                let strong = items.filter(|item| item.len() >= 2 && item.starts_with('"') && item.ends_with('"'));
                Self { matches: Some(Matches::Tags(strong.map(str::to_owned).collect())), unmodified_since: None }
            }
        }
    }

    /// Returns whether there are none, so that the change may be made unconditionally.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether any existing document satisfies them: `If-Match: *`.
    pub fn is_any(&self) -> bool {
        self.matches == Some(Matches::Any)
    }

    /// Returns whether an existing document may be changed, by its entity tags (in quotes, one per representation) and the time of its last
    /// modification, if that is known.
    pub fn hold(&self, tags: &[&str], modified: Option<SystemTime>) -> bool {
        match &self.matches {
            Some(Matches::Any) => true,
            Some(Matches::Tags(wanted)) => wanted.iter().any(|wanted| tags.contains(&wanted.as_str())),
            None => match (self.unmodified_since, modified) {
                (Some(since), Some(modified)) => whole_seconds(modified) <= since,
                _ => true,
            },
        }
    }
}

/// Rounds down to whole seconds: HTTP dates have no fraction, so `Last-Modified` has none either.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(lines: &[(http::HeaderName, &'static str)]) -> Preconditions {
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(name, HeaderValue::from_static(line));
        }
        Preconditions::from_headers(&headers)
    }

    #[test]
    fn rfc9110_13_1_1_tags_are_compared_strongly() {
        for (lines, holds) in [
            (&["\"a\""][..], true),
            (&["\"b\""], false),
            (&["\"b\", \"a\""], true),
            (&["\"b\"", "\"a\""], true),
            (&["\"a,b\", \"c\""], false),
            (&["W/\"a\""], false),
            (&["W/\"a\", \"a\""], true),
            (&["a"], false),
            (&["\"a"], false),
            (&[""], false),
            (&["*"], true),
            (&[" * "], true),
            (&["*", "\"b\""], false),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| (IF_MATCH, *line)).collect();
            assert_eq!(read(&lines).hold(&["\"a\"", "\"a-gzip\""], None), holds, "{lines:?}");
            assert!(!read(&lines).is_empty());
        }
        assert!(read(&[(IF_MATCH, "\"a-gzip\"")]).hold(&["\"a\"", "\"a-gzip\""], None));
        assert!(
            !read(&[(IF_MATCH, "W/\"a\"")]).hold(&["W/\"a\""], None),
            "a weak tag matches nothing, not even itself"
        );
        assert!(read(&[(IF_MATCH, "*")]).is_any() && !read(&[(IF_MATCH, "\"a\"")]).is_any());
    }

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    #[test]
    fn rfc9110_13_1_4_dates_count_where_there_are_no_tags() {
        let date = httpdate::parse_http_date(DATE).unwrap();
        let since = read(&[(IF_UNMODIFIED_SINCE, DATE)]);
        for (modified, holds) in [
            (Some(date), true),
            (Some(date + Duration::from_millis(999)), true),
            (Some(date + Duration::from_secs(1)), false),
            (Some(date - Duration::from_secs(1)), true),
            (None, true),
        ] {
            assert_eq!(since.hold(&["\"a\""], modified), holds, "{modified:?}");
        }
        let late = Some(date + Duration::from_secs(9));
        assert!(read(&[(IF_UNMODIFIED_SINCE, "yesterday")]).is_empty());
        assert!(read(&[(IF_MATCH, "\"a\""), (IF_UNMODIFIED_SINCE, DATE)]).hold(&["\"a\""], late), "a tag is better");
        assert!(!read(&[(IF_MATCH, "\"b\""), (IF_UNMODIFIED_SINCE, DATE)]).hold(&["\"a\""], Some(date)));
        assert!(read(&[]).is_empty() && read(&[]).hold(&[], None));
    }
}
