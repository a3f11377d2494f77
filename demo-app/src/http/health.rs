//! `/health` for people and dashboards, `/health/live` and `/health/ready` for orchestrators.
//!
//! Liveness depends on nothing: a server that answers is alive. Readiness asks the database. Health adds figures, in a fixed
//! shape; what this server cannot know is 0, and said so beside the field. A probe waits one second at most.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use fastness::{Fastness, SharedStats};
use serde::Serialize;
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;

use super::cache::{hit_rate, rounded};
use super::problem::Problem;
use super::tally::Tally;
use crate::clock::Clock;
use crate::memory::{self, Memory};
use crate::store::Repository;

/// How long a probe may take before its subject counts as absent.
const PROBE: Duration = Duration::from_secs(1);
/// Failed requests, and memory in use, in percent, from which the server calls itself degraded.
const MAX_FAILURE_RATE: f64 = 1.0;
const MAX_MEMORY: u64 = 90;

/// What the probes look at.
#[derive(Clone)]
pub struct Health {
    repository: Arc<dyn Repository>,
    clock: Clock,
    tally: Tally,
    cache: Fastness,
    started: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Status {
    Healthy,
    /// It serves, but someone should look.
    Degraded,
    /// It cannot serve what the database has.
    Unhealthy,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub(super) struct Report {
    status: Status,
    timestamp: String,
    /// Milliseconds since the start.
    uptime: u64,
    /// All 0 where the system does not tell.
    memory: Memory,
    database: Database,
    cache: Cache,
    errors: Errors,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Database {
    connected: bool,
    /// Of the probe's query, in milliseconds; of an embedded store too, whose distance is simulated.
    latency: u64,
    /// 0 for an embedded store, which needs none.
    connections: usize,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cache {
    /// Whether the tier that processes share can be used; true where there is none.
    connected: bool,
    /// Whether all processes agree on what is invalid; true for one alone.
    coherent: bool,
    /// Of the shared tier, in milliseconds; 0 where the cache is part of this process.
    latency: u64,
    /// In percent of all look-ups, the report's own included; 0 before the first.
    hit_rate: f64,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Errors {
    /// Requests that failed by the server's fault since the start.
    count: u64,
    /// In percent of all requests.
    rate: f64,
}

impl Health {
    /// The health of a server that starts now.
    pub fn new(repository: Arc<dyn Repository>, clock: Clock, tally: Tally, cache: Fastness) -> Self {
        Self { repository, clock, tally, cache, started: Instant::now() }
    }

    async fn database(&self) -> Database {
        let start = Instant::now();
        let answer = timeout(PROBE, self.repository.ping()).await;
        Database {
            connected: matches!(answer, Ok(Ok(()))),
            latency: millis(start.elapsed()),
            connections: self.repository.connections(),
        }
    }

    fn cache(&self) -> Cache {
        let hit_rate = hit_rate(&self.cache.stats().total);
        match self.cache.shared() {
            Some(SharedStats { connected, coherent, latency, .. }) => {
                Cache { connected, coherent, latency: millis(latency), hit_rate }
            }
            None => Cache { connected: true, coherent: true, latency: 0, hit_rate },
        }
    }

    async fn report(&self) -> Report {
        let database = self.database().await;
        let memory = memory::read().unwrap_or_default();
        let cache = self.cache();
        let errors = Errors { count: self.tally.failures(), rate: rounded(self.tally.failure_rate()) };
        let status = if !database.connected {
            Status::Unhealthy
        } else if errors.rate > MAX_FAILURE_RATE
            || memory.percentage > MAX_MEMORY
            || !cache.connected
            || !cache.coherent
        {
            Status::Degraded
        } else {
            Status::Healthy
        };
        Report {
            status,
            timestamp: format!("{:.3}", self.clock.now()),
            uptime: millis(self.started.elapsed()),
            memory,
            database,
            cache,
            errors,
        }
    }
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Health").field("tally", &self.tally).finish_non_exhaustive()
    }
}

pub(super) fn routes(health: Health) -> Router {
    Router::new()
        .route("/health", get(report))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(health)
}

/// 200 while it serves, 503 when unhealthy: the body has the same shape in both.
async fn report(State(health): State<Health>) -> Response {
    let report = health.report().await;
    let status = match report.status {
        Status::Healthy | Status::Degraded => StatusCode::OK,
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(report)).into_response()
}

async fn live() -> Response {
    Json(serde_json::json!({ "status": "alive" })).into_response()
}

async fn ready(State(health): State<Health>) -> Result<Response, Problem> {
    if health.database().await.connected {
        return Ok(Json(serde_json::json!({ "status": "ready" })).into_response());
    }
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
