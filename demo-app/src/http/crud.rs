//! List, create, read, update and delete: the same for each [`Resource`].

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};

use super::body::Body;
use super::cache_control::{self, DOCUMENT};
use super::json;
use super::problem::Problem;
use super::queries::ListQuery;
use super::query::{PathId, Query};
use super::responses;
use super::when::When;
use crate::service::{Market, Resource};

/// The collection.
pub(super) fn many<M: Resource>() -> MethodRouter<Market> {
    get(list::<M>).post(create::<M>)
}

/// A document.
pub(super) fn one<M: Resource>() -> MethodRouter<Market> {
    get(read::<M>).put(update::<M>).delete(remove::<M>)
}

async fn list<M: Resource>(
    State(market): State<Market>,
    Query(query): Query<ListQuery<M>>,
) -> Result<Response, Problem> {
    match query {
        ListQuery::Page(listing, _) => {
            Ok(cache_control::page(M::MANY, listing.page, &*M::list(&market, &listing).await?))
        }
        ListQuery::Batch(ids) => {
            let found = M::get_many(&market, &ids).await?;
            let tags = ids.iter().map(|id| format!("{}:{id}", M::ONE));
            Ok(cache_control::allow(DOCUMENT, tags, responses::batch(&ids, &found)))
        }
    }
}

async fn read<M: Resource>(State(market): State<Market>, PathId(id): PathId) -> Result<Response, Problem> {
    let document = responses::found(id, M::get(&market, id).await?)?;
    Ok(cache_control::allow(DOCUMENT, [format!("{}:{id}", M::ONE)], responses::tagged(&*document)))
}

async fn create<M: Resource>(State(market): State<Market>, Body(draft): Body<M>) -> Result<Response, Problem> {
    let id = M::stored(&market).next_id().await?;
    Ok(responses::created(&id.to_string(), &*M::insert(&market, id, draft).await?))
}

async fn update<M: Resource>(
    State(market): State<Market>,
    PathId(id): PathId,
    when: When,
    Body(draft): Body<M>,
) -> Result<Response, Problem> {
    let only_if = when.holds(M::stored(&market).find(&id)).await?;
    let document = responses::found(id, M::update(&market, id, draft, only_if.as_ref()).await?)?;
    // Without a tag: what a client sent is not what is stored, so it has to read it first.
    Ok(json::answer(&*document))
}

async fn remove<M: Resource>(
    State(market): State<Market>,
    PathId(id): PathId,
    when: When,
) -> Result<Response, Problem> {
    let only_if = when.holds(M::stored(&market).find(&id)).await?;
    responses::deleted::<M>(id, M::delete(&market, id, only_if.as_ref()).await?)
}
