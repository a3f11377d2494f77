//! Health, performance, metrics and a dashboard, as an axum router.
//!
//! May use: `metrics`, `monitor`.
//!
//! What is shown is read off a [`Monitor`]; nothing here measures. The dashboard is one page that loads nothing but
//! `/api/performance`, by paths relative to its own, so it works wherever the router is nested.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::monitor::{Monitor, Status};

mod metrics;
#[cfg(test)]
mod tests;

const PAGE: &str = include_str!("dashboard/page.html");
const STYLE: &str = include_str!("dashboard/style.css");
const SCRIPT: &str = include_str!("dashboard/script.js");

/// Never kept by anybody.
const NO_STORE: (HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// What to serve beside an application's own routes:
///
/// | path | answers |
/// |---|---|
/// | `/health` | [`Health`](crate::monitor::Health) as JSON: 200, or 503 when unhealthy |
/// | `/health/live` | 200 while the process answers at all; 503 with the reasons where it should be [restarted](Monitor::alive) |
/// | `/health/ready` | 200, or 503 with the reasons, where what is [required](Monitor::ready) does not answer |
/// | `/api/performance` | [`Performance`](crate::monitor::Performance) as JSON; 503 before the first sample |
/// | `/metrics` | the metrics of the watched cache, of timings, of policies and of the last sample, as Prometheus' text |
/// | `/dashboard` | a page that shows it all, and goes on showing the last of it when the process no longer answers |
///
/// None of them asks who is asking: what they show is no secret of users, but not for the public either. Serve them on a port
/// of their own, or put a layer that checks in front.
///
/// ```
/// use fastness::monitor::Monitor;
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let monitor = Monitor::builder().build()?;
/// monitor.start()?;
/// let app: axum::Router = axum::Router::new().merge(fastness::routes::monitor(&monitor));
///
/// let request = http::Request::get("/health").body(axum::body::Body::empty())?;
/// assert_eq!(app.oneshot(request).await?.status(), 200);
/// # Ok(()) }
/// ```
pub fn monitor(monitor: &Monitor) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/api/performance", get(performance))
        .route("/metrics", get(prometheus))
        .route("/dashboard", get(dashboard))
        .with_state(monitor.clone())
}

async fn health(State(monitor): State<Monitor>) -> Response {
    let health = monitor.health().await;
    let status = match health.status {
        Status::Healthy | Status::Degraded => StatusCode::OK,
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, [NO_STORE], Json(health)).into_response()
}

async fn live(State(monitor): State<Monitor>) -> Response {
    match monitor.alive() {
        Ok(()) => ([NO_STORE], Json(json!({ "status": "alive" }))).into_response(),
        Err(reasons) => unavailable("notAlive", &reasons),
    }
}

fn unavailable(status: &str, reasons: &[String]) -> Response {
    let body = Json(json!({ "status": status, "reasons": reasons }));
    (StatusCode::SERVICE_UNAVAILABLE, [NO_STORE], body).into_response()
}

async fn ready(State(monitor): State<Monitor>) -> Response {
    match monitor.ready().await {
        Ok(()) => ([NO_STORE], Json(json!({ "status": "ready" }))).into_response(),
        Err(reasons) => unavailable("notReady", &reasons),
    }
}

async fn performance(State(monitor): State<Monitor>) -> Response {
    match monitor.performance() {
        Some(performance) => ([NO_STORE], Json(&*performance)).into_response(),
        None => unavailable("starting", &["no sample was taken yet: call `Monitor::start`".to_owned()]),
    }
}

async fn prometheus(State(monitor): State<Monitor>) -> Response {
    let kind = (CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    ([kind, NO_STORE], metrics::text(&monitor)).into_response()
}

/// The page, whole.
static DASHBOARD: LazyLock<String> = LazyLock::new(|| PAGE.replace("/*style*/", STYLE).replace("/*script*/", SCRIPT));

/// Nothing runs and nothing is loaded but what is in the page, known by its digest, and the figures from where it came from.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let mut policy = String::from(
        "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    for (what, text) in [("style", STYLE), ("script", SCRIPT)] {
        // Writing to a string cannot fail.
        let _ = write!(policy, "; {what}-src 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    }
    HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
});

async fn dashboard() -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, POLICY.clone()),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        NO_STORE,
    ];
    (headers, DASHBOARD.as_str()).into_response()
}
