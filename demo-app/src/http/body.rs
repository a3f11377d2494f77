//! Reads a request's body into a draft, or says what is wrong with it: 415, 413, 400 or 422, in this order.

use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::problem::Problem;
use super::within::BodyLimit;
use crate::domain::Draft;

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
        let limit = request.extensions().get::<BodyLimit>().cloned();
        let reading = |now: bool| limit.iter().for_each(|limit| limit.reading.store(now, Ordering::Relaxed));
        reading(true);
        let bytes = Bytes::from_request(request, state).await;
        reading(false);
        let bytes = bytes.map_err(|rejection| match (rejection.status(), &limit) {
            (StatusCode::PAYLOAD_TOO_LARGE, Some(BodyLimit { bytes, .. })) => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body may have at most {bytes} bytes"))
            }
            _ => Problem::new(StatusCode::BAD_REQUEST, "the body ended before it was complete"),
        })?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}")))?;
        T::from_json(value).map(Self).map_err(Problem::invalid)
    }
}

/// `application/json` or `application/<anything>+json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|name| name == "json" || name.ends_with("+json"))
}
