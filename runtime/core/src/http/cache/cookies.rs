//! Cookies that no response depends on, such as those of trackers.

use http::HeaderMap;
use http::header::COOKIE;

/// Names of cookies that are ignored; a `*` at the end of a name stands for any rest.
#[derive(Clone, Debug, Default)]
pub(super) struct IgnoredCookies(Vec<String>);

impl IgnoredCookies {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self(names)
    }

    fn ignores(&self, cookie: &str) -> bool {
        let name = cookie.split('=').next().unwrap_or_default().trim();
        self.0.iter().any(|known| match known.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == known,
        })
    }

    /// Returns whether all cookies of a request are ignored. A line that is not text could be any cookie.
    pub(super) fn ignore_all(&self, request: &HeaderMap) -> bool {
        let is_ignored = |line: &str| line.split(';').all(|cookie| cookie.trim().is_empty() || self.ignores(cookie));
        !self.0.is_empty() && request.get_all(COOKIE).iter().all(|line| line.to_str().is_ok_and(is_ignored))
    }

    /// Returns the cookies of a request that are not ignored. `None` if none are to be ignored, or a line is not text.
    pub(super) fn others<'a>(&self, request: &'a HeaderMap) -> Option<Vec<&'a str>> {
        if self.0.is_empty() {
            return None;
        }
        let mut others = Vec::new();
        for line in request.get_all(COOKIE) {
            let cookies = line.to_str().ok()?.split(';').map(str::trim);
            others.extend(cookies.filter(|cookie| !cookie.is_empty() && !self.ignores(cookie)));
        }
        Some(others)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn request(lines: &[&'static [u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    #[test]
    fn named_cookies_and_those_with_a_named_beginning_are_ignored() {
        let ignored = IgnoredCookies::new(vec!["_ga*".to_owned(), "theme".to_owned()]);
        for (line, expected) in [
            (&b"_ga=1; _ga_X=2;theme=dark"[..], true),
            (b"theme", true),
            (b"", true),
            (b"theme=dark; session=1", false),
            (b"themes=1", false),
            (b"x_ga=1", false),
            (b"_ga=1; \xff=2", false),
        ] {
            assert_eq!(ignored.ignore_all(&request(&[line])), expected, "{line:?}");
        }
        assert!(!ignored.ignore_all(&request(&[b"_ga=1", b"session=1"])), "any line");
        assert!(!IgnoredCookies::default().ignore_all(&request(&[b"a=1"])));
    }

    #[test]
    fn the_other_cookies_stay_in_their_order() {
        let ignored = IgnoredCookies::new(vec!["theme".to_owned()]);
        let headers = request(&[b"b=2; theme=dark; a=1", b"theme=x; c=3"]);
        assert_eq!(ignored.others(&headers), Some(vec!["b=2", "a=1", "c=3"]));
        assert_eq!(IgnoredCookies::default().others(&headers), None);
        assert_eq!(ignored.others(&request(&[b"\xff"])), None);
    }
}
