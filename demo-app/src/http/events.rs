//! `/api/events`: list, append and read; a search by place, and the trace of a product.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Body;
use super::cache_control;
use super::problem::Problem;
use super::queries::List;
use super::query::{PathId, Query};
use super::responses;
use crate::domain::{EventDraft, Listing, Near, NearEvent, PageRequest, Scalar, SortKey, SupplyChainEvent};
use crate::service::{EventService, ProductService};
use crate::store::Collection;

pub(super) fn routes(events: EventService, products: ProductService) -> Router {
    let traces = Router::new().route("/api/products/{id}/trace", get(trace)).with_state((events.clone(), products));
    Router::new()
        .route("/api/events", get(list).post(append))
        .route("/api/events/near", get(near))
        .route("/api/events/{id}", get(read))
        .with_state(events)
        .merge(traces)
}

async fn list(
    State(events): State<EventService>,
    Query(List(listing, _)): Query<List<SupplyChainEvent>>,
) -> Result<Response, Problem> {
    Ok(cache_control::page("events", listing.page, &*events.list_events(&listing).await?))
}

async fn read(State(events): State<EventService>, PathId(id): PathId) -> Result<Response, Problem> {
    let found = responses::found("event", id, events.get_event(id).await?);
    Ok(cache_control::allow(cache_control::FOR_GOOD, [format!("event:{id}")], found))
}

async fn append(State(events): State<EventService>, Body(draft): Body<EventDraft>) -> Result<Response, Problem> {
    let event = events.append(draft).await?;
    Ok(responses::created(format!("/api/events/{}", event.id), &*event))
}

/// Events near a place, the nearest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Nearby<'a> {
    items: &'a [NearEvent],
}

async fn near(State(events): State<EventService>, Query(near): Query<Near>) -> Result<Response, Problem> {
    let found = events.events_near(near).await?;
    Ok(cache_control::allow(
        cache_control::TALLY,
        ["near", "near:http"],
        Json(Nearby { items: &found }).into_response(),
    ))
}

/// The events of a product, the earliest first. An unknown product is a 404.
async fn trace(
    State((events, products)): State<(EventService, ProductService)>,
    PathId(id): PathId,
    Query(page): Query<PageRequest>,
) -> Result<Response, Problem> {
    if products.get_product(id).await?.is_none() {
        return Ok(responses::found::<()>("product", id, None));
    }
    let page = Json(&*events.trace(id, &trace_of(id, page)?).await?).into_response();
    Ok(cache_control::allow(cache_control::LIST, [format!("trace:{id}:http"), format!("product:{id}")], page))
}

fn trace_of(product: u64, page: PageRequest) -> Result<Listing, Problem> {
    let filter = [("productId".to_owned(), Scalar::Number(product))].into();
    let sort = [SortKey { field: "timestamp".to_owned(), descending: false }];
    Ok(Collection::Events.listing(filter, &sort, page)?)
}
