//! Responses whose body broke off: their heads, and the log line about them.

use std::error::Error as _;

use http::header::CONTENT_LENGTH;
use http::response::Parts;

use super::resumed::BodyError;

/// The head of a response whose body broke off: without its `Content-Length` where that is too small, as a server would end the body
/// there and call it whole.
pub(super) fn broken_head(mut head: Parts, error: &BodyError) -> Parts {
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
