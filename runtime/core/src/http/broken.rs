//! Responses whose body broke off: their heads, and the log line about them.

use std::error::Error as _;

use http::header::CONTENT_LENGTH;
use http::response::Parts;

use super::body_error::BodyError;

/// Returns the head of a response whose body broke off: without its `Content-Length` if that is too small, because a server would end the
/// body there, and the client would take it for complete.
pub(super) fn broken_head(mut head: Parts, error: &BodyError) -> Parts {
    if matches!(error, BodyError::Long { .. }) {
        head.headers.remove(CONTENT_LENGTH);
    }
    head
}

/// Logs that a response broke off. `left_out` is the number of lines that were suppressed before this one, or `None` to suppress it too.
pub(super) fn report_broken(left_out: Option<u64>, path: &str, error: &BodyError) {
    let Some(left_out) = left_out else { return };
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let why = format!("{error}{cause}");
    tracing::warn!(path, why, left_out, "a response broke off, so it is neither stored nor shared");
}
