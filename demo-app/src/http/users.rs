//! `/api/users`: list, create, read, update and delete.

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
use crate::domain::{User, UserDraft};
use crate::service::UserService;

pub(super) fn routes(users: UserService) -> Router {
    Router::new()
        .route("/api/users", get(list).post(create))
        .route("/api/users/{id}", get(read).put(update).delete(remove))
        .with_state(users)
}

async fn list(State(users): State<UserService>, Query(query): Query<ListQuery<User>>) -> Result<Response, Problem> {
    Ok(match query {
        ListQuery::Page(listing, _) => cache_control::page("users", listing.page, &*users.list_users(&listing).await?),
        ListQuery::Batch(ids) => {
            let tags = ids.iter().map(|id| format!("user:{id}"));
            cache_control::allow(cache_control::DOCUMENT, tags, responses::batch(&ids, &users.get_users(&ids).await?))
        }
    })
}

async fn read(State(users): State<UserService>, PathId(id): PathId) -> Result<Response, Problem> {
    let found = responses::found("user", id, users.get_user(id).await?);
    Ok(cache_control::allow(cache_control::DOCUMENT, [format!("user:{id}")], found))
}

async fn create(State(users): State<UserService>, Body(draft): Body<UserDraft>) -> Result<Response, Problem> {
    let user = users.create_user(draft).await?;
    Ok(responses::created(format!("/api/users/{}", user.id), &*user))
}

async fn update(
    State(users): State<UserService>,
    PathId(id): PathId,
    when: When,
    Body(draft): Body<UserDraft>,
) -> Result<Response, Problem> {
    let only_if = when.holds(users.stored_user(id)).await?;
    Ok(responses::changed("user", id, users.update_user(id, draft, only_if.as_ref()).await?))
}

async fn remove(State(users): State<UserService>, PathId(id): PathId, when: When) -> Result<Response, Problem> {
    let only_if = when.holds(users.stored_user(id)).await?;
    Ok(responses::deleted("user", id, users.delete_user(id, only_if.as_ref()).await?))
}
