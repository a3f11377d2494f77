//! `/api/supplier`: the source of ratings, and a way to break it, so that the breaker can be watched at work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::body::Body;
use super::parts::Parts;
use super::problem::Problem;
use crate::domain::{Draft, Fields};
use crate::supplier::{Mood, Supplier};

fn shown(Supplier { client, stand_in }: &Supplier) -> Json<Value> {
    let stand_in =
        stand_in.as_ref().map(|stand_in| json!({ "mood": stand_in.mood(), "requests": stand_in.requests() }));
    Json(json!({ "url": client.url().to_string(), "standIn": stand_in }))
}

pub(super) async fn read(State(Parts { supplier, .. }): State<Parts>) -> Json<Value> {
    shown(&supplier)
}

/// `{"mood": "dead"}`.
#[derive(Debug)]
pub(super) struct SupplierWish {
    mood: Mood,
}

impl Draft for SupplierWish {
    fn read(fields: &mut Fields) -> Self {
        Self { mood: fields.required_choice("mood") }
    }
}

pub(super) async fn turn(
    State(Parts { supplier, .. }): State<Parts>,
    Body(SupplierWish { mood }): Body<SupplierWish>,
) -> Result<Json<Value>, Problem> {
    let conflict = |detail| Problem::new(StatusCode::CONFLICT, detail);
    let Some(stand_in) = &supplier.stand_in else {
        return Err(conflict("the supplier is not this server's own: start it without SUPPLIER_URL to break it"));
    };
    stand_in.turn(mood).await.map_err(|error| {
        tracing::warn!(%error, "the supplier cannot come back");
        conflict("another process has taken the supplier's port: the stand-in stays dead until it is free")
    })?;
    tracing::info!(?mood, "the supplier's mood was changed");
    Ok(shown(&supplier))
}
