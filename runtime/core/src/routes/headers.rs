//! Response headers that several pages share.

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, HeaderValue};

/// Forbids caches to store a response.
pub(super) const NO_STORE: (HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
