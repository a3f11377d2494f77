//! `/api/settings`: options of functions and policies, changed while the server runs.

use axum::Json;
use axum::extract::State;
use fastness::settings::{AppliedSettings, WrongSetting};
use serde_json::Value;

use super::body::Body;
use super::parts::Parts;
use super::problem::Problem;
use crate::domain::{Draft, Fields, Violation};

pub(super) async fn read(State(Parts { cache, .. }): State<Parts>) -> Json<AppliedSettings> {
    Json(cache.settings())
}

/// `{"functions": {"search_products": {"ttl": "30s"}}, "policies": {"supplier": {"circuit_breaker": {"open_for": "30s"}}}}`.
#[derive(Debug)]
pub(super) struct SettingsWish(Value);

impl Draft for SettingsWish {
    fn read(fields: &mut Fields) -> Self {
        Self(fields.all().into())
    }
}

/// Puts these settings in the place of all that were applied before.
pub(super) async fn apply(
    State(Parts { cache, .. }): State<Parts>,
    Body(SettingsWish(settings)): Body<SettingsWish>,
) -> Result<Json<AppliedSettings>, Problem> {
    cache.apply_settings(&settings).map_err(|error| {
        // With the whole path, which only operators read, and which a long name would cut elsewhere.
        let violation = |fault: &WrongSetting| Violation { field: fault.path.clone(), message: fault.message.clone() };
        let faults = error.wrong_settings().iter().map(violation);
        Problem::invalid(faults.collect())
    })?;
    let applied = cache.settings();
    tracing::info!(settings = %applied, "settings were applied");
    Ok(Json(applied))
}
