//! Events: list, append and read; a search by place, and the trace of a product.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::body::Body;
use super::cache_control::{self, FOR_GOOD, LIST, TALLY};
use super::json;
use super::problem::Problem;
use super::queries::List;
use super::query::{PathId, Query};
use super::responses;
use crate::domain::{Listing, Model, Near, PageRequest, Product, Scalar, SortKey, SupplyChainEvent};
use crate::service::{Market, Resource, events};

pub(super) async fn list(
    State(market): State<Market>,
    Query(List(listing, _)): Query<List<SupplyChainEvent>>,
) -> Result<Response, Problem> {
    Ok(cache_control::page(SupplyChainEvent::MANY, listing.page, &*events::list_events(&market, &listing).await?))
}

pub(super) async fn read(State(market): State<Market>, PathId(id): PathId) -> Result<Response, Problem> {
    let event = responses::found(id, events::get_event(&market, id).await?)?;
    Ok(cache_control::allow(FOR_GOOD, [format!("event:{id}")], responses::tagged(&*event)))
}

pub(super) async fn append(
    State(market): State<Market>,
    Body(draft): Body<SupplyChainEvent>,
) -> Result<Response, Problem> {
    let event = events::append_event(&market, draft).await?;
    Ok(responses::created(&event.id.to_string(), &*event))
}

/// Events near a place, the nearest first.
pub(super) async fn near(State(market): State<Market>, Query(near): Query<Near>) -> Result<Response, Problem> {
    let found = events::events_near(&market, near).await?;
    Ok(cache_control::allow(TALLY, ["near", "near:http"], json::answer(&json!({ "items": *found }))))
}

/// The events of a product, the earliest first. An unknown product is a 404.
pub(super) async fn trace(
    State(market): State<Market>,
    PathId(id): PathId,
    Query(page): Query<PageRequest>,
) -> Result<Response, Problem> {
    responses::found(id, Product::get(&market, id).await?)?;
    let filter = [("productId".to_owned(), Scalar::Number(id))].into();
    let listing = Listing::new::<SupplyChainEvent>(filter, &[SortKey::parse("timestamp")], page)?;
    let page = json::answer(&*events::trace(&market, id, &listing).await?);
    Ok(cache_control::allow(LIST, [format!("trace:{id}:http"), format!("product:{id}")], page))
}
