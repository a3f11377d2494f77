//! Health, performance, metrics and a dashboard, as an axum router.
//!
//! May use: `http`, `key`, `log`, `metrics`, `monitor`, `resilience`.
//!
//! The pages show the figures of a [`Monitor`]; nothing is measured here. The dashboard is one page, which loads only `/api/performance`,
//! by a relative path, so it works wherever the router is nested.

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

mod authorize;
mod headers;
mod inspector;
mod metrics;
#[cfg(test)]
mod tests;
mod token;

use authorize::AuthorizeFn;
use headers::NO_STORE;
use inspector::Inspector;
pub use token::BearerToken;

const PAGE: &str = include_str!("dashboard/page.html");
const STYLE: &str = include_str!("dashboard/style.css");
const SCRIPT: &str = concat!(include_str!("dashboard/script.js"), include_str!("dashboard/inspector.js"));

/// Creates the pages of a [`Monitor`], to serve beside an application's own routes.
///
/// **The pages are public until an authorisation is set**: [`token`](MonitorRoutes::token) or [`authorize`](MonitorRoutes::authorize). They
/// contain no cached values and no keys, but they reveal names of routes and functions, shapes of queries, errors of dependencies, and the
/// effect of an attack. If others can reach the listener, set an authorisation, or serve the pages on a separate listener.
///
/// | path | answer | answer without authorisation |
/// |---|---|---|
/// | `/health` | [`health::Snapshot`](crate::monitor::health::Snapshot) as JSON: 200, or 503 when unhealthy | the same status, and `status` alone |
/// | `/health/live` | 200 while the process answers; 503 with the reasons if it should be [restarted](Monitor::alive) | the same status, without reasons |
/// | `/health/ready` | 200; 503 with the reasons if the process is not [ready](Monitor::ready) | the same status, without reasons |
/// | `/api/performance` | [`performance::Snapshot`](crate::monitor::performance::Snapshot) as JSON; 503 before the first sample | the answer of the authorisation |
/// | `/metrics` | metrics of the watched cache, of timings, of policies and of the last sample, in Prometheus' text format | the same |
/// | `/dashboard` | a page with all figures; it keeps the last ones when the process no longer answers | the same |
/// | `/api/inspector/..` | what [operators](MonitorRoutes::operator_token) see and do, if there are any | the answer of their authorisation |
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
    MonitorRoutes { state: PageState { monitor: monitor.clone(), authorize: None }, operator: None }
}

/// Pages of [`monitor`]. They convert into a [`Router`]: pass them to [`merge`](Router::merge), or call [`into_router`](Self::into_router).
#[derive(Clone, Debug)]
#[must_use = "the pages are served once they are merged into a router"]
pub struct MonitorRoutes {
    state: PageState,
    operator: Option<OperatorCheck>,
}

impl MonitorRoutes {
    /// Requires a token: a request without it is answered with 401.
    pub fn token(self, token: &str) -> Self {
        let token = BearerToken::new(token);
        self.authorize(move |request| token.check(request))
    }

    /// Sets a function that authorises each request; its error is the response to a request that it rejects.
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
    pub fn authorize<R: IntoResponse>(
        mut self,
        authorize: impl Fn(&Parts) -> Result<(), R> + Send + Sync + 'static,
    ) -> Self {
        let authorize = move |request: &Parts| authorize(request).map_err(IntoResponse::into_response);
        self.state.authorize = Some(Arc::new(authorize));
        self
    }

    /// Adds the inspector to the dashboard, for operators who have this token: they see the keys of a function by heat, with age and ttl
    /// left, invalidate a key or a prefix, turn a function off, and force a breaker. Default: no inspector, and no such endpoint.
    ///
    /// The dashboard asks for the token and sends it as `Authorization: Bearer <token>`. `Basic` is not accepted, because a browser sends
    /// that for other sites too; so the token has to differ from that of the pages only if fewer people may act than read. Each action is
    /// logged. Keys may hold personal data.
    ///
    /// ```
    /// use fastness::monitor::Monitor;
    /// use fastness::routes;
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pages = routes::monitor(&Monitor::builder().build()?).token("b1c1a7d9e0f2").operator_token("4c6c8a53a7d9");
    /// let app = pages.into_router();
    /// let purge = |token: &str| {
    ///     http::Request::post("/api/inspector/purge")
    ///         .header("authorization", format!("Bearer {token}"))
    ///         .header("content-type", "application/json")
    ///         .body(axum::body::Body::from(r#"{"pattern": "user:*"}"#))
    /// };
    /// assert_eq!(app.clone().oneshot(purge("b1c1a7d9e0f2")?).await?.status(), 401);
    /// assert_eq!(app.oneshot(purge("4c6c8a53a7d9")?).await?.status(), 200);
    /// # Ok(()) }
    /// ```
    pub fn operator_token(self, token: &str) -> Self {
        let token = BearerToken::new(token);
        self.authorize_operator(move |request| token.check_bearer(request))
    }

