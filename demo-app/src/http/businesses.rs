//! `/api/businesses`: list, create, read, update and delete; the catalogue of one business.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::body::Body;
use super::cache_control;
use super::problem::Problem;
use super::queries::{Catalog, ListQuery};
use super::query::{PathId, Query};
use super::responses;
use super::when::When;
use crate::domain::{Business, BusinessDraft};
use crate::service::{BusinessService, ProductService};

pub(super) fn routes(businesses: BusinessService, products: ProductService) -> Router {
    let catalog = Router::new()
        .route("/api/businesses/{id}/products", get(products_of))
        .with_state((businesses.clone(), products));
    Router::new()
        .route("/api/businesses", get(list).post(create))
        .route("/api/businesses/{id}", get(read).put(update).delete(remove))
        .with_state(businesses)
        .merge(catalog)
}

async fn list(
    State(businesses): State<BusinessService>,
    Query(query): Query<ListQuery<Business>>,
) -> Result<Response, Problem> {
    Ok(match query {
        ListQuery::Page(listing, _) => {
            cache_control::page("businesses", listing.page, &*businesses.list_businesses(&listing).await?)
        }
        ListQuery::Batch(ids) => {
            let tags = ids.iter().map(|id| format!("business:{id}"));
            cache_control::allow(
                cache_control::DOCUMENT,
                tags,
                responses::batch(&ids, &businesses.get_businesses(&ids).await?),
            )
        }
    })
}

async fn read(State(businesses): State<BusinessService>, PathId(id): PathId) -> Result<Response, Problem> {
    let found = responses::found("business", id, businesses.get_business(id).await?);
    Ok(cache_control::allow(cache_control::DOCUMENT, [format!("business:{id}")], found))
}

async fn create(
    State(businesses): State<BusinessService>,
    Body(draft): Body<BusinessDraft>,
) -> Result<Response, Problem> {
    let business = businesses.create_business(draft).await?;
    Ok(responses::created(format!("/api/businesses/{}", business.id), &*business))
}

async fn update(
    State(businesses): State<BusinessService>,
    PathId(id): PathId,
    when: When,
    Body(draft): Body<BusinessDraft>,
) -> Result<Response, Problem> {
    let only_if = when.holds(businesses.stored_business(id)).await?;
    Ok(responses::changed("business", id, businesses.update_business(id, draft, only_if.as_ref()).await?))
}

async fn remove(
    State(businesses): State<BusinessService>,
    PathId(id): PathId,
    when: When,
) -> Result<Response, Problem> {
    let only_if = when.holds(businesses.stored_business(id)).await?;
    Ok(responses::deleted("business", id, businesses.delete_business(id, only_if.as_ref()).await?))
}

/// An unknown business is a 404, not an empty list.
async fn products_of(
    State((businesses, products)): State<(BusinessService, ProductService)>,
    PathId(id): PathId,
    Query(catalog): Query<Catalog>,
) -> Result<Response, Problem> {
    if businesses.get_business(id).await?.is_none() {
        return Ok(responses::found::<()>("business", id, None));
    }
    let listing = catalog.listing(id)?;
    let page = Json(&*products.products_of(id, &listing).await?).into_response();
    Ok(cache_control::allow(cache_control::LIST, [format!("catalog:{id}:http"), format!("business:{id}")], page))
}
