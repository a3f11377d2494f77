//! Rules on which responses may be stored and reused for other requests (RFC 9111 section 3), from heads alone.

use http::header::{CONTENT_ENCODING, CONTENT_RANGE, SET_COOKIE, TRAILER, VARY};
use http::{HeaderMap, StatusCode};

use super::directives::Directives;
use super::vary;
use crate::http::streaming::is_streaming;

/// Sender of a request, as far as it matters for storing the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requester {
    /// Client without credentials.
    Anonymous,
    /// Client with credentials; the response would be stored for all such clients.
    WithCredentials,
    /// Client with credentials and a name; the response would be stored for this client only.
    Principal,
}

/// Returns whether a response may be reused for other requests, now or later.
pub(super) fn is_shareable(
    status: StatusCode,
    headers: &HeaderMap,
    cache_control: &Directives,
    requester: Requester,
) -> bool {
    // Final and understood statuses (RFC 9111 section 3).
    let understood = matches!(
        status.as_u16(),
        200 | 203 | 204 | 300 | 301 | 302 | 303 | 307 | 308 | 404 | 405 | 410 | 414 | 451 | 501
    );
    let forbidden = cache_control.no_store || cache_control.private || cache_control.no_cache;
    // A cookie is set for one client.
    let personal = headers.contains_key(SET_COOKIE);
    let varies_by_anything =
        headers.get_all(VARY).iter().any(|vary| vary.to_str().map_or(true, |names| names.contains('*')));
    let in_parts = headers.contains_key(CONTENT_RANGE) || headers.contains_key(TRAILER);
    understood
        && !forbidden
        && !personal
        && !varies_by_anything
        && !in_parts
        && !is_streaming(headers)
        && is_encoded_as_known(headers)
        && credentials_allow(cache_control, requester)
}

/// Returns whether credentials allow sharing (RFC 9111 section 3.5, for cookies as for `Authorization`): a response to a request with
/// credentials is shared only if it says so.
fn credentials_allow(cache_control: &Directives, requester: Requester) -> bool {
    match requester {
        Requester::Anonymous | Requester::Principal => true,
        Requester::WithCredentials => {
            cache_control.public || cache_control.s_maxage.is_some() || cache_control.must_revalidate
        }
    }
}

/// Returns whether a response without explicit freshness may get a default (RFC 9110 section 15.1): not a temporary redirection, which may
/// be meant for this client only, such as one to a login.
pub(super) fn may_be_presumed_fresh(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 451 | 501)
}

/// Returns whether the variants of [`vary`] distinguish clients that accept the content coding from those that do not.
fn is_encoded_as_known(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .all(|line| line.to_str().is_ok_and(|line| line.split(',').all(|coding| vary::is_known_coding(coding.trim()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shareable(status: u16, lines: &[(&'static str, &'static str)], requester: Requester) -> bool {
        let headers: HeaderMap =
            lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        is_shareable(StatusCode::from_u16(status).unwrap(), &headers, &Directives::from_headers(&headers), requester)
    }

    #[test]
    fn rfc9111_3_only_cacheable_statuses_are_stored() {
        for status in [200, 203, 204, 300, 301, 302, 307, 308, 404, 405, 410, 414, 451, 501] {
            assert!(shareable(status, &[], Requester::Anonymous), "{status}");
        }
        for status in [302, 303, 307] {
            assert!(!may_be_presumed_fresh(StatusCode::from_u16(status).unwrap()), "{status}");
        }
        for status in [100, 101, 201, 202, 206, 304, 400, 401, 403, 407, 409, 416, 429, 500, 502, 503, 504, 599] {
            assert!(!shareable(status, &[], Requester::Anonymous), "{status}");
        }
    }

    #[test]
    fn rfc9111_5_2_2_directives_forbid_storage() {
        for line in [
            ("cache-control", "no-store, max-age=60"),
            ("cache-control", "private, max-age=60"),
            ("cache-control", "private=\"x\", max-age=60"),
            ("cache-control", "max-age=60, no-cache"),
            ("cache-control", "max-age=60, x=\""),
            ("set-cookie", "id=7"),
            ("vary", "*"),
            ("vary", "accept, *"),
            ("vary", "acc\u{e9}pt"),
            ("content-encoding", "gzip, made-up"),
            ("content-range", "bytes 0-1/2"),
            ("trailer", "digest"),
            ("content-type", "Text/Event-Stream; charset=utf-8"),
        ] {
            for requester in [Requester::Anonymous, Requester::WithCredentials, Requester::Principal] {
                assert!(!shareable(200, &[line], requester), "{line:?}");
            }
        }
    }

    #[test]
    fn rfc9111_3_5_responses_to_credentials_need_a_permission() {
        for allowing in ["public", "s-maxage=5", "must-revalidate, max-age=5"] {
            assert!(shareable(200, &[("cache-control", allowing)], Requester::WithCredentials), "{allowing}");
        }
        assert!(!shareable(200, &[("cache-control", "max-age=60")], Requester::WithCredentials));
        assert!(shareable(200, &[("cache-control", "max-age=60")], Requester::Principal), "kept for this one only");
    }
}
