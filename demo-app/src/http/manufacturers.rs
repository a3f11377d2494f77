//! `/api/manufacturers`: list, create, read, update and delete.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::body::Body;
use super::cache_control;
use super::problem::Problem;
use super::queries::ListQuery;
use super::query::{PathId, Query};
use super::responses;
use super::when::When;
use crate::domain::{Manufacturer, ManufacturerDraft};
use crate::service::ManufacturerService;

pub(super) fn routes(manufacturers: ManufacturerService) -> Router {
    Router::new()
        .route("/api/manufacturers", get(list).post(create))
        .route("/api/manufacturers/{id}", get(read).put(update).delete(remove))
        .with_state(manufacturers)
}

async fn list(
    State(manufacturers): State<ManufacturerService>,
    Query(query): Query<ListQuery<Manufacturer>>,
) -> Result<Response, Problem> {
    Ok(match query {
        ListQuery::Page(listing, _) => {
            cache_control::page("manufacturers", listing.page, &*manufacturers.list_manufacturers(&listing).await?)
        }
        ListQuery::Batch(ids) => {
            let tags = ids.iter().map(|id| format!("manufacturer:{id}"));
            cache_control::allow(
                cache_control::DOCUMENT,
                tags,
                responses::batch(&ids, &manufacturers.get_manufacturers(&ids).await?),
            )
        }
    })
}

async fn read(State(manufacturers): State<ManufacturerService>, PathId(id): PathId) -> Result<Response, Problem> {
    let found = responses::found("manufacturer", id, manufacturers.get_manufacturer(id).await?);
    Ok(cache_control::allow(cache_control::DOCUMENT, [format!("manufacturer:{id}")], found))
}

async fn create(
    State(manufacturers): State<ManufacturerService>,
    Body(draft): Body<ManufacturerDraft>,
) -> Result<Response, Problem> {
    let manufacturer = manufacturers.create_manufacturer(draft).await?;
    Ok(responses::created(format!("/api/manufacturers/{}", manufacturer.id), &*manufacturer))
}

async fn update(
    State(manufacturers): State<ManufacturerService>,
    PathId(id): PathId,
    when: When,
    Body(draft): Body<ManufacturerDraft>,
) -> Result<Response, Problem> {
    let only_if = when.holds(manufacturers.stored_manufacturer(id)).await?;
    Ok(responses::changed("manufacturer", id, manufacturers.update_manufacturer(id, draft, only_if.as_ref()).await?))
}

async fn remove(
    State(manufacturers): State<ManufacturerService>,
    PathId(id): PathId,
    when: When,
) -> Result<Response, Problem> {
    let only_if = when.holds(manufacturers.stored_manufacturer(id)).await?;
    Ok(responses::deleted("manufacturer", id, manufacturers.delete_manufacturer(id, only_if.as_ref()).await?))
}
