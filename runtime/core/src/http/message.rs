//! What is to be known of any message by its head.

use std::error::Error as _;

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{Extensions, HeaderMap, HeaderValue, Uri};

use super::BodyError;

/// The address as the client wrote it: routers strip what they have matched.
#[cfg_attr(not(feature = "axum"), expect(unused_variables, reason = "only axum's router leaves it there"))]
pub(super) fn original<'a>(extensions: &'a Extensions, uri: &'a Uri) -> &'a Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = extensions.get::<axum::extract::OriginalUri>() {
        return &original.0;
    }
    uri
}

/// Takes off what concerns one connection only (RFC 9110 section 7.6.1), which is not to be kept.
pub(super) fn take_off_connection(headers: &mut HeaderMap) {
    const OF_ONE_CONNECTION: [&str; 9] = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in OF_ONE_CONNECTION {
        headers.remove(name);
    }
}

/// Whether the body is sent as things happen, so that nobody can wait for its end.
pub(super) fn is_endless(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    [&b"text/event-stream"[..], b"multipart/x-mixed-replace", b"application/grpc"]
        .iter()
        .any(|endless| kind.len() >= endless.len() && kind[..endless.len()].eq_ignore_ascii_case(endless))
}

/// The head of a response whose body broke off: without its `Content-Length` where that is too small, as a server would end the body
/// there and call it whole.
pub(super) fn broken_head(mut head: http::response::Parts, error: &BodyError) -> http::response::Parts {
    if matches!(error, BodyError::Long { .. }) {
        head.headers.remove(CONTENT_LENGTH);
    }
    head
}

/// Logs that a response broke off, unless that is left out; `left_out` lines were before.
pub(super) fn report_broken(left_out: Option<u64>, path: &str, error: &BodyError) {
    let Some(left_out) = left_out else { return };
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let why = format!("{error}{cause}");
    tracing::warn!(path, why, left_out, "a response broke off, so it is neither stored nor shared");
}
