//! The inspector: its authorisation, requests of other sites, and its actions.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::super::monitor;
use super::cache;
use crate::monitor::Monitor;
use crate::resilience::breaker::{Breaker, State};
use crate::{Fastness, Key};

const TOKEN: &str = "0123456789abcdef";

fn app(fast: &Fastness) -> Router {
    let watched = Monitor::builder().cache(fast).build().unwrap();
    monitor(&watched).token("of the pages").operator_token(TOKEN).into_router()
}

async fn send(app: &Router, request: Builder, body: &Value) -> (u16, Value) {
    let request = request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    assert_eq!(parts.headers["cache-control"], "no-store");
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn request(path: &str) -> Builder {
    Request::post(format!("/api/inspector{path}")).header("host", "shop.example")
}

async fn act(app: &Router, path: &str, body: Value) -> (u16, Value) {
    send(app, request(path).header("authorization", format!("Bearer {TOKEN}")), &body).await
}

async fn set(fast: &Fastness, key: &str) {
    let cache = fast.cache();
    cache.set(&key.parse::<Key>().unwrap(), 7_u64, Duration::from_secs(60)).await;
}

#[tokio::test]
async fn a_purge_needs_the_operators_token_as_a_bearer_token() {
    let fast = cache();
    let (app, body) = (app(&fast), json!({ "pattern": "user:*" }));
    set(&fast, "user:1").await;
    let before = fast.stats().invalidations;
    let basic = "Basic YW55OjAxMjM0NTY3ODlhYmNkZWY="; // any:0123456789abcdef
    for header in ["", "Bearer of the pages", "Bearer", basic] {
        let (status, refusal) = send(&app, request("/purge").header("authorization", header), &body).await;
        assert_eq!(status, 401, "{header}: {refusal}");
    }
    assert_eq!(fast.stats().invalidations, before);
    let refused = app.clone().oneshot(request("/purge").body(Body::empty()).unwrap()).await.unwrap();
    let challenges: Vec<_> = refused.headers().get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, ["Bearer realm=\"fastness\""], "a browser opens no dialog for it");
    assert_eq!(act(&app, "/purge", body).await, (200, json!({ "reach": "announced" })));
    assert_eq!(fast.stats().invalidations, before + 1);
    assert_eq!(fast.cache().get::<u64>(&Key::from_static("user:1")).await, None);
}

#[tokio::test]
async fn without_an_operator_there_is_no_inspector() {
    let watched = Monitor::builder().cache(&cache()).build().unwrap();
    let app = monitor(&watched).token(TOKEN).into_router();
    let found = app.oneshot(request("/purge").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(found.status(), 404);
}

#[tokio::test]
async fn another_site_cannot_act_in_the_name_of_an_operator() {
    let fast = cache();
    let watched = Monitor::builder().cache(&fast).build().unwrap();
    // A cookie, which a browser sends by itself, stands for the operator.
    let app = monitor(&watched).authorize_operator(|_| Ok::<_, axum::http::StatusCode>(())).into_router();
    let body = json!({ "pattern": "user:*" });
    for (name, value, status) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "none", 403),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "same-origin", 200),
        ("origin", "https://shop.example", 200),
    ] {
        assert_eq!(send(&app, request("/purge").header(name, value), &body).await.0, status, "{name}: {value}");
    }
    // A form of another site has one of three content types, and none of them is JSON.
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let form = request("/purge").header("content-type", kind).body(Body::from(body.to_string())).unwrap();
        assert_eq!(app.clone().oneshot(form).await.unwrap().status(), 415);
    }
    let link = Request::get("/api/inspector/purge").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(link).await.unwrap().status(), 405);
    assert_eq!(fast.stats().invalidations, 2);
}

#[tokio::test]
async fn keys_are_listed_within_a_bound() {
    let fast = cache();
    let app = app(&fast);
    for n in 0..600 {
        set(&fast, &format!("row:{n}")).await;
    }
    let name = "fastness.cache";
    let (status, listed) = act(&app, "/keys", json!({ "function": name, "limit": 1_000_000 })).await;
    assert_eq!((status, listed["keys"].as_array().unwrap().len(), &listed["complete"]), (200, 500, &json!(false)));
    let (_, two) = act(&app, "/keys", json!({ "function": name, "limit": 2 })).await;
    let key = &two["keys"][0];
    assert_eq!((two["keys"].as_array().unwrap().len(), &key["age"], &key["negative"]), (2, &json!(0), &json!(false)));
    assert!(key["ttlLeft"].as_u64().unwrap() <= 60_000 && key["key"].as_str().unwrap().starts_with("row:"));
    let (_, largest) = act(&app, "/keys", json!({ "function": name, "limit": 500, "order": "bytes" })).await;
    let bytes: Vec<_> = largest["keys"].as_array().unwrap().iter().map(|key| key["bytes"].as_u64().unwrap()).collect();
    assert!(bytes.len() == 500 && bytes.is_sorted_by(|a, b| a >= b) && bytes[499] > 0, "{bytes:?}");
    assert_eq!(act(&app, "/keys", json!({ "function": name, "order": "age" })).await.0, 422);
    let (status, unknown) = act(&app, "/keys", json!({ "function": "fastness.cash" })).await;
    assert_eq!(status, 404);
    assert!(unknown["detail"].as_str().unwrap().contains("`fastness.cache`"), "{unknown}");
}

#[tokio::test]
async fn a_function_is_turned_off_and_on_and_a_breaker_forced() {
    let fast = cache();
    let app = app(&fast);
    set(&fast, "row:1").await;
    let breaker = Breaker::named("routes.tests.inspector");
    let (status, seen) = act(&app, "", json!({})).await;
    assert_eq!((status, &seen["functions"]), (200, &json!([{ "name": "fastness.cache", "enabled": true }])));
    assert!(seen["breakers"].as_array().unwrap().iter().any(|one| one["name"] == breaker.name()));
    for enabled in [false, true] {
        let body = json!({ "function": "fastness.cache", "enabled": enabled });
        let expected = json!({ "name": "fastness.cache", "enabled": enabled });
        assert_eq!(act(&app, "/function", body).await, (200, expected));
        assert_eq!(fast.function("fastness.cache").unwrap().is_enabled(), enabled);
    }
    for (asked, state) in [
        ("open", State::ForcedOpen),
        ("closed", State::ForcedClosed),
        ("disabled", State::Disabled),
        ("automatic", State::Closed),
    ] {
        let (status, _) = act(&app, "/breaker", json!({ "breaker": breaker.name(), "state": asked })).await;
        assert_eq!((status, breaker.state()), (200, state));
    }
    assert_eq!(act(&app, "/breaker", json!({ "breaker": "routes.tests.nothing", "state": "open" })).await.0, 404);
    assert!(Breaker::find("routes.tests.nothing").is_none(), "none is made");
}

#[tokio::test]
async fn wrong_requests_are_refused_with_a_reason() {
    let app = app(&cache());
    let (status, refusal) = act(&app, "/purge", json!({ "pattern": "us*er" })).await;
    assert_eq!(status, 400);
    assert!(refusal["detail"].as_str().unwrap().contains("`us*er` is not a scope"), "{refusal}");
    for (path, body) in [("/purge", json!({})), ("/breaker", json!({ "breaker": "b", "state": "ajar" }))] {
        assert_eq!(act(&app, path, body).await.0, 422);
    }
    assert_eq!(act(&app, "/purge", json!({ "pattern": "x".repeat(20_000) })).await.0, 413);
}
