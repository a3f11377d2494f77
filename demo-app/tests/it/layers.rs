//! The layers around the routes; clients are not mixed up.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Method;
use demo_app::config::Config;
use fastness::Fastness;
use fastness_tests::servers::until;
use serde_json::json;

use crate::api::{Api, Reply, request, seeded_store};
use crate::moody::{Mood, Moody};

async fn post(api: &Api, key: &str, who: Option<&str>, name: &str) -> Reply {
    let mut post = request(Method::POST, "/api/users").header("content-type", "application/json");
    post = post.header("idempotency-key", key);
    if let Some(who) = who {
        post = post.header("authorization", who);
    }
    api.send(post.body(Body::from(json!({ "business": 1, "name": name, "email": "a@b.example" }).to_string()))).await
}

#[tokio::test]
async fn a_write_that_is_sent_again_is_done_once() {
    let api = Api::seeded().await;
    let first = post(&api, "k1", None, "Ann").await;
    let again = post(&api, "k1", None, "Ann").await;
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &first.body));
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(first.ok(201)["id"], 101);
    post(&api, "k1", None, "Bob").await.problem(422);
    post(&api, "", None, "Bob").await.problem(400);
    assert_eq!(post(&api, "k2", None, "Cy").await.ok(201)["id"], 102, "one user was made");
}

#[tokio::test]
async fn a_key_is_its_callers_own() {
    let api = Api::seeded().await;
    let ann = post(&api, "k", Some("Bearer ann"), "Ann").await.ok(201);
    let bob = post(&api, "k", Some("Bearer bob"), "Bob").await.ok(201);
    assert_ne!(ann["id"], bob["id"]);
    assert_eq!(post(&api, "k", Some("Bearer ann"), "Ann").await.ok(201), ann);
}

#[tokio::test]
async fn a_write_that_is_under_way_is_a_409() {
    let store = Arc::new(Moody::new(seeded_store().await));
    let api = Api::over(store.clone());
    store.turn(Mood::Frozen);
    let first = tokio::spawn({
        let api = api.clone();
        async move { post(&api, "k", None, "Ann").await }
    });
    until("the first is under way", async || store.queries() > 0).await;
    let second = post(&api, "k", None, "Ann").await;
    second.problem(409);
    assert!(second.header("retry-after").is_some());
    first.abort();
}

#[tokio::test]
async fn a_response_is_kept_compressed_and_known_by_its_tag() {
    let api = Api::seeded().await;
    let get = |tag: Option<String>| {
        let get = request(Method::GET, "/api/products?limit=50").header("accept-encoding", "gzip");
        let get = tag.into_iter().fold(get, |get, tag| get.header("if-none-match", tag));
        api.raw(get.body(Body::empty()))
    };
    let first = get(None).await;
    assert_eq!(first.headers()["content-encoding"], "gzip");
    assert_eq!(first.headers()["cache-control"], "public, max-age=0, s-maxage=60");
    let second = get(None).await;
    let status = second.headers()["cache-status"].to_str().unwrap();
    assert!(status.starts_with("fastness; hit"), "{status}");
    assert_eq!((second.body(), &second.headers()["x-cache"]), (first.body(), &"hit".parse().unwrap()));
    let plain = api.get("/api/products?limit=50").await;
    assert!(plain.header("content-encoding").is_none() && plain.body["items"].is_array());

    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert_ne!(plain.header("etag"), Some(&*tag), "another representation");
    let unchanged = get(Some(tag.clone())).await;
    assert_eq!((unchanged.status().as_u16(), unchanged.body().len()), (304, 0));
    api.delete("/api/products/1").await.ok(204);
    assert_eq!(get(Some(tag)).await.status(), 200, "a write is seen by the very next read");
}

#[tokio::test]
async fn nothing_is_compressed_at_level_0() {
    let cache = Fastness::builder().build().expect("the defaults make sense");
    let config = Config { compression_level: 0, ..Config::default() };
    let api = Api::configured(Arc::new(seeded_store().await), cache, &config);
    let get = request(Method::GET, "/api/products").header("accept-encoding", "gzip");
    let answer = api.raw(get.body(Body::empty())).await;
    assert!(!answer.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn headers_that_name_another_place_change_nothing_for_others() {
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-prefix", "/evil"),
        ("x-original-url", "/api/users/2"),
        ("x-rewrite-url", "/api/users/2"),
        ("x-http-method-override", "DELETE"),
        ("forwarded", "host=evil.example"),
        ("host", "evil.example"),
        ("host", "TEST:80@evil.example"),
    ] {
        let api = Api::seeded().await;
        let honest = Api::seeded().await.get("/api/users/1").await;
        let evil = api.raw(request(Method::GET, "/api/users/1").header(name, value).body(Body::empty())).await;
        let next = api.get("/api/users/1").await;
        assert!(evil.status() == 200 || evil.status().is_client_error(), "{name}");
        assert_eq!(next.body, honest.body, "{name}: {value}");
        let headers = format!("{:?}", next.headers);
        assert!(!headers.contains("evil"), "{headers}");
    }
}

#[tokio::test]
async fn who_shows_credentials_shares_nothing() {
    let api = Api::seeded().await;
    for (name, value) in [("authorization", "Bearer ann"), ("cookie", "session=ann")] {
        for _ in 0..2 {
            let answer = api.send(request(Method::GET, "/api/users/3").header(name, value).body(Body::empty())).await;
            assert_eq!(answer.header("cache-status"), Some("fastness; fwd=bypass"), "{name}");
        }
    }
    let other = api.get("/api/users/3").await;
    assert_eq!(other.header("cache-status"), Some("fastness; fwd=uri-miss; stored"), "nothing was left behind");
}

#[tokio::test]
async fn what_is_not_for_keeping_says_so() {
    let api = Api::seeded().await;
    for path in ["/", "/api/users/999", "/api/users?page=11", "/api/cache/stats", "/api/supplier", "/nowhere"] {
        assert_eq!(api.get(path).await.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[tokio::test]
async fn odd_addresses_are_the_clients_fault() {
    let api = Api::seeded().await;
    for path in [
        "/api/users/%00",
        "/api/users/..%2f1",
        "/api/users/1%0d%0aset-cookie:%20a=b",
        "//api/users/1",
        "/api/users/1/",
        "/api/users/99999999999999999999999",
        "/api/users/-1",
        "/api/users/1e3",
        "/api/users/%C0%AE",
        "/api/users?page=%00",
        "/api/users?page=1&page=2",
        "/api/users?%ff=1",
        "/api/users?sort=$where",
        "/api/users?email[$ne]=1",
        "/api/users?isActive=1%27%20or%201=1",
        "/api/votes/%F0%28%8C%28",
    ] {
        let reply = api.get(path).await;
        assert!(reply.status.is_client_error(), "{path}: {}", reply.status);
        reply.problem(reply.status.as_u16());
        assert!(reply.header("set-cookie").is_none());
    }
    let long = format!("/api/products/search?q={}", "a".repeat(60_000));
    api.get(&long).await.problem(400);
}

#[tokio::test]
async fn every_answer_has_an_id_and_a_timing() {
    let api = Api::seeded().await;
    let sent = api.send(request(Method::GET, "/api/users/1").header("x-request-id", "7f3a").body(Body::empty())).await;
    assert_eq!(sent.header("x-request-id"), Some("7f3a"));
    let hit = api.get("/api/users/1").await;
    assert!(hit.header("x-request-id").is_some_and(|id| id != "7f3a"), "not the one that was kept");
    assert!(api.get("/health/live").await.header("x-request-id").is_some());
}
