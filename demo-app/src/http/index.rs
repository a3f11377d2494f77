//! `GET /`: what is served, for people who come without documentation.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

/// Every endpoint: its methods, its path, and what it is for.
pub const ENDPOINTS: &[(&[&str], &str, &str)] = &[
    (&["GET"], "/", "this list"),
    (&["GET"], "/openapi.json", "the whole surface as an OpenAPI document"),
    (&["GET", "POST"], "/api/users", "a page (?page=&limit=&sort=, and filters), some by id (?ids=1,2,3); add one"),
    (&["GET", "PUT", "DELETE"], "/api/users/{id}", "one user"),
    (
        &["GET", "POST"],
        "/api/businesses",
        "a page (?page=&limit=&sort=, and filters), some by id (?ids=1,2,3); add one",
    ),
    (&["GET", "PUT", "DELETE"], "/api/businesses/{id}", "one business"),
    (&["GET"], "/api/businesses/{id}/products", "what a business sells (?page=&limit=&sort=&category=)"),
    (&["GET"], "/api/businesses/{id}/proposals/{proposal}/tally", "how a proposal stands"),
    (
        &["GET", "POST"],
        "/api/manufacturers",
        "a page (?page=&limit=&sort=, and filters), some by id (?ids=1,2,3); add one",
    ),
    (&["GET", "PUT", "DELETE"], "/api/manufacturers/{id}", "one manufacturer"),
    (&["GET", "POST"], "/api/products", "a page (?page=&limit=&sort=, and filters), some by id (?ids=1,2,3); add one"),
    (&["GET"], "/api/products/search", "products by words and category (?q=&category=&page=&limit=)"),
    (&["GET", "PUT", "DELETE"], "/api/products/{id}", "one product"),
    (&["GET"], "/api/products/{id}/trace", "what happened to a product, in the order of time (?page=&limit=)"),
    (&["GET", "POST"], "/api/votes", "a page (?page=&limit=&sort=, and filters); cast one, one per voter and proposal"),
    (&["GET"], "/api/votes/{vote}", "one vote"),
    (&["GET", "POST"], "/api/events", "a page (?page=&limit=&sort=, and filters); add what happened to a product"),
    (&["GET"], "/api/events/near", "what happened near a place (?lng=&lat=&within_km=&limit=)"),
    (&["GET"], "/api/events/{id}", "one event"),
    (&["GET"], "/api/products/{id}/rating", "what others think of a product, as the supplier knows it"),
    (&["GET"], "/api/cache/stats", "what the cache did, in total and per function"),
    (&["GET"], "/api/cache/registry", "every cached function and what invalidates it"),
    (&["POST"], "/api/cache/invalidate", "drop a key or a prefix: {\"pattern\": \"user:*\"}"),
    (&["GET"], "/api/resilience", "every breaker, retry, timeout, bulkhead and fallback, and what it did"),
    (
        &["GET", "PUT"],
        "/api/breakers/{name}",
        "one circuit breaker and its last changes; force it: {\"state\": \"open\"}",
    ),
    (&["GET", "PUT"], "/api/supplier", "the supplier; break it: {\"mood\": \"dead\"} (up, slow, flaky, failing, dead)"),
    (&["GET"], "/api/slow-queries", "queries of the database that took long, by shape"),
    (
        &["GET"],
        "/api/indexes",
        "the database: its indexes against those that are declared, and whether its changes are followed",
    ),
    (&["GET"], "/api/performance", "figures of everything: routes, functions, caches, policies, pool, alerts, advice"),
    (&["GET"], "/metrics", "the same for Prometheus"),
    (&["GET"], "/dashboard", "the same for people"),
    (&["GET"], "/health", "state and figures"),
    (&["GET"], "/health/live", "whether the server runs"),
    (&["GET"], "/health/ready", "whether it can serve"),
];

pub(super) fn routes() -> Router {
    Router::new().route("/", get(index))
}

async fn index() -> Json<Value> {
    let endpoints: Vec<Value> = ENDPOINTS
        .iter()
        .map(|(methods, path, about)| json!({ "methods": methods, "path": path, "about": about }))
        .collect();
    Json(json!({ "name": "fastness demo-app", "endpoints": endpoints }))
}
