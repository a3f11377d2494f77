//! `/api/resilience` and `/api/breakers/{name}`: what the policies do, and breakers forced by hand.

use std::collections::BTreeMap;

use axum::Json;
use fastness::resilience::breaker::{self, Breaker};
use fastness::resilience::snapshots;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::Body;
use super::cache::percent;
use super::problem::Problem;
use super::query::PathText;
use crate::domain::{Draft, Fields};

pub(super) async fn list() -> Json<Value> {
    let policies = snapshots().into_iter().map(|seen| {
        json!({
            "policy": seen.kind.as_str(),
            "name": seen.name.to_string(),
            "outcomes": seen.outcomes.into_iter().collect::<BTreeMap<_, _>>(),
            "levels": seen.levels.into_iter().collect::<BTreeMap<_, _>>(),
            "breakers": seen.breakers.iter().map(shown).collect::<Value>(),
        })
    });
    Json(policies.collect())
}

/// A breaker at this moment.
fn shown(seen: &breaker::Snapshot) -> Value {
    json!({
        "name": seen.name.to_string(),
        "state": seen.state.as_str(),
        "retryAfter": seen.retry_after.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        "failureRate": seen.failure_rate().map(percent),
        "calls": seen.calls.successes + seen.calls.failures + seen.calls.ignored + seen.calls.cancelled,
        "rejected": seen.calls.rejected,
    })
}

/// A breaker, and its last changes, oldest first.
fn detail(breaker: &Breaker) -> Json<Value> {
    let mut detail = shown(&breaker.snapshot());
    let change = |event: breaker::Event| {
        let at = u64::try_from(event.at.as_millis()).unwrap_or(u64::MAX);
        json!({ "at": at, "from": event.from.as_str(), "to": event.to.as_str(), "why": event.cause.to_string() })
    };
    detail["changes"] = breaker.events().into_iter().map(change).collect();
    Json(detail)
}

fn named(name: &str) -> Result<Breaker, Problem> {
    Breaker::find(name)
        .ok_or_else(|| Problem::not_found("no circuit breaker has this name; GET /api/resilience lists them"))
}

pub(super) async fn read(PathText(name): PathText) -> Result<Json<Value>, Problem> {
    named(&name).map(|breaker| detail(&breaker))
}

/// The state that a client wants of a breaker.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WantedState {
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
#[derive(Debug)]
pub(super) struct BreakerWish {
    state: WantedState,
}

impl Draft for BreakerWish {
    fn read(fields: &mut Fields) -> Self {
        Self { state: fields.required_choice("state") }
    }
}

pub(super) async fn force(
    PathText(name): PathText,
    Body(BreakerWish { state }): Body<BreakerWish>,
) -> Result<Json<Value>, Problem> {
    let breaker = named(&name)?;
    match state {
        WantedState::Automatic => breaker.automatic(),
        WantedState::Open => breaker.force_open(),
        WantedState::Closed => breaker.force_closed(),
        WantedState::Disabled => breaker.disable(),
    }
    Ok(detail(&breaker))
}
