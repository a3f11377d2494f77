//! `/api/cache/..`: what the cache did, what is cached, and a hand on the lever.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use fastness::{Annotated, Fastness, Role, SiteStats, Stats};
use serde_json::{Value, json};

use super::body::Body;
use super::problem::Problem;
use crate::domain::{Draft, Fields, Violation};

pub(super) fn routes(cache: Fastness) -> Router {
    Router::new()
        .route("/api/cache/stats", get(stats))
        .route("/api/cache/registry", get(registry))
        .route("/api/cache/invalidate", post(invalidate))
        .with_state(cache)
}

/// Of all look-ups, in percent, to two decimals; 0 before the first.
pub(super) fn hit_rate(stats: &Stats) -> f64 {
    (stats.hit_rate().unwrap_or(0.0) * 10_000.0).round() / 100.0
}

async fn stats(State(cache): State<Fastness>) -> Json<Value> {
    let stats = cache.stats();
    let mut all = counters(&stats.total);
    all["invalidations"] = stats.invalidations.into();
    all["entries"] = stats.entries.into();
    all["evictions"] = stats.evictions.into();
    all["sites"] = stats.sites.iter().map(site).collect();
    Json(all)
}

fn site(site: &SiteStats) -> Value {
    let mut counters = counters(&site.stats);
    counters["function"] = site.name.as_str().into();
    counters["key"] = site.key.as_str().into();
    counters
}

fn counters(stats: &Stats) -> Value {
    json!({
        "hits": stats.hits,
        "misses": stats.misses,
        "hitRate": hit_rate(stats),
        "loads": stats.loads,
        "loadErrors": stats.load_errors,
        "meanLoadMs": stats.mean_load_time().map(|mean| mean.as_secs_f64() * 1_000.0),
        "coalesced": stats.coalesced,
        "staleServed": stats.stale_served,
        "earlyRefreshes": stats.early_refreshes,
    })
}

async fn registry() -> Json<Value> {
    Json(fastness::registry().iter().map(annotated).collect())
}

fn annotated(item: &Annotated) -> Value {
    let role = match item.role {
        Role::Cacheable => "cacheable",
        Role::Batch => "cacheable, batch",
        Role::Put => "cache_put",
        Role::Invalidate => "cache_invalidate",
        _ => "other",
    };
    json!({
        "role": role,
        "function": format!("{}::{}", item.module, item.name),
        "keys": item.keys,
        "tags": item.tags,
        "at": format!("{}:{}", item.file, item.line),
    })
}

/// `{"pattern": "user:1"}` or `{"pattern": "user:*"}`.
#[derive(Debug)]
struct Invalidation {
    pattern: String,
}

impl Draft for Invalidation {
    fn read(fields: &mut Fields) -> Self {
        Self {
            pattern: fields.text("pattern", 512),
        }
    }
}

async fn invalidate(
    State(cache): State<Fastness>,
    Body(Invalidation { pattern }): Body<Invalidation>,
) -> Result<Response, Problem> {
    let done = cache.cache().invalidate(&pattern).await;
    done.map_err(|error| Problem::invalid(vec![Violation::new("pattern", error.to_string())]))?;
    Ok(Json(json!({ "invalidated": pattern })).into_response())
}
