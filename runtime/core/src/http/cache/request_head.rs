//! The fields of a request's head that matter to a cache.

use http::{HeaderMap, HeaderValue};

/// Fields of a request that matter to a cache, read in one pass: a request has few fields, and one lookup by name costs as much as passing
/// over many.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // each is a kind of field
pub(super) struct RequestHead<'a> {
    pub(super) host: Host<'a>,
    /// True if it has preconditions for the handler, or a content.
    pub(super) is_special: bool,
    pub(super) has_range: bool,
    pub(super) has_authorization: bool,
    pub(super) has_cookies: bool,
    /// True if it has `Cache-Control`, or the older `Pragma`.
    pub(super) has_directives: bool,
    /// True if it has validators of a response that the client already has.
    pub(super) has_conditions: bool,
}

/// Values of `Host`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Host<'a> {
    #[default]
    None,
    One(&'a HeaderValue),
    Several,
}

impl<'a> RequestHead<'a> {
    pub(super) fn from_headers(headers: &'a HeaderMap) -> Self {
        let mut head = Self::default();
        for (name, value) in headers {
            head.add(name.as_str(), value);
        }
        head
    }

    fn add(&mut self, name: &str, value: &'a HeaderValue) {
        // Most fields that a browser sends are excluded by their length.
        if !matches!(name.len(), 4..=8 | 13 | 14 | 17 | 19) {
            return;
        }
        match name {
            "host" => {
                self.host = match self.host {
                    Host::None => Host::One(value),
                    Host::One(_) | Host::Several => Host::Several,
                }
            }
            "authorization" => self.has_authorization = true,
            "cookie" => self.has_cookies = true,
            "cache-control" | "pragma" => self.has_directives = true,
            "if-none-match" | "if-modified-since" => self.has_conditions = true,
            "range" => self.has_range = true,
            "if-match" | "if-unmodified-since" | "transfer-encoding" | "upgrade" => {
                self.is_special = true;
            }
            "content-length" => self.is_special |= value.as_bytes() != b"0",
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen<T>(lines: &[(&'static str, &'static str)], read: impl FnOnce(RequestHead<'_>) -> T) -> T {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        read(RequestHead::from_headers(&headers))
    }

    fn flags(lines: &[(&'static str, &'static str)]) -> [bool; 4] {
        seen(lines, |seen| {
            [seen.is_special, seen.has_authorization || seen.has_cookies, seen.has_directives, seen.has_conditions]
        })
    }

    #[test]
    fn a_plain_request_has_no_relevant_fields() {
        let lines = [("host", "a"), ("accept", "*/*"), ("user-agent", "x"), ("content-length", "0"), ("x-range", "1")];
        assert_eq!(flags(&lines), [false; 4]);
        assert_eq!(flags(&[]), [false; 4]);
    }

    #[test]
    fn each_field_is_recognised() {
        assert!(seen(&[("range", "bytes=0-1")], |seen| seen.has_range && !seen.is_special));
        for name in ["if-match", "if-unmodified-since", "transfer-encoding", "upgrade"] {
            assert_eq!(flags(&[("accept", "a"), (name, "1")]), [true, false, false, false], "{name}");
        }
        assert_eq!(flags(&[("content-length", "1")]), [true, false, false, false]);
        assert_eq!(flags(&[("content-length", "0"), ("content-length", "1")]), [true, false, false, false], "any line");
        for name in ["authorization", "cookie"] {
            assert_eq!(flags(&[(name, "1")]), [false, true, false, false], "{name}");
        }
        for name in ["cache-control", "pragma"] {
            assert_eq!(flags(&[(name, "1")]), [false, false, true, false], "{name}");
        }
        for name in ["if-none-match", "if-modified-since"] {
            assert_eq!(flags(&[(name, "1")]), [false, false, false, true], "{name}");
        }
    }

    #[test]
    fn one_host_is_distinguished_from_several() {
        seen(&[], |seen| assert!(matches!(seen.host, Host::None)));
        seen(&[("host", "a")], |seen| assert!(matches!(seen.host, Host::One(host) if host == "a")));
        seen(&[("host", "a"), ("host", "a")], |seen| assert!(matches!(seen.host, Host::Several)));
    }
}
