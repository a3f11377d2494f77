//! `/api/products`: list, create, read, update and delete; a search by words.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::body::Body;
use super::cache_control;
use super::problem::Problem;
use super::queries::ListQuery;
use super::query::{PathId, Query};
use super::responses;
use super::when::When;
use crate::domain::{Product, ProductDraft, ProductQuery};
use crate::service::ProductService;

pub(super) fn routes(products: ProductService) -> Router {
    Router::new()
        .route("/api/products", get(list).post(create))
        .route("/api/products/search", get(search))
        .route("/api/products/{id}", get(read).put(update).delete(remove))
        .with_state(products)
}

async fn list(
    State(products): State<ProductService>,
    Query(query): Query<ListQuery<Product>>,
) -> Result<Response, Problem> {
    Ok(match query {
        ListQuery::Page(listing, _) => {
            cache_control::page("products", listing.page, &*products.list_products(&listing).await?)
        }
        ListQuery::Batch(ids) => {
            let tags = ids.iter().map(|id| format!("product:{id}"));
            cache_control::allow(
                cache_control::DOCUMENT,
                tags,
                responses::batch(&ids, &products.get_products(&ids).await?),
            )
        }
    })
}

async fn search(
    State(products): State<ProductService>,
    Query(query): Query<ProductQuery>,
) -> Result<Response, Problem> {
    let found = products.search_products(&query).await?;
    // As the cache below has it: what is far back is not kept, nor is that nothing was found.
    let is_kept = query.page.number <= cache_control::LAST_PAGE && !found.items.is_empty();
    let page = Json(&*found).into_response();
    Ok(if is_kept {
        cache_control::allow(cache_control::LIST, ["search".to_owned(), "search:http".to_owned()], page)
    } else {
        page
    })
}

async fn read(State(products): State<ProductService>, PathId(id): PathId) -> Result<Response, Problem> {
    let found = responses::found("product", id, products.get_product(id).await?);
    Ok(cache_control::allow(cache_control::DOCUMENT, [format!("product:{id}")], found))
}

async fn create(State(products): State<ProductService>, Body(draft): Body<ProductDraft>) -> Result<Response, Problem> {
    let product = products.create_product(draft).await?;
    Ok(responses::created(format!("/api/products/{}", product.id), &*product))
}

async fn update(
    State(products): State<ProductService>,
    PathId(id): PathId,
    when: When,
    Body(draft): Body<ProductDraft>,
) -> Result<Response, Problem> {
    let only_if = when.holds(products.stored_product(id)).await?;
    Ok(responses::changed("product", id, products.update_product(id, draft, only_if.as_ref()).await?))
}

async fn remove(State(products): State<ProductService>, PathId(id): PathId, when: When) -> Result<Response, Problem> {
    let only_if = when.holds(products.stored_product(id)).await?;
    Ok(responses::deleted("product", id, products.delete_product(id, only_if.as_ref()).await?))
}
