//! `GET /`: what is served, for people who come without documentation.

use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::ToSchema;

/// The clients that may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Every client, on the public listener.
    Open,
    /// Every client, on both listeners. The details behind the status are for clients that control endpoints accept.
    Health,
    /// Clients that [`Control`](crate::config::Control) accepts: the endpoint shows the inside of the server, or changes it.
    Control,
}

impl Access {
    /// The name, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Health => "health",
            Self::Control => "control",
        }
    }
}

/// Every endpoint: who may ask it, its methods, its path, and what it is for.
pub const ENDPOINTS: &[(Access, &[&str], &str, &str)] = &[
    (Access::Open, &["GET"], "/", "this list"),
    (Access::Open, &["GET"], "/openapi.json", "the whole surface as an OpenAPI document"),
    (
        Access::Open,
        &["GET", "POST"],
        "/api/users",
        "a page (?page=&limit=&sort=, and filters), some by id (?ids=1,2,3); add one",
    ),
    (Access::Open, &["GET", "PUT", "DELETE"], "/api/users/{id}", "one user"),
    (
        Access::Open,
        &["GET", "POST"],
        "/api/businesses",
        "a page (?page=&limit=&sort=, and filters), some by id (?ids=1,2,3); add one",
    ),
    (Access::Open, &["GET", "PUT", "DELETE"], "/api/businesses/{id}", "one business"),
    (Access::Open, &["GET"], "/api/businesses/{id}/products", "what a business sells (?page=&limit=&sort=&category=)"),
    (Access::Open, &["GET"], "/api/businesses/{id}/proposals/{proposal}/tally", "how a proposal stands"),
    (
        Access::Open,
        &["GET", "POST"],
        "/api/manufacturers",
        "a page (?page=&limit=&sort=, and filters), some by id (?ids=1,2,3); add one",
    ),
    (Access::Open, &["GET", "PUT", "DELETE"], "/api/manufacturers/{id}", "one manufacturer"),
    (
        Access::Open,
        &["GET", "POST"],
        "/api/products",
        "a page (?page=&limit=&sort=, and filters), some by id (?ids=1,2,3); add one",
    ),
    (Access::Open, &["GET"], "/api/products/search", "products by words and category (?q=&category=&page=&limit=)"),
    (Access::Open, &["GET", "PUT", "DELETE"], "/api/products/{id}", "one product"),
    (
        Access::Open,
        &["GET"],
        "/api/products/{id}/trace",
        "what happened to a product, in the order of time (?page=&limit=)",
    ),
    (
        Access::Open,
        &["GET", "POST"],
        "/api/votes",
        "a page (?page=&limit=&sort=, and filters); cast one, one per voter and proposal",
    ),
    (Access::Open, &["GET"], "/api/votes/{vote}", "one vote"),
    (
        Access::Open,
        &["GET", "POST"],
        "/api/events",
        "a page (?page=&limit=&sort=, and filters); add what happened to a product",
    ),
    (Access::Open, &["GET"], "/api/events/near", "what happened near a place (?lng=&lat=&within_km=&limit=)"),
    (Access::Open, &["GET"], "/api/events/{id}", "one event"),
    (Access::Open, &["GET"], "/api/products/{id}/rating", "what others think of a product, as the supplier knows it"),
    (Access::Control, &["GET"], "/api/cache/stats", "what the cache did, in total and per function"),
    (Access::Control, &["GET"], "/api/cache/registry", "every cached function and what invalidates it"),
    (Access::Control, &["POST"], "/api/cache/invalidate", "drop a key or a prefix: {\"pattern\": \"user:*\"}"),
    (
        Access::Control,
        &["GET"],
        "/api/resilience",
        "every breaker, retry, timeout, bulkhead and fallback, and what it did",
    ),
    (
        Access::Control,
        &["GET", "PUT"],
        "/api/breakers/{name}",
        "one circuit breaker and its last changes; force it: {\"state\": \"open\"}",
    ),
    (
        Access::Control,
        &["GET", "PUT"],
        "/api/supplier",
        "the supplier; break it: {\"mood\": \"dead\"} (up, slow, flaky, failing, dead)",
    ),
    (Access::Control, &["GET"], "/api/slow-queries", "queries of the database that took long, by shape"),
    (
        Access::Control,
        &["GET"],
        "/api/indexes",
        "the database: its indexes against those that are declared, and whether its changes are followed",
    ),
    (
        Access::Control,
        &["GET"],
        "/api/performance",
        "figures of everything: routes, functions, caches, policies, pool, alerts, advice",
    ),
    (Access::Control, &["GET"], "/metrics", "the same for Prometheus"),
    (Access::Control, &["GET"], "/dashboard", "the same for people"),
    (Access::Health, &["GET"], "/health", "state and figures"),
    (Access::Health, &["GET"], "/health/live", "whether the server runs"),
    (Access::Health, &["GET"], "/health/ready", "whether it can serve"),
];

pub(super) fn routes() -> Router {
    Router::new().route("/", get(index))
}

/// Every endpoint.
#[derive(Serialize, ToSchema)]
pub(super) struct Index {
    name: &'static str,
    endpoints: Vec<Endpoint>,
}

/// A path, and what can be done there.
#[derive(Serialize, ToSchema)]
struct Endpoint {
    /// `open`, `health` or `control`.
    access: &'static str,
    methods: Vec<&'static str>,
    path: &'static str,
    about: &'static str,
}

async fn index() -> Json<Index> {
    let endpoint = |(access, methods, path, about): &(Access, &'static [&'static str], &'static str, &'static str)| {
        Endpoint { access: access.as_str(), methods: methods.to_vec(), path, about }
    };
    Json(Index { name: "fastness demo-app", endpoints: ENDPOINTS.iter().map(endpoint).collect() })
}
