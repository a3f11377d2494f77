//! Health, performance, metrics and a dashboard, as an axum router.
//!
//! May use: `http`, `metrics`, `monitor`.
//!
//! What is shown is read off a [`Monitor`]; nothing here measures. The dashboard is one page that loads nothing but
//! `/api/performance`, by paths relative to its own, so it works wherever the router is nested.

#![expect(clippy::result_large_err, reason = "the error is the answer, as in axum itself")]

use std::fmt::{self, Write as _};
use std::sync::{Arc, LazyLock};

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::monitor::{Monitor, Status};

mod headers;
mod metrics;
#[cfg(test)]
mod tests;
mod token;

use headers::NO_STORE;
pub use token::BearerToken;

const PAGE: &str = include_str!("dashboard/page.html");
const STYLE: &str = include_str!("dashboard/style.css");
const SCRIPT: &str = include_str!("dashboard/script.js");

/// Pages about a [`Monitor`], to be served beside an application's own routes.
///
/// **They are open to everybody until they are given an authorisation**: [`token`](MonitorRoutes::token) or
/// [`authorize`](MonitorRoutes::authorize). They hold no values and no keys, but show outsiders the inside: names of routes and
/// functions, shapes of queries, errors of what the process depends on, and what an attack does to it. Where others than you can
/// reach the listener, give one, or serve the pages on a listener of their own.
///
/// | path | answers | without authorisation |
/// |---|---|---|
/// | `/health` | [`health::Snapshot`](crate::monitor::health::Snapshot) as JSON: 200, or 503 when unhealthy | the same status, and `status` alone |
/// | `/health/live` | 200 while the process answers at all; 503 with the reasons where it should be [restarted](Monitor::alive) | the same status, without reasons |
/// | `/health/ready` | 200, or 503 with the reasons, where what is [required](Monitor::ready) does not answer | the same status, without reasons |
/// | `/api/performance` | [`performance::Snapshot`](crate::monitor::performance::Snapshot) as JSON; 503 before the first sample | what the authorisation answers |
/// | `/metrics` | the metrics of the watched cache, of timings, of policies and of the last sample, as Prometheus' text | the same |
/// | `/dashboard` | a page that shows it all, and goes on showing the last of it when the process no longer answers | the same |
///
/// ```
/// use fastness::monitor::Monitor;
/// use fastness::routes;
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let monitor = Monitor::builder().build()?;
/// monitor.start()?;
/// let pages = routes::monitor(&monitor).token("b1c1a7d9e0f24c6c8a53");
/// let app: axum::Router = axum::Router::new().merge(pages);
///
/// let ask = |path: &str| http::Request::get(path).body(axum::body::Body::empty());
/// assert_eq!(app.clone().oneshot(ask("/health")?).await?.status(), 200);
/// assert_eq!(app.oneshot(ask("/metrics")?).await?.status(), 401);
/// # Ok(()) }
/// ```
pub fn monitor(monitor: &Monitor) -> MonitorRoutes {
    MonitorRoutes { shown: Shown { monitor: monitor.clone(), may: None } }
}

/// Pages of [`monitor`]. They become a [`Router`] by [`merge`](Router::merge), or by [`into_router`](Self::into_router).
#[derive(Clone, Debug)]
#[must_use = "the pages are served once they are merged into a router"]
pub struct MonitorRoutes {
    shown: Shown,
}

impl MonitorRoutes {
    /// Asks for a token: a request without it is answered 401.
    pub fn token(self, token: &str) -> Self {
        let token = BearerToken::new(token);
        self.authorize(move |request| token.check(request))
    }

