//! `/api/supplier`: who knows the ratings, and a hand to break it, so that what the breaker does can be watched.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Body;
use super::problem::Problem;
use crate::domain::{Draft, Fields};
use crate::supplier::{Mood, Supplier};

pub(super) fn routes(supplier: Supplier) -> Router {
    Router::new().route("/api/supplier", get(read).put(turn)).with_state(supplier)
}

/// The supplier that knows the ratings.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SupplierState {
    url: String,
    /// Null if the supplier is not this server's own.
    #[schema(required)]
    stand_in: Option<StandInState>,
}

/// A supplier that can be broken.
#[derive(Serialize, ToSchema)]
struct StandInState {
    mood: Mood,
    /// The number of requests that it has had.
    requests: u64,
}

impl From<&Supplier> for SupplierState {
    fn from(supplier: &Supplier) -> Self {
        let stand_in = supplier.stand_in.as_ref();
        let stand_in = stand_in.map(|own| StandInState { mood: own.mood(), requests: own.requests() });
        Self { url: supplier.client.url().to_string(), stand_in }
    }
}

async fn read(State(supplier): State<Supplier>) -> Json<SupplierState> {
    Json(SupplierState::from(&supplier))
}

/// `{"mood": "dead"}`.
#[derive(Debug, ToSchema)]
#[schema(as = SupplierChange)]
pub(super) struct Change {
    mood: Mood,
}

impl Draft for Change {
    fn read(fields: &mut Fields) -> Self {
        Self { mood: fields.required_choice("mood") }
    }
}

async fn turn(State(supplier): State<Supplier>, Body(Change { mood }): Body<Change>) -> Result<Response, Problem> {
    let Some(stand_in) = &supplier.stand_in else {
        let detail = "the supplier is not this server's own: start it without SUPPLIER_URL to break it";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    };
    stand_in.turn(mood).await.map_err(|error| {
        tracing::warn!(%error, "the supplier cannot come back");
        Problem::new(
            StatusCode::CONFLICT,
            "another process has taken the supplier's port: the stand-in stays dead until it is free",
        )
    })?;
    tracing::info!(?mood, "the supplier's mood was changed");
    Ok(Json(SupplierState::from(&supplier)).into_response())
}
