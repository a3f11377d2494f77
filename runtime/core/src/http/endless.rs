//! Responses whose body has no end to wait for.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

/// Returns whether the body is sent as things happen, so that its end cannot be waited for.
pub(super) fn is_endless(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    [&b"text/event-stream"[..], b"multipart/x-mixed-replace", b"application/grpc"]
        .iter()
        .any(|endless| kind.len() >= endless.len() && kind[..endless.len()].eq_ignore_ascii_case(endless))
}
