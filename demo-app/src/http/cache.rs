//! `/api/cache/..`: what the cache did, what is cached, and an invalidation by hand.

use axum::Json;
use axum::extract::State;
use fastness::registry::Role;
use fastness::stats::Stats;
use fastness::{Reach, Scope};
use serde_json::{Value, json};

use super::body::Body;
use super::parts::Parts;
use super::problem::Problem;
use crate::domain::{Draft, Fields, Violation};

pub(super) async fn stats(State(Parts { cache, .. }): State<Parts>) -> Json<Value> {
    let stats = cache.stats();
    let sites = stats.sites.iter().map(|site| {
        let mut counters = counters(&site.stats);
        (counters["function"], counters["key"]) = (json!(site.name), json!(site.key));
        counters
    });
    let mut all = counters(&stats.total);
    all["sites"] = sites.collect();
    for (name, count) in
        [("invalidations", stats.invalidations), ("entries", stats.entries as u64), ("evictions", stats.evictions)]
    {
        all[name] = count.into();
    }
    Json(all)
}

/// The counters of one call site, or of all together.
fn counters(stats: &Stats) -> Value {
    json!({
        "hits": stats.hits,
        "misses": stats.misses,
        "hitRate": percent(stats.hit_rate().unwrap_or(0.0)),
        "loads": stats.loads,
        "loadErrors": stats.load_errors,
        "meanLoadMs": stats.mean_load_time().map(|mean| rounded(mean.as_secs_f64() * 1_000.0)),
        "coalesced": stats.coalesced,
        "staleServed": stats.stale_served,
        "earlyRefreshes": stats.early_refreshes,
    })
}

pub(super) fn percent(share: f64) -> f64 {
    rounded(share * 100.0)
}

/// A number rounded to two decimals, enough for percentages and milliseconds.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

pub(super) async fn registry() -> Json<Value> {
    let items = fastness::registry::annotated().into_iter().map(|item| {
        let role = match item.role {
            Role::Cacheable => "cacheable",
            Role::Batch => "cacheable, batch",
            Role::Put => "cache_put",
            Role::Invalidate => "cache_invalidate",
            Role::Refresh => "cache_refresh",
            Role::Timed => "timed",
            _ => "other",
        };
        json!({
            "role": role,
            "function": format!("{}::{}", item.module, item.name),
            "keys": item.keys,
            "tags": item.tags,
            "at": format!("{}:{}", item.file, item.line),
        })
    });
    Json(items.collect())
}

/// `{"pattern": "user:1"}` or `{"pattern": "user:*"}`.
#[derive(Debug)]
pub(super) struct Invalidation {
    pattern: String,
}

impl Draft for Invalidation {
    fn read(fields: &mut Fields) -> Self {
        Self { pattern: fields.text("pattern", 512) }
    }
}

pub(super) async fn invalidate(
    State(Parts { cache, .. }): State<Parts>,
    Body(Invalidation { pattern }): Body<Invalidation>,
) -> Result<Json<Value>, Problem> {
    let scope = pattern.parse::<Scope>();
    let scope = scope.map_err(|error| Problem::invalid(vec![Violation::new("pattern", error.to_string())]))?;
    let reach = match cache.cache().invalidate(scope).await {
        Reach::Announced => "announced",
        // The others read it once the shared tier can be reached.
        Reach::LocalOnly => "localOnly",
        // No request of this server runs inside of a transaction.
        Reach::Deferred => "deferred",
    };
    Ok(Json(json!({ "invalidated": pattern, "reach": reach })))
}
