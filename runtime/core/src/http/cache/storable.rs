//! Rules on which responses may be stored and reused for other requests (RFC 9111 section 3), from heads alone.

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, SET_COOKIE, TRAILER, VARY};
use http::{HeaderMap, StatusCode};

use super::directives::Directives;
use super::status::Unstored;
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

/// Returns why a response may not be reused for other requests, now or later; `None` if it may. A response with `no-cache` may be, once it
/// has been validated.
pub(super) fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    directives: &Directives,
    requester: Requester,
) -> Option<Unstored> {
    let varies_by_anything =
        || headers.get_all(VARY).iter().any(|vary| vary.to_str().map_or(true, |names| names.contains('*')));
    Some(match () {
        () if !may_be_stored(status, directives) => Unstored::Status,
        () if directives.no_store && !directives.must_understand => Unstored::NoStore,
        () if directives.private => Unstored::Private,
        // A cookie is set for one client.
        () if headers.contains_key(SET_COOKIE) => Unstored::SetCookie,
        () if varies_by_anything() => Unstored::VariesByAnything,
        () if headers.contains_key(TRAILER) => Unstored::Trailers,
        () if is_streaming(headers) => Unstored::Streaming,
        () if !is_encoded_as_known(headers) => Unstored::Coding,
        () if !credentials_allow(directives, requester) => Unstored::Credentials,
        () => return None,
    })
}

/// Returns whether responses of a status may be stored (RFC 9111 section 3): all final ones but those that are a part of another response,
/// if they state their freshness; with `must-understand` only those with a known meaning.
fn may_be_stored(status: StatusCode, directives: &Directives) -> bool {
    let is_partial = matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED);
    let is_understood = status.canonical_reason().is_some();
    !status.is_informational() && !is_partial && (is_understood || !directives.must_understand)
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

/// Returns whether a response without explicit freshness may answer requests that are in flight at the same time: not an error, which may
/// concern one request only.
pub(super) fn may_be_coalesced(status: StatusCode) -> bool {
    may_be_presumed_fresh(status) || matches!(status.as_u16(), 302 | 303 | 307)
}

/// Returns whether the variants of [`vary`] distinguish clients that accept the content coding from those that do not, if the response
/// varies by it.
fn is_encoded_as_known(headers: &HeaderMap) -> bool {
    let is_known = |line: &str| line.split(',').all(|coding| vary::is_known_coding(coding.trim()));
    let all_known = || headers.get_all(CONTENT_ENCODING).iter().all(|line| line.to_str().is_ok_and(is_known));
    all_known() || !vary::names(headers).iter().any(|name| name == ACCEPT_ENCODING.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, lines: &[(&'static str, &'static str)], requester: Requester) -> Option<Unstored> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        refusal(StatusCode::from_u16(status).unwrap(), &headers, &Directives::from_headers(&headers), requester)
    }

    #[test]
    fn rfc9111_3_any_final_status_may_be_stored() {
        for status in [200, 201, 202, 203, 204, 299, 301, 302, 307, 400, 401, 404, 416, 429, 499, 500, 503, 599, 999] {
            assert_eq!(refused(status, &[], Requester::Anonymous), None, "{status}");
        }
        for status in [100, 101, 103, 206, 304] {
            assert_eq!(refused(status, &[], Requester::Anonymous), Some(Unstored::Status), "{status}");
        }
    }

    #[test]
    fn rfc9110_15_1_only_some_statuses_are_presumed_fresh() {
        let all = |may: fn(StatusCode) -> bool| {
            (100..600).filter(|status| may(StatusCode::from_u16(*status).unwrap())).collect::<Vec<u16>>()
        };
        assert_eq!(all(may_be_presumed_fresh), [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 451, 501]);
        assert_eq!(all(|status| may_be_coalesced(status) && !may_be_presumed_fresh(status)), [302, 303, 307]);
    }

    #[test]
    fn rfc9111_5_2_2_3_with_must_understand_only_known_statuses_are_stored() {
        let control = ("cache-control", "no-store, must-understand, max-age=60");
        assert_eq!(
            refused(200, &[control], Requester::Anonymous),
            None,
            "no-store is for caches that do not know the status"
        );
        assert_eq!(refused(599, &[control], Requester::Anonymous), Some(Unstored::Status));
        let alone = ("cache-control", "must-understand, max-age=60");
        assert_eq!(refused(599, &[alone], Requester::Anonymous), Some(Unstored::Status));
    }

    #[test]
    fn rfc9111_5_2_2_directives_forbid_storage() {
        for (line, reason) in [
            (("cache-control", "no-store, max-age=60"), Unstored::NoStore),
            (("cache-control", "max-age=60, x=\""), Unstored::NoStore),
            (("cache-control", "private, max-age=60"), Unstored::Private),
            (("cache-control", "private=\"x\", max-age=60"), Unstored::Private),
            (("set-cookie", "id=7"), Unstored::SetCookie),
            (("vary", "*"), Unstored::VariesByAnything),
            (("vary", "accept, *"), Unstored::VariesByAnything),
            (("vary", "acc\u{e9}pt"), Unstored::VariesByAnything),
            (("trailer", "digest"), Unstored::Trailers),
            (("content-type", "Text/Event-Stream; charset=utf-8"), Unstored::Streaming),
        ] {
            for requester in [Requester::Anonymous, Requester::WithCredentials, Requester::Principal] {
                assert_eq!(refused(200, &[line], requester), Some(reason), "{line:?}");
            }
        }
    }

    #[test]
    fn rfc9110_12_5_3_a_response_that_varies_by_an_unknown_coding_is_not_stored() {
        let coded = ("content-encoding", "gzip, made-up");
        let refused = |lines: &[_]| refused(200, lines, Requester::Anonymous);
        assert_eq!(refused(&[coded, ("vary", "accept, Accept-Encoding")]), Some(Unstored::Coding));
        assert_eq!(refused(&[coded, ("vary", "accept")]), None, "all clients get the same");
        assert_eq!(refused(&[("content-encoding", "gzip"), ("vary", "accept-encoding")]), None);
    }

    #[test]
    fn rfc9110_14_4_a_content_range_means_nothing_in_a_whole_response() {
        assert_eq!(refused(200, &[("content-range", "bytes 0-1/2")], Requester::Anonymous), None);
    }

    #[test]
    fn rfc9111_3_5_responses_to_credentials_need_a_permission() {
        for allowing in ["public", "s-maxage=5", "must-revalidate, max-age=5"] {
            assert_eq!(refused(200, &[("cache-control", allowing)], Requester::WithCredentials), None, "{allowing}");
        }
        let plain = [("cache-control", "max-age=60")];
        for lines in [plain, [("cache-control", "max-age=60, proxy-revalidate")]] {
            assert_eq!(refused(200, &lines, Requester::WithCredentials), Some(Unstored::Credentials));
        }
        assert_eq!(refused(200, &plain, Requester::Principal), None, "stored for this client only");
    }
}
