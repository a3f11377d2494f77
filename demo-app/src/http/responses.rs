//! Responses that all models share: found, changed, created, deleted, a batch.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::when;
use crate::domain::{Id, cut};

/// 200 with the document and its `ETag`, or 404 that names what was looked for.
pub(super) fn found<T: Serialize>(what: &str, id: impl Display, document: Option<Arc<T>>) -> Response {
    match document {
        Some(document) => tagged(&*document),
        None => absent(what, id),
    }
}

/// 200 with a document that was changed, or 404. Without a tag: what a client sent is not what is stored, so it has to read it first.
pub(super) fn changed<T: Serialize>(what: &str, id: impl Display, document: Option<Arc<T>>) -> Response {
    match document {
        Some(document) => Json(&*document).into_response(),
        None => absent(what, id),
    }
}

/// A document, and the tag by which a change may be made to depend on it.
fn tagged<T: Serialize>(document: &T) -> Response {
    let Ok(json) = serde_json::to_vec(document) else { return Json(document).into_response() };
    let tag = when::tag(&json);
    ([(header::CONTENT_TYPE, "application/json"), (header::ETAG, &tag)], json).into_response()
}

/// Some documents by their ids.
#[derive(Serialize, ToSchema)]
pub(super) struct Batch<T> {
    /// The items, in the order asked for.
    items: Vec<T>,
    /// The ids that name none.
    missing: Vec<Id>,
}

/// 200 with the documents in the order asked for, and the ids that name none.
pub(super) fn batch<T: Serialize>(ids: &[Id], documents: &HashMap<Id, Arc<T>>) -> Response {
    let items = ids.iter().filter_map(|id| documents.get(id)).map(|document| &**document).collect();
    let missing = ids.iter().copied().filter(|id| !documents.contains_key(id)).collect();
    Json(Batch { items, missing }).into_response()
}

/// 201 with the document and where it is from now on.
pub(super) fn created<T: Serialize>(location: String, document: &T) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, location)], Json(document)).into_response()
}

/// 204, or 404 that names what was looked for.
pub(super) fn deleted(what: &str, id: Id, was_there: bool) -> Response {
    if was_there { StatusCode::NO_CONTENT.into_response() } else { absent(what, id) }
}

fn absent(what: &str, id: impl Display) -> Response {
    Problem::not_found(format!("no {what} has the id {}", cut(id.to_string()))).into_response()
}
