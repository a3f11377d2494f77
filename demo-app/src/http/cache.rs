//! `/api/cache/..`: what the cache did, what is cached, and a hand on the lever.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use fastness::registry::{Annotated, Role};
use fastness::stats::{SiteStats, Stats};
use fastness::{Fastness, Reach, Scope};
use serde::Serialize;
use utoipa::ToSchema;

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

/// The counters of one call site, or of all together.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counters {
    hits: u64,
    misses: u64,
    hit_rate: f64,
    loads: u64,
    load_errors: u64,
    /// Null before the first load ended.
    mean_load_ms: Option<f64>,
    coalesced: u64,
    stale_served: u64,
    early_refreshes: u64,
}

#[derive(Serialize, ToSchema)]
pub(super) struct SiteReport {
    function: String,
    key: String,
    #[serde(flatten)]
    counters: Counters,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CacheStats)]
pub(super) struct Report {
    #[serde(flatten)]
    total: Counters,
    invalidations: u64,
    entries: usize,
    evictions: u64,
    sites: Vec<SiteReport>,
}

impl From<&Stats> for Counters {
    fn from(stats: &Stats) -> Self {
        Self {
            hits: stats.hits,
            misses: stats.misses,
            hit_rate: hit_rate(stats),
            loads: stats.loads,
            load_errors: stats.load_errors,
            mean_load_ms: stats.mean_load_time().map(|mean| rounded(mean.as_secs_f64() * 1_000.0)),
            coalesced: stats.coalesced,
            stale_served: stats.stale_served,
            early_refreshes: stats.early_refreshes,
        }
    }
}

/// Hits in percent of all calls; 0 before the first.
pub(super) fn hit_rate(stats: &Stats) -> f64 {
    rounded(stats.hit_rate().unwrap_or(0.0) * 100.0)
}

/// A number rounded to two decimals, enough for percentages and milliseconds.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

async fn stats(State(cache): State<Fastness>) -> Json<Report> {
    let stats = cache.stats();
    let site =
        |site: SiteStats| SiteReport { counters: Counters::from(&site.stats), function: site.name, key: site.key };
    Json(Report {
        total: Counters::from(&stats.total),
        invalidations: stats.invalidations,
        entries: stats.entries,
        evictions: stats.evictions,
        sites: stats.sites.into_iter().map(site).collect(),
    })
}

#[derive(Serialize, ToSchema)]
pub(super) struct Listed {
    role: &'static str,
    function: String,
    keys: Vec<&'static str>,
    tags: Vec<&'static str>,
    at: String,
}

async fn registry() -> Json<Vec<Listed>> {
    Json(fastness::registry::annotated().into_iter().map(listed).collect())
}

fn listed(item: Annotated) -> Listed {
    let role = match item.role {
        Role::Cacheable => "cacheable",
        Role::Batch => "cacheable, batch",
        Role::Put => "cache_put",
        Role::Invalidate => "cache_invalidate",
        Role::Timed => "timed",
        _ => "other",
    };
    Listed {
        role,
        function: format!("{}::{}", item.module, item.name),
        keys: item.keys,
        tags: item.tags,
        at: format!("{}:{}", item.file, item.line),
    }
}

/// `{"pattern": "user:1"}` or `{"pattern": "user:*"}`.
#[derive(Debug, ToSchema)]
pub(super) struct Invalidation {
    #[schema(example = "user:*")]
    pattern: String,
}

impl Draft for Invalidation {
    fn read(fields: &mut Fields) -> Self {
        Self { pattern: fields.text("pattern", 512) }
    }
}

/// Answer to an invalidation.
#[derive(Serialize, ToSchema)]
pub(super) struct Invalidated {
    /// The pattern.
    invalidated: String,
    reach: Announcement,
}

/// Servers that know of an invalidation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reach)]
enum Announcement {
    /// Every server knows.
    Announced,
    /// The invalidation counts in this process alone: the others read it once the shared tier can be reached.
    LocalOnly,
}

async fn invalidate(
    State(cache): State<Fastness>,
    Body(Invalidation { pattern }): Body<Invalidation>,
) -> Result<Response, Problem> {
    let scope = pattern.parse::<Scope>();
    let scope = scope.map_err(|error| Problem::invalid(vec![Violation::new("pattern", error.to_string())]))?;
    let reach = match cache.cache().invalidate(scope).await {
        Reach::Announced => Announcement::Announced,
        Reach::LocalOnly => Announcement::LocalOnly,
    };
    Ok(Json(Invalidated { invalidated: pattern, reach }).into_response())
}