    /// Adds the inspector as [`operator_token`](Self::operator_token) does, with a function that authorises each request of it; its error is
    /// the response to a request that it rejects. Requests that a browser sends for another site are rejected before.
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
    /// let pages = routes::monitor(&Monitor::builder().build()?).authorize_operator(from_proxy);
    /// # drop(pages); Ok(()) }
    /// ```
    pub fn authorize_operator<R: IntoResponse>(
        mut self,
        authorize: impl Fn(&Parts) -> Result<(), R> + Send + Sync + 'static,
    ) -> Self {
        let authorize = move |request: &Parts| authorize(request).map_err(IntoResponse::into_response);
        self.operator = Some(OperatorCheck(Arc::new(authorize)));
        self
    }

    /// Converts the pages into a router, where [`merge`](Router::merge) is not possible.
    pub fn into_router(self) -> Router {
        self.into()
    }
}

impl<S: Clone + Send + Sync + 'static> From<MonitorRoutes> for Router<S> {
    fn from(MonitorRoutes { state, operator }: MonitorRoutes) -> Self {
        let inspector = operator.map(|OperatorCheck(authorize)| Inspector::new(state.monitor.clone(), authorize));
        let protected = Router::new()
            .route("/api/performance", get(performance))
            .route("/metrics", get(prometheus))
            .route("/dashboard", get(dashboard))
            .route_layer(from_fn_with_state(state.clone(), authorized));
        Router::new()
            .route("/health", get(health))
            .route("/health/live", get(live))
            .route("/health/ready", get(ready))
            .merge(protected)
            .with_state(state)
            .merge(inspector.map_or_else(Router::new, Inspector::into_router))
    }
}

/// The authorisation of operators.
#[derive(Clone)]
struct OperatorCheck(Arc<AuthorizeFn>);

impl fmt::Debug for OperatorCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorCheck(..)")
    }
}

/// A monitor, and the authorisation for its pages.
#[derive(Clone)]
struct PageState {
    monitor: Monitor,
    authorize: Option<Arc<AuthorizeFn>>,
}

impl PageState {
    fn check(&self, request: &Parts) -> Result<(), Response> {
        self.authorize.as_ref().map_or(Ok(()), |authorize| authorize(request))
    }

    fn is_authorized(&self, request: &Parts) -> bool {
        self.check(request).is_ok()
    }
}

impl fmt::Debug for PageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageState").field("public", &self.authorize.is_none()).finish_non_exhaustive()
    }
}

async fn authorized(State(state): State<PageState>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match state.check(&head) {
        Ok(()) => next.run(Request::from_parts(head, body)).await,
        Err(response) => response,
    }
}

async fn health(State(state): State<PageState>, request: Parts) -> Response {
    let health = state.monitor.health().await;
    let status = match health.status {
        Status::Healthy | Status::Degraded => StatusCode::OK,
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    if state.is_authorized(&request) {
        return (status, [NO_STORE], Json(health)).into_response();
    }
    (status, [NO_STORE], Json(json!({ "status": health.status }))).into_response()
}

async fn live(State(state): State<PageState>, request: Parts) -> Response {
    match state.monitor.alive() {
        Ok(()) => ([NO_STORE], Json(json!({ "status": "alive" }))).into_response(),
        Err(reasons) => unavailable("notAlive", state.is_authorized(&request).then_some(&reasons)),
    }
}

async fn ready(State(state): State<PageState>, request: Parts) -> Response {
    match state.monitor.ready().await {
        Ok(()) => ([NO_STORE], Json(json!({ "status": "ready" }))).into_response(),
        Err(reasons) => unavailable("notReady", state.is_authorized(&request).then_some(&reasons)),
    }
}

fn unavailable(status: &str, reasons: Option<&Vec<String>>) -> Response {
    let mut body = json!({ "status": status });
    if let Some(reasons) = reasons {
        body["reasons"] = json!(reasons);
    }
    (StatusCode::SERVICE_UNAVAILABLE, [NO_STORE], Json(body)).into_response()
}

async fn performance(State(state): State<PageState>) -> Response {
    match state.monitor.performance() {
        Some(performance) => ([NO_STORE], Json(&*performance)).into_response(),
        None => unavailable(
            "starting",
            Some(&vec!["no sample was taken yet: call `Monitor::start`, or wait for the first sample".to_owned()]),
        ),
    }
}

async fn prometheus(State(state): State<PageState>) -> Response {
    let kind = (CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    ([kind, NO_STORE], metrics::text(&state.monitor)).into_response()
}

/// The dashboard with its style and script inlined.
static DASHBOARD: LazyLock<String> = LazyLock::new(|| PAGE.replace("/*style*/", STYLE).replace("/*script*/", SCRIPT));

/// Content-Security-Policy: only the inlined script and style (by hash), and fetches from the same origin.
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
