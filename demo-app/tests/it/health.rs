//! Health over HTTP, with a store that answers and with one that does not.

use std::sync::Arc;
use std::time::Duration;

use fastness::{Clock, Fastness};

use serde_json::{Value, json};

use crate::api::{Api, seeded_store};
use crate::moody::{Mood, Moody};

/// A document's field names, in order, nested ones in brackets.
fn shape(value: &Value) -> String {
    let Some(object) = value.as_object() else {
        return String::new();
    };
    let mut names: Vec<_> = object.iter().map(|(name, inner)| format!("{name}{}", shape(inner))).collect();
    names.sort();
    format!("[{}]", names.join(" "))
}

const SHAPE: &str = "[cache[coherent connected hitRate latency] database[connected connections latency] errors[count rate] \
                     memory[free percentage total used] probes reasons status timestamp uptime]";

#[tokio::test]
async fn the_shape_is_exactly_the_documented_one() {
    let api = Api::seeded().await;
    api.get("/api/users/1").await.ok(200);
    api.get("/api/users/1").await.ok(200);
    let health = api.get("/health").await.ok(200);
    assert_eq!(shape(&health), SHAPE);
    assert_eq!(health["status"], "healthy");
    let timestamp = health["timestamp"].as_str().unwrap();
    assert!(timestamp.parse::<jiff::Timestamp>().is_ok() && timestamp.len() == 24, "{timestamp}");
    assert_eq!(health["database"]["connected"], true);
    assert_eq!(health["database"]["connections"], 0);
    assert_eq!(health["errors"], json!({ "count": 0, "rate": 0.0 }));
    let memory = &health["memory"];
    assert_eq!(
        memory["used"].as_u64().zip(memory["free"].as_u64()).map(|(used, free)| used + free),
        memory["total"].as_u64()
    );
    assert!(health["cache"]["hitRate"].as_f64().is_some_and(|rate| rate > 0.0));
}

#[tokio::test]
async fn a_failing_store_is_unhealthy_but_alive() {
    let store = Arc::new(Moody::new(seeded_store().await));
    let clock = Clock::manual();
    let cache = Fastness::builder().clock(clock.clone()).build().expect("a setting that makes sense");
    let api = Api::with_cache(store.clone(), cache);
    api.monitor.sample().await;
    assert_eq!(api.get("/health/ready").await.ok(200), json!({ "status": "ready" }));

    store.turn(Mood::Unavailable);
    api.get("/api/users/1").await.problem(503);
    clock.advance(Duration::from_secs(5));
    api.monitor.sample().await;
    let health = api.get("/health").await.ok(503);
    assert_eq!(shape(&health), SHAPE);
    assert_eq!((&health["status"], &health["database"]["connected"]), (&json!("unhealthy"), &json!(false)));
    assert_eq!(health["errors"]["count"], 1);
    let ready = api.get("/health/ready").await.ok(503);
    assert_eq!(ready, json!({ "status": "notReady", "reasons": ["database: the database does not answer"] }));
    assert_eq!(api.get("/health/live").await.ok(200), json!({ "status": "alive" }));
}

#[tokio::test(start_paused = true)]
async fn a_probe_waits_one_second_at_most() {
    let store = Arc::new(Moody::new(seeded_store().await));
    store.turn(Mood::Frozen);
    let api = Api::over(store);
    let began = tokio::time::Instant::now();
    let health = api.get("/health").await.ok(503);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    assert_eq!((&health["database"]["connected"], &health["database"]["connections"]), (&json!(false), &json!(3)));
}

#[tokio::test]
async fn the_figures_are_those_of_the_routes_and_of_the_database() {
    let clock = Clock::manual();
    let cache = Fastness::builder().clock(clock.clone()).build().expect("a setting that makes sense");
    let api = Api::with_cache(Arc::new(seeded_store().await), cache);
    assert_eq!(api.get("/api/performance").await.ok(503)["status"], "starting");
    api.monitor.sample().await;
    api.get("/api/users/1").await.ok(200);
    api.get("/api/users/2").await.ok(200);
    clock.advance(Duration::from_secs(5));
    api.monitor.sample().await;
    let figures = api.get("/api/performance").await.ok(200);
    let routes = figures["routes"].as_array().unwrap();
    let users = routes.iter().find(|route| route["name"] == "GET /api/users/{id}").expect("by its template");
    assert_eq!(users["count"], 2, "{figures}");
    assert_eq!(figures["sections"]["database"], json!({ "kind": "embedded" }));
    assert!(figures["policies"].to_string().contains("\"http\""), "the limit and the breaker of the server");
    assert!(api.get("/metrics").await.ok(200).as_str().unwrap().contains("fastness_"));
    assert!(api.get("/dashboard").await.ok(200).as_str().unwrap().starts_with("<!"));
}
