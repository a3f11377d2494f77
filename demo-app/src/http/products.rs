//! Products by words, by business, and as others rate them.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::cache_control::{self, LAST_PAGE, LIST};
use super::json;
use super::problem::Problem;
use super::queries::Catalog;
use super::query::{PathId, Query};
use super::responses;
use crate::domain::{Business, ProductQuery};
use crate::service::{Market, Resource, products, ratings};
use crate::supplier::Rating;

pub(super) async fn search(
    State(market): State<Market>,
    Query(query): Query<ProductQuery>,
) -> Result<Response, Problem> {
    let found = products::search_products(&market, &query).await?;
    let page = json::answer(&*found);
    // As in the cache of the function: late pages and empty results are not stored.
    if query.page.number > LAST_PAGE || found.items.is_empty() {
        return Ok(page);
    }
    Ok(cache_control::allow(LIST, ["search", "search:http"], page))
}

/// The products of a business. An unknown business is a 404, not an empty list.
pub(super) async fn of_business(
    State(market): State<Market>,
    PathId(id): PathId,
    Query(catalog): Query<Catalog>,
) -> Result<Response, Problem> {
    responses::found(id, Business::get(&market, id).await?)?;
    let listing = catalog.listing(id)?;
    let page = json::answer(&*products::products_of(&market, id, &listing).await?);
    Ok(cache_control::allow(LIST, [format!("catalog:{id}:http"), format!("business:{id}")], page))
}

/// The rating of a product, as the supplier knows it.
pub(super) async fn rating(State(market): State<Market>, PathId(product): PathId) -> Result<Response, Problem> {
    let Rating { stars, reviews } = ratings::rating(&market, product).await?;
    Ok(json::answer(&json!({ "product": product, "stars": stars, "reviews": reviews })))
}
