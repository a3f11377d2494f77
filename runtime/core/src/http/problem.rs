//! What a layer answers when it does not let a request through: RFC 9457, with nothing of the inside.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use super::body::Body;

/// A mark in the answer of a layer that did not let a request in, for layers around it: nothing was asked of the service.
#[derive(Clone, Copy, Debug)]
struct Refused;

/// Returns whether a response is the answer of a layer that did not let the request in.
pub(super) fn is_refused<B>(response: &Response<B>) -> bool {
    response.extensions().get::<Refused>().is_some()
}

/// `application/problem+json` (RFC 9457): a status, what it means here, and when to come back.
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
    /// Of this status, with a sentence for whoever reads it.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }

    /// With a `Retry-After`, in whole seconds, rounded up, at least 1.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The response.
    pub fn into_response<B>(self) -> Response<Body<B>> {
        let body = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = Response::new(Body::own(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }

    /// The answer of a layer that did not let a request in.
    pub(super) fn into_refusal<B>(self) -> Response<Body<B>> {
        let mut response = self.into_response();
        response.extensions_mut().insert(Refused);
        response
    }
}
