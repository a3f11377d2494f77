//! The inspector: what an operator sees and does that the pages of figures do not show, behind an authorisation of its own.
//!
//! A page of another site must not act in the name of an operator who is logged in here. So each request is a `POST` with a JSON body, which
//! a browser lets no other site send without asking this server first; and where the browser says from which site a request comes, it must
//! be this one. The token is a bearer token, which browsers send by themselves to no server.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::authorize::AuthorizeFn;
use super::headers::NO_STORE;
use crate::http::Problem;
use crate::key::Scope;
use crate::log::Reach;
use crate::monitor::Monitor;
use crate::resilience::breaker::Breaker;
use crate::resilience::{PolicyKind, snapshots};

/// Maximum number of keys in one list.
const MOST_KEYS: usize = 500;
/// Maximum number of functions and of breakers in the overview.
const MOST_NAMES: usize = 1_000;
/// Maximum size of a request in bytes.
const BODY: usize = 16 << 10;

/// The subject of the inspector, and its authorisation.
#[derive(Clone)]
pub(super) struct Inspector {
    monitor: Monitor,
    authorize: Arc<AuthorizeFn>,
    /// The limit of one list of keys at a time, because each reads all entries of a function.
    lists: Arc<Semaphore>,
}

impl Inspector {
    pub(super) fn new(monitor: Monitor, authorize: Arc<AuthorizeFn>) -> Self {
        Self { monitor, authorize, lists: Arc::new(Semaphore::new(1)) }
    }

    /// The endpoints, each behind the authorisation.
    pub(super) fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new()
            .route("/api/inspector", post(overview))
            .route("/api/inspector/keys", post(keys))
            .route("/api/inspector/purge", post(purge))
            .route("/api/inspector/function", post(switch))
            .route("/api/inspector/breaker", post(force))
            .layer(DefaultBodyLimit::max(BODY))
            .route_layer(from_fn_with_state(self.clone(), admitted))
            .with_state(self)
    }
}

/// Lets a request through that an operator has sent from this site.
async fn admitted(State(inspector): State<Inspector>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let checked = check_site(&head).map_err(IntoResponse::into_response).and_then(|()| (inspector.authorize)(&head));
    let mut response = match checked {
        Ok(()) => next.run(Request::from_parts(head, body)).await,
        Err(refusal) => refusal,
    };
    response.headers_mut().insert(NO_STORE.0, NO_STORE.1);
    response
}

/// Checks that a browser has not sent the request for another site.
fn check_site(head: &Parts) -> Result<(), Refusal> {
    let text =
        |headers: &HeaderMap, name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    let is_ours = match text(&head.headers, "sec-fetch-site") {
        Some(site) => site == "same-origin",
        // An older browser says `Origin`; a program says neither.
        None => text(&head.headers, "origin").is_none_or(|origin| {
            let host = text(&head.headers, "host").or_else(|| head.uri.authority().map(ToString::to_string));
            origin.split_once("://").map(|(_, host)| host) == host.as_deref()
        }),
    };
    if is_ours { Ok(()) } else { Err(refused(StatusCode::FORBIDDEN, "another site has sent this request")) }
}

/// The answer to a request that is not carried out.
struct Refusal(Problem);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.0.into_response::<Body>().map(Body::new)
    }
}

fn refused(status: StatusCode, detail: impl Into<String>) -> Refusal {
    Refusal(Problem::new(status, detail))
}

type InspectorResult = Result<Json<Value>, Refusal>;

/// The functions and the breakers by name, each with its state.
async fn overview(State(Inspector { monitor, .. }): State<Inspector>) -> Json<Value> {
    let cache = monitor.cache();
    let mut names: Vec<_> = cache.stats().sites.into_iter().map(|site| site.name).collect();
    names.sort();
    names.dedup();
    let mut functions: Vec<_> = names.iter().filter_map(|name| cache.function(name).ok()).collect();
    functions.dedup_by(|a, b| a.name() == b.name());
    let is_complete = functions.len() <= MOST_NAMES;
    let functions: Vec<_> = functions
        .iter()
        .take(MOST_NAMES)
        .map(|function| json!({ "name": function.name(), "enabled": function.is_enabled() }))
        .collect();
    let breakers = snapshots().into_iter().filter(|policy| policy.kind == PolicyKind::Breaker);
    let breakers: Vec<_> = breakers
        .flat_map(|policy| policy.breakers.into_iter().filter(move |breaker| breaker.name == policy.name))
        .take(MOST_NAMES)
        .map(|breaker| json!({ "name": &*breaker.name, "state": breaker.state.as_str() }))
        .collect();
    Json(
        json!({ "functions": functions, "breakers": breakers, "complete": is_complete, "enabled": cache.is_enabled() }),
    )
}

