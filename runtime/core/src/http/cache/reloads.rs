//! Requests that ask for a new response.

use super::directives::Directives;

/// Treatment of requests that ask for a new response although a stored one is fresh: by `no-cache`, `max-age`, `min-fresh` or
/// `Pragma: no-cache`.
///
/// `no-store` is not among them: such a request bypasses the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientReloads {
    /// Calls the handler for each such request, as RFC 9111 section 5.2.1 has it: clients can cause any number of loads.
    Each,
    /// Calls the handler, but once for those with `no-cache` or `max-age=0` that meet: the call may have begun before some of them came.
    /// The default.
    #[default]
    Coalesced,
    /// Serves the stored response, as if they had not asked.
    Ignored,
}

impl ClientReloads {
    /// Returns the directives that count.
    pub(super) fn admit(self, asked: Directives) -> Directives {
        match self {
            Self::Each | Self::Coalesced => asked,
            Self::Ignored => Directives { no_cache: false, max_age: None, min_fresh: None, ..asked },
        }
    }

    /// Returns whether a request with these directives may share the load of another. A `max-age` other than zero, which some proxies send
    /// with each request, is compared with the age of the response when that has come.
    pub(super) fn may_join(self, asked: &Directives) -> bool {
        let max_age = asked.max_age.filter(|seconds| *seconds == 0 && self != Self::Coalesced);
        let no_cache = asked.no_cache && self != Self::Coalesced;
        Directives { no_cache, max_age, ..asked.clone() } == Directives::default()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::CACHE_CONTROL;

    use super::*;

    fn asked(text: &'static str) -> Directives {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, text.parse().unwrap());
        Directives::from_request(&headers)
    }

    #[test]
    fn rfc9111_5_2_1_requests_for_a_new_response_join_where_they_are_coalesced() {
        for (text, each, coalesced) in [
            ("", true, true),
            ("x", true, true),
            ("no-cache", false, true),
            ("max-age=0", false, true),
            ("no-cache, max-age=0", false, true),
            ("max-age=1", true, true),
            ("max-age=1, no-cache", false, true),
            ("no-cache, min-fresh=1", false, false),
            ("max-stale", false, false),
            ("only-if-cached", false, false),
        ] {
            assert_eq!(ClientReloads::Each.may_join(&asked(text)), each, "{text}");
            assert_eq!(ClientReloads::Coalesced.may_join(&asked(text)), coalesced, "{text}");
        }
    }

    #[test]
    fn ignored_directives_are_those_that_ask_for_a_new_response() {
        let admit = |text| ClientReloads::Ignored.admit(asked(text));
        assert_eq!(admit("no-cache, max-age=0, min-fresh=5"), Directives::default());
        assert_eq!(admit("max-stale=5, only-if-cached, no-cache"), asked("max-stale=5, only-if-cached"));
        assert_eq!(ClientReloads::Coalesced.admit(asked("no-cache")), asked("no-cache"));
    }
}
