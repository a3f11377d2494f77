use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::answer;
use super::body::Body;
use super::problem::Problem;
use super::queries::ListQuery;
use super::query::{PathId, Query};
use super::shared;
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
            shared::page("products", listing.page, &*products.list_products(&listing).await?)
        }
        ListQuery::Batch(ids) => {
            let tags = ids.iter().map(|id| format!("product:{id}"));
            shared::answer(shared::DOCUMENT, tags, answer::batch(&ids, &products.get_products(&ids).await?))
        }
    })
}

async fn search(
    State(products): State<ProductService>,
    Query(query): Query<ProductQuery>,
) -> Result<Response, Problem> {
    let found = products.search_products(&query).await?;
    // As the cache below has it: what is far back is not kept, nor is that nothing was found.
    let is_kept = query.page.number <= shared::LAST_PAGE && !found.items.is_empty();
    let page = Json(&*found).into_response();
    Ok(if is_kept { shared::answer(shared::LIST, ["search".to_owned(), "search:http".to_owned()], page) } else { page })
}

async fn read(State(products): State<ProductService>, PathId(id): PathId) -> Result<Response, Problem> {
    let found = answer::found("product", id, products.get_product(id).await?);
    Ok(shared::answer(shared::DOCUMENT, [format!("product:{id}")], found))
}

async fn create(State(products): State<ProductService>, Body(draft): Body<ProductDraft>) -> Result<Response, Problem> {
    let product = products.create_product(draft).await?;
    Ok(answer::created(format!("/api/products/{}", product.id), &*product))
}

async fn update(
    State(products): State<ProductService>,
    PathId(id): PathId,
    when: When,
    Body(draft): Body<ProductDraft>,
) -> Result<Response, Problem> {
    let only_if = when.holds(products.stored_product(id)).await?;
    Ok(answer::changed("product", id, products.update_product(id, draft, only_if.as_ref()).await?))
}

async fn remove(State(products): State<ProductService>, PathId(id): PathId, when: When) -> Result<Response, Problem> {
    let only_if = when.holds(products.stored_product(id)).await?;
    Ok(answer::deleted("product", id, products.delete_product(id, only_if.as_ref()).await?))
}
