//! JSON of answers.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// JSON in which the `_id` of documents is called `id`: the other name is the database's. (`"_id":` can only be a key, as quotes within a
/// text are escaped.)
///
/// # Panics
///
/// On a value that is no JSON, which documents are not.
pub(super) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("documents are JSON").replace("\"_id\":", "\"id\":")
}

/// 200 with documents.
pub(super) fn answer(value: &impl Serialize) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text(value)).into_response()
}
