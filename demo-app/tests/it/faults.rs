//! Answers to clients while the store fails: problems without internals, and old values where those will do.

use std::sync::Arc;
use std::time::Duration;

use fastness::{Clock, Fastness};
use serde_json::json;

use crate::api::{Api, seeded_store};
use crate::moody::{Mood, Moody};

async fn moody() -> (Api, Arc<Moody>) {
    let store = Arc::new(Moody::new(seeded_store().await));
    (Api::over(store.clone()), store)
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_a_503() {
    let (api, store) = moody().await;
    store.turn(Mood::Unavailable);
    assert_eq!(api.get("/api/users/1").await.problem(503), "try again in a moment");
    assert_eq!(api.get("/api/products/search?q=tea").await.problem(503), "try again in a moment");
    store.turn(Mood::Fine);
    api.get("/api/users/1").await.ok(200);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_given_up() {
    let (api, store) = moody().await;
    store.turn(Mood::Frozen);
    assert_eq!(api.get("/api/users/1").await.problem(503), "try again in a moment");
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing_and_harms_no_other_request() {
    let (api, store) = moody().await;
    store.turn(Mood::Panicking);
    let reply = api.get("/api/users/1").await;
    assert_eq!(reply.problem(500), "the server failed on this request");
    assert!(!reply.body.to_string().contains("secret-of-the-store"));
    store.turn(Mood::Fine);
    api.get("/api/users/1").await.ok(200);
    api.put("/api/users/1", &json!({ "business": 1, "name": "N", "email": "n@e.f" })).await.ok(200);
}

#[tokio::test]
async fn cached_answers_outlive_the_store() {
    let (api, store) = moody().await;
    let user = api.get("/api/users/1").await.ok(200);
    store.turn(Mood::Unavailable);
    assert_eq!(api.get("/api/users/1").await.ok(200), user);
}

#[tokio::test]
async fn an_expired_answer_serves_while_the_store_is_away_but_never_after_a_write() {
    let store = Arc::new(Moody::new(seeded_store().await));
    let clock = Clock::manual();
    let cache = Fastness::builder().clock(clock.clone()).build().expect("a setting that makes sense");
    let api = Api::with_cache(store.clone(), cache);
    let user = api.get("/api/users/1").await.ok(200);

    clock.advance(Duration::from_secs(301));
    store.turn(Mood::Unavailable);
    assert_eq!(api.get("/api/users/1").await.ok(200), user, "within the ten minutes of `stale_if_error`");

    api.post("/api/cache/invalidate", &json!({ "pattern": "user:1" })).await.ok(200);
    api.get("/api/users/1").await.problem(503);
}

#[tokio::test]
async fn an_expired_search_is_served_while_it_is_refreshed() {
    let store = Arc::new(Moody::new(seeded_store().await));
    let clock = Clock::manual();
    let cache = Fastness::builder().clock(clock.clone()).build().expect("a setting that makes sense");
    let api = Api::with_cache(store.clone(), cache);
    let path = "/api/products/search?q=tea";
    let page = api.get(path).await.ok(200);

    clock.advance(Duration::from_secs(61));
    store.turn(Mood::Frozen);
    assert_eq!(api.get(path).await.ok(200), page, "the refresh hangs, the answer does not");
}
