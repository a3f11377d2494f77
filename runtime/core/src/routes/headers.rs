//! Headers of several answers.

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, HeaderValue};

/// Forbids every cache to store an answer.
pub(super) const NO_STORE: (HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