/// The order of a list of keys.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AskedOrder {
    #[default]
    Heat,
    Bytes,
}

#[derive(Deserialize)]
struct ListKeys {
    function: String,
    limit: Option<usize>,
    #[serde(default)]
    order: AskedOrder,
}

/// The hottest or the largest keys of a function. They are read by a thread that may block, because a million of them take a tenth of a second.
async fn keys(State(inspector): State<Inspector>, Json(asked): Json<ListKeys>) -> InspectorResult {
    let Inspector { monitor, lists, .. } = inspector;
    let function =
        monitor.cache().function(&asked.function).map_err(|error| refused(StatusCode::NOT_FOUND, error.to_string()))?;
    let busy = || {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "another list is being made: try again");
        Refusal(problem.retry_after(Duration::from_secs(1)))
    };
    let permit = lists.try_acquire_owned().map_err(|_| busy())?;
    let limit = asked.limit.unwrap_or(MOST_KEYS).min(MOST_KEYS);
    let listed = tokio::task::spawn_blocking(move || {
        let listed = match asked.order {
            AskedOrder::Heat => function.keys(limit),
            AskedOrder::Bytes => function.largest_keys(limit),
        };
        drop(permit);
        listed
    });
    let listed = listed
        .await
        .map_err(|_| refused(StatusCode::INTERNAL_SERVER_ERROR, "the keys could not be written as text"))?;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let keys: Vec<_> = listed
        .keys
        .iter()
        .map(|info| {
            json!({
                "key": info.key.as_str(),
                "heat": info.heat,
                "age": millis(info.age),
                "ttlLeft": info.ttl_left.map(millis),
                "bytes": info.bytes,
                "sizeOfType": info.is_size_of_type,
                "negative": info.is_negative,
            })
        })
        .collect();
    Ok(Json(json!({ "keys": keys, "complete": listed.is_complete })))
}

#[derive(Deserialize)]
struct Purge {
    pattern: String,
}

/// Invalidates a key or a prefix, for all processes.
async fn purge(State(Inspector { monitor, .. }): State<Inspector>, Json(asked): Json<Purge>) -> InspectorResult {
    let scope = asked.pattern.parse::<Scope>().map_err(|error| refused(StatusCode::BAD_REQUEST, error.to_string()))?;
    note("purge", &asked.pattern);
    let reach = match monitor.cache().cache().invalidate(scope).await {
        Reach::Announced => "announced",
        Reach::LocalOnly => "localOnly",
        Reach::Deferred => "deferred",
    };
    Ok(Json(json!({ "reach": reach })))
}

#[derive(Deserialize)]
struct SwitchFunction {
    function: String,
    enabled: bool,
}

/// Turns a function off or on, in this process.
async fn switch(
    State(Inspector { monitor, .. }): State<Inspector>,
    Json(asked): Json<SwitchFunction>,
) -> InspectorResult {
    let function =
        monitor.cache().function(&asked.function).map_err(|error| refused(StatusCode::NOT_FOUND, error.to_string()))?;
    note(if asked.enabled { "turn on" } else { "turn off" }, function.name());
    function.set_enabled(asked.enabled);
    Ok(Json(json!({ "name": function.name(), "enabled": function.is_enabled() })))
}

/// The state that an operator asks of a breaker.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AskedState {
    Open,
    Closed,
    Disabled,
    Automatic,
}

#[derive(Deserialize)]
struct ForceBreaker {
    breaker: String,
    state: AskedState,
}

/// Forces a breaker into a state, or lets it decide again, in this process.
async fn force(Json(asked): Json<ForceBreaker>) -> InspectorResult {
    let unknown = || refused(StatusCode::NOT_FOUND, format!("no breaker is called `{}`", asked.breaker));
    let breaker = Breaker::find(&asked.breaker).ok_or_else(unknown)?;
    match asked.state {
        AskedState::Open => breaker.force_open(),
        AskedState::Closed => breaker.force_closed(),
        AskedState::Disabled => breaker.disable(),
        AskedState::Automatic => breaker.automatic(),
    }
    note("force", breaker.name());
    Ok(Json(json!({ "name": breaker.name(), "state": breaker.state().as_str() })))
}

/// Logs an action of an operator.
fn note(action: &str, subject: &str) {
    tracing::info!(action, subject, "an operator has acted through the inspector");
}
