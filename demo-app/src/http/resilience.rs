//! `/api/resilience` and `/api/breakers/{name}`: what the policies do, and a hand on the breakers.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use fastness::resilience::breaker::{self, Breaker};
use fastness::resilience::{Snapshot, snapshots};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::problem::Problem;
use super::query::PathText;
use crate::domain::{Draft, Fields};

pub(super) fn routes() -> Router {
    Router::new().route("/api/resilience", get(list)).route("/api/breakers/{name}", get(read).put(force))
}

#[derive(Serialize, ToSchema)]
pub(super) struct Policy {
    #[serde(rename = "policy")]
    kind: &'static str,
    name: String,
    /// Calls by outcome, since the start.
    outcomes: BTreeMap<&'static str, u64>,
    /// Present levels, by name.
    levels: BTreeMap<&'static str, u64>,
    /// Breakers, for a breaker policy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    breakers: Vec<Shown>,
}

/// A breaker at this moment.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Breaker)]
pub(super) struct Shown {
    name: String,
    state: &'static str,
    /// Milliseconds until it is probed; null unless it is open.
    retry_after: Option<u64>,
    /// Failures in percent of the calls in the window; null if there are none.
    failure_rate: Option<f64>,
    calls: u64,
    rejected: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BreakerDetail)]
pub(super) struct Detail {
    #[serde(flatten)]
    now: Shown,
    /// The last changes, oldest first.
    changes: Vec<Change>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BreakerChange)]
pub(super) struct Change {
    /// Milliseconds since the start.
    #[schema(value_type = u64)]
    at: u128,
    from: &'static str,
    to: &'static str,
    why: String,
}

impl From<&breaker::Snapshot> for Shown {
    fn from(seen: &breaker::Snapshot) -> Self {
        Self {
            name: seen.name.to_string(),
            state: seen.state.as_str(),
            retry_after: seen.retry_after.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            failure_rate: seen.failure_rate().map(|rate| super::cache::rounded(rate * 100.0)),
            calls: seen.calls.successes + seen.calls.failures + seen.calls.ignored + seen.calls.cancelled,
            rejected: seen.calls.rejected,
        }
    }
}

impl From<breaker::Event> for Change {
    fn from(event: breaker::Event) -> Self {
        let (from, to) = (event.from.as_str(), event.to.as_str());
        Self { at: event.at.as_millis(), from, to, why: event.cause.to_string() }
    }
}

async fn list() -> Json<Vec<Policy>> {
    let policy = |seen: Snapshot| Policy {
        kind: seen.kind.as_str(),
        name: seen.name.to_string(),
        outcomes: seen.outcomes.into_iter().collect(),
        levels: seen.levels.into_iter().collect(),
        breakers: seen.breakers.iter().map(Shown::from).collect(),
    };
    Json(snapshots().into_iter().map(policy).collect())
}

fn named(name: &str) -> Result<Breaker, Problem> {
    Breaker::find(name)
        .ok_or_else(|| Problem::not_found("no circuit breaker has this name; GET /api/resilience lists them"))
}

fn detail(breaker: &Breaker) -> Response {
    let changes = breaker.events().into_iter().map(Change::from).collect();
    Json(Detail { now: Shown::from(&breaker.snapshot()), changes }).into_response()
}

async fn read(PathText(name): PathText) -> Result<Response, Problem> {
    named(&name).map(|breaker| detail(&breaker))
}

/// The state that a client wants of a breaker.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Wish {
    /// The breaker decides by itself.
    #[default]
    Automatic,
    /// No call is made.
    Open,
    /// Every call is made.
    Closed,
    /// The same, and nothing is counted.
    Disabled,
}

/// `{"state": "open"}`.
#[derive(Debug, ToSchema)]
#[schema(as = BreakerWish)]
pub(super) struct Force {
    state: Wish,
}

impl Draft for Force {
    fn read(fields: &mut Fields) -> Self {
        Self { state: fields.required_choice("state") }
    }
}

async fn force(PathText(name): PathText, Body(Force { state }): Body<Force>) -> Result<Response, Problem> {
    let breaker = named(&name)?;
    match state {
        Wish::Automatic => breaker.automatic(),
        Wish::Open => breaker.force_open(),
        Wish::Closed => breaker.force_closed(),
        Wish::Disabled => breaker.disable(),
    }
    Ok(detail(&breaker))
}