    /// Asks `may` for each request. What it gives as an error is the answer to a request that it refuses.
    ///
    /// ```
    /// use axum::http::StatusCode;
    /// use axum::http::request::Parts;
    /// use fastness::monitor::Monitor;
    /// use fastness::routes;
    ///
    /// # fn main() -> Result<(), fastness::Error> {
    /// let from_proxy = |request: &Parts| match request.headers.get("x-role") {
    ///     Some(role) if role == "operator" => Ok(()),
    ///     _ => Err(StatusCode::FORBIDDEN),
    /// };
    /// let pages = routes::monitor(&Monitor::builder().build()?).authorize(from_proxy);
    /// # drop(pages); Ok(()) }
    /// ```
    pub fn authorize<R: IntoResponse>(mut self, may: impl Fn(&Parts) -> Result<(), R> + Send + Sync + 'static) -> Self {
        let may = move |request: &Parts| may(request).map_err(IntoResponse::into_response);
        self.shown.may = Some(Arc::new(may));
        self
    }

    /// The router, for where [`merge`](Router::merge) does not do.
    pub fn into_router(self) -> Router {
        self.into()
    }
}

impl<S: Clone + Send + Sync + 'static> From<MonitorRoutes> for Router<S> {
    fn from(MonitorRoutes { shown }: MonitorRoutes) -> Self {
        let inside = Router::new()
            .route("/api/performance", get(performance))
            .route("/metrics", get(prometheus))
            .route("/dashboard", get(dashboard))
            .route_layer(from_fn_with_state(shown.clone(), authorized));
        Router::new()
            .route("/health", get(health))
            .route("/health/live", get(live))
            .route("/health/ready", get(ready))
            .merge(inside)
            .with_state(shown)
    }
}

type May = dyn Fn(&Parts) -> Result<(), Response> + Send + Sync;

/// A monitor, and who may see all that it tells.
#[derive(Clone)]
struct Shown {
    monitor: Monitor,
    may: Option<Arc<May>>,
}

impl Shown {
    fn check(&self, request: &Parts) -> Result<(), Response> {
        self.may.as_ref().map_or(Ok(()), |may| may(request))
    }

    fn may_see(&self, request: &Parts) -> bool {
        self.check(request).is_ok()
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("to_everybody", &self.may.is_none()).finish_non_exhaustive()
    }
}

async fn authorized(State(shown): State<Shown>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match shown.check(&head) {
        Ok(()) => next.run(Request::from_parts(head, body)).await,
        Err(refusal) => refusal,
    }
}

async fn health(State(shown): State<Shown>, request: Parts) -> Response {
    let health = shown.monitor.health().await;
    let status = match health.status {
        Status::Healthy | Status::Degraded => StatusCode::OK,
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    if shown.may_see(&request) {
        return (status, [NO_STORE], Json(health)).into_response();
    }
    (status, [NO_STORE], Json(json!({ "status": health.status }))).into_response()
}

async fn live(State(shown): State<Shown>, request: Parts) -> Response {
    match shown.monitor.alive() {
        Ok(()) => ([NO_STORE], Json(json!({ "status": "alive" }))).into_response(),
        Err(reasons) => unavailable("notAlive", shown.may_see(&request).then_some(&reasons)),
    }
}

async fn ready(State(shown): State<Shown>, request: Parts) -> Response {
    match shown.monitor.ready().await {
        Ok(()) => ([NO_STORE], Json(json!({ "status": "ready" }))).into_response(),
        Err(reasons) => unavailable("notReady", shown.may_see(&request).then_some(&reasons)),
    }
}

fn unavailable(status: &str, reasons: Option<&Vec<String>>) -> Response {
    let mut body = json!({ "status": status });
    if let Some(reasons) = reasons {
        body["reasons"] = json!(reasons);
    }
    (StatusCode::SERVICE_UNAVAILABLE, [NO_STORE], Json(body)).into_response()
}

async fn performance(State(shown): State<Shown>) -> Response {
    match shown.monitor.performance() {
        Some(performance) => ([NO_STORE], Json(&*performance)).into_response(),
        None => unavailable("starting", Some(&vec!["no sample was taken yet: call `Monitor::start`".to_owned()])),
    }
}

async fn prometheus(State(shown): State<Shown>) -> Response {
    let kind = (CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    ([kind, NO_STORE], metrics::text(&shown.monitor)).into_response()
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
