//! Figures of the routes and of the database on the monitor's page.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use fastness::http::{self, Timings};
use fastness::monitor::SlowQuery;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::store::Repository;

/// Every route and method, as the monitor has them. Not those of health: a 503 is what they are asked for, and no error.
pub(crate) fn watched_routes(timings: &Timings) -> Vec<http::Snapshot> {
    timings.snapshots().into_iter().filter(|route| !route.route.starts_with("/health")).collect()
}

pub(super) fn routes(repository: Arc<dyn Repository>) -> Router {
    Router::new()
        .route("/api/slow-queries", get(slow_queries))
        .route("/api/indexes", get(indexes))
        .with_state(repository)
}

async fn slow_queries(State(repository): State<Arc<dyn Repository>>) -> Json<Vec<SlowQuery>> {
    Json(repository.slow_queries())
}

/// The database: its kind, its indexes, its changes.
#[derive(Serialize, ToSchema)]
pub(super) struct Indexes {
    database: Value,
}

async fn indexes(State(repository): State<Arc<dyn Repository>>) -> Json<Indexes> {
    Json(Indexes { database: repository.report() })
}
