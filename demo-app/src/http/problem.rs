//! Every error of the surface as `application/problem+json` (RFC 9457), and how the store's errors map to it.
//!
//! A problem says what the client did and can do about it, never what happened inside: that goes to the log.

use std::any::Any;

use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::{Unserved, Violation, cut};
use crate::store::StoreError;
use crate::supplier::SupplierError;

/// An answer that says what went wrong. The type is `about:blank`: title and status tell the kind, as RFC 9457 has it.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<Violation>,
    /// The number of seconds for a header of this name.
    retry_after: Option<u64>,
}

/// The most errors that one answer lists.
const MOST_ERRORS: usize = 32;

/// The message for a query string.
pub(super) const UNACCEPTABLE: &str = "the query string has parameters that cannot be accepted";

impl Problem {
    /// `status`, explained by `detail`.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// 400, with the parameters at fault.
    pub fn bad_request(detail: impl Into<String>, errors: Vec<Violation>) -> Self {
        Self { errors: few(errors), ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 422, with the fields at fault.
    pub fn invalid(errors: Vec<Violation>) -> Self {
        let detail = "the body has fields that cannot be accepted; `errors` lists each of them";
        Self { errors: few(errors), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }
}

/// An answer has a bound, whatever was asked: the first of very many errors.
fn few(mut errors: Vec<Violation>) -> Vec<Violation> {
    let more = errors.len().saturating_sub(MOST_ERRORS);
    if more > 0 {
        errors.truncate(MOST_ERRORS);
        errors.push(Violation::new("", format!("{more} more like these")));
    }
    errors
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let field = |name: &str, message| vec![Violation::new(name, message)];
        match error {
            StoreError::Taken(name) => {
                Self { errors: field(name, "is taken"), ..Self::new(StatusCode::CONFLICT, error.to_string()) }
            }
            StoreError::Voted => Self::new(StatusCode::CONFLICT, error.to_string()),
            StoreError::Changed => {
                let detail = "the document is not the one that this change is for: read it again, and send its ETag";
                Self::new(StatusCode::PRECONDITION_FAILED, detail)
            }
            StoreError::Busy { limited, retry_after } => {
                let status = if limited { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::SERVICE_UNAVAILABLE };
                let seconds = retry_after.map_or(1, |time| time.as_secs() + u64::from(time.subsec_nanos() > 0));
                let detail = format!("too many ask for this; try again in {seconds} s");
                Self { retry_after: Some(seconds), ..Self::new(status, detail) }
            }
            StoreError::Dangling(name) => Self::invalid(field(name, "names a document that does not exist")),
            StoreError::Fixed(name) => Self::invalid(field(name, "cannot be changed after creation")),
            StoreError::Unavailable => Self::new(StatusCode::SERVICE_UNAVAILABLE, "try again in a moment"),
        }
    }
}

impl From<Unserved> for Problem {
    fn from(unserved: Unserved) -> Self {
        let errors = vec![Violation::new(unserved.parameter, unserved.message)];
        Self::bad_request(UNACCEPTABLE, errors)
    }
}

impl From<SupplierError> for Problem {
    fn from(error: SupplierError) -> Self {
        match error {
            SupplierError::NoSuchProduct => Self::not_found(error.to_string()),
            _ => Self::new(StatusCode::BAD_GATEWAY, "the supplier cannot be asked; try again in a moment"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let status = self.status.as_u16();
        let mut document = json!({ "type": "about:blank", "title": title, "status": status, "detail": self.detail });
        // An extension of the RFC's document: the fields at fault.
        if !self.errors.is_empty() {
            document["errors"] = json!(self.errors);
        }
        let media_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, media_type, document.to_string()).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The answer to the client of a handler that panicked. The message goes to the log.
#[expect(clippy::needless_pass_by_value, reason = "the signature that the layer asks for")]
pub(super) fn from_panic(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let message = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(message, "a handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed on this request").into_response()
}

/// The answer to a request that no route takes.
pub(super) async fn no_route(uri: Uri) -> Problem {
    Problem::not_found(format!("nothing is served at `{}`; GET / lists what is", cut(uri.path().to_owned())))
}

/// The answer where a route does not take the method; the router adds the `Allow` header.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let path = cut(uri.path().to_owned());
    let detail = format!("`{path}` does not take {method}; the Allow header lists what it takes");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
