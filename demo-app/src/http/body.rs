//! Reads a request's body into a draft, or says what is wrong with it: 415, 400 or 422, in this order. The stack has read the body, and
//! answered for one that was too large or too slow.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};

use super::problem::Problem;
use crate::domain::{BadBody, Draft};

/// A draft out of a JSON body.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: Draft, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "the body must be JSON, announced by `content-type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body ended before it was complete"))?;
        T::from_json(&bytes).map(Self).map_err(|bad| match bad {
            BadBody::NotJson(error) => Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}")),
            BadBody::Fields(violations) => Problem::invalid(violations),
        })
    }
}

/// `application/json` or `application/<anything>+json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|name| name == "json" || name.ends_with("+json"))
}
