//! The function that authorises a request.

use axum::http::request::Parts;
use axum::response::Response;

/// Authorises a request; the error is the response to a request that it rejects.
pub(super) type AuthorizeFn = dyn Fn(&Parts) -> Result<(), Response> + Send + Sync;
