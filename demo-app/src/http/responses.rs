//! Responses that models share: found, created, deleted, a batch.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::json;
use super::problem::Problem;
use super::when;
use crate::domain::{Id, Model, cut};

/// 200 with a document, and the tag by which a change may be made to depend on it.
pub(super) fn tagged(document: &impl Serialize) -> Response {
    let json = json::text(document);
    ([(header::CONTENT_TYPE, "application/json"), (header::ETAG, &when::tag(json.as_bytes()))], json).into_response()
}

/// The document, or a 404 that names what was asked for.
pub(super) fn found<M: Model>(id: impl Display, document: Option<Arc<M>>) -> Result<Arc<M>, Problem> {
    document.ok_or_else(|| absent::<M>(id))
}

/// Some documents by their ids.
#[derive(Serialize)]
pub(super) struct Batch<T> {
    /// The items, in the order asked for.
    items: Vec<T>,
    /// The ids that name none.
    missing: Vec<Id>,
}

/// 200 with the documents in the order asked for, and the ids that name none.
pub(super) fn batch<M: Model>(ids: &[Id], documents: &HashMap<Id, Arc<M>>) -> Response {
    let items: Vec<_> = ids.iter().filter_map(|id| documents.get(id)).map(|document| &**document).collect();
    let missing = ids.iter().copied().filter(|id| !documents.contains_key(id)).collect();
    json::answer(&Batch { items, missing })
}

/// 201 with the document and where it is from now on.
pub(super) fn created<M: Model>(id: &str, document: &M) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, format!("/api/{}/{id}", M::MANY))], json::answer(document))
        .into_response()
}

/// 204, or 404 that names what was asked for.
pub(super) fn deleted<M: Model>(id: Id, was_there: bool) -> Result<Response, Problem> {
    if was_there { Ok(StatusCode::NO_CONTENT.into_response()) } else { Err(absent::<M>(id)) }
}

fn absent<M: Model>(id: impl Display) -> Problem {
    Problem::not_found(format!("no {} has the id {}", M::ONE, cut(id.to_string())))
}
