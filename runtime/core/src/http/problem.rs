//! Answers of layers in place of the service's: problem details (RFC 9457), without internal information.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use super::body::Body;

/// Extension of a response by which a layer that rejected a request shows outer layers that the service was not called.
#[derive(Clone, Copy, Debug)]
struct RejectedByLayer;

/// Returns whether a response is that of a layer that rejected the request.
pub(super) fn is_rejection<B>(response: &Response<B>) -> bool {
    response.extensions().get::<RejectedByLayer>().is_some()
}

/// Problem details, `application/problem+json` (RFC 9457): a status, a sentence of detail, and a `Retry-After`.
///
/// ```
/// use std::time::Duration;
/// use fastness::http::{Body, Problem};
///
/// let problem = Problem::new(http::StatusCode::SERVICE_UNAVAILABLE, "the server is short of memory")
///     .retry_after(Duration::from_secs(2));
/// let response: http::Response<Body<String>> = problem.into_response();
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// assert_eq!(response.headers()["retry-after"], "2");
/// ```
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: Option<Duration>,
}

impl Problem {
    /// Creates a problem with this status and a sentence of detail, which clients see.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }

    /// Sets the `Retry-After`, in whole seconds, rounded up, at least 1. Default: none.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Converts it into a response.
    pub fn into_response<B>(self) -> Response<Body<B>> {
        let body = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = Response::new(Body::from_bytes(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }

    /// Converts it into the response of a layer that rejects a request.
    pub(super) fn into_rejection<B>(self) -> Response<Body<B>> {
        let mut response = self.into_response();
        response.extensions_mut().insert(RejectedByLayer);
        response
    }
}
