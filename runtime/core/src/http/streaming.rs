//! Streaming content types, whose bodies must not be buffered.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

/// Returns whether the body is a stream of events, whose end cannot be waited for.
pub(super) fn is_streaming(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    [&b"text/event-stream"[..], b"multipart/x-mixed-replace", b"application/grpc"]
        .iter()
        .any(|streaming| kind.len() >= streaming.len() && kind[..streaming.len()].eq_ignore_ascii_case(streaming))
}
