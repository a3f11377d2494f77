//! `/api/products/{id}/rating`: the rating of a product, as the supplier knows it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::query::PathId;
use crate::domain::Id;
use crate::service::RatingService;
use crate::supplier::Rating;

pub(super) fn routes(ratings: RatingService) -> Router {
    Router::new().route("/api/products/{id}/rating", get(read)).with_state(ratings)
}

#[derive(Serialize, ToSchema)]
#[schema(as = ProductRating)]
pub(super) struct Answer {
    product: Id,
    #[serde(flatten)]
    rating: Rating,
}

async fn read(State(ratings): State<RatingService>, PathId(product): PathId) -> Result<Response, Problem> {
    let rating = ratings.rating(product).await?;
    Ok(Json(Answer { product, rating }).into_response())
}
