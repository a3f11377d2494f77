//! The very next read after a write is what the store has: held against a server whose cache is empty.

use std::sync::Arc;

use axum::http::Method;
use demo_app::store::{Repository, seed};
use serde_json::{Value, json};

#[path = "../it/api.rs"]
#[allow(dead_code, reason = "shared with the tests of the surface")]
pub(crate) mod api;

use api::Api;

/// One read of each kind that a write below can reach, and some that none may disturb.
const READS: &[&str] = &[
    "/api/users/2",
    "/api/users/101",
    "/api/users?ids=2,101",
    "/api/users",
    "/api/users?page=6",
    "/api/users?sort=-totalVotes",
    "/api/users?business=2",
    "/api/businesses/2",
    "/api/businesses/21",
    "/api/businesses?sort=-createdAt",
    "/api/businesses?isActive=true",
    "/api/businesses/2/products",
    "/api/businesses/2/products?category=drinks",
    "/api/products/2",
    "/api/products/201",
    "/api/products?business=2",
    "/api/products?ids=2,201",
    "/api/products/search?q=tea",
    "/api/products/2/trace",
    "/api/products/3/trace",
    "/api/manufacturers/2",
    "/api/manufacturers/31",
    "/api/manufacturers?industry=ceramics",
    "/api/manufacturers?ids=2,31",
    "/api/votes",
    "/api/votes?business=2&proposalId=autumn-2030",
    "/api/votes/2:autumn-2030:grace.hopper@example.com",
    "/api/businesses/2/proposals/autumn-2030/tally",
    "/api/businesses/2/proposals/spring-2025/tally",
    "/api/events/601",
    "/api/events?eventType=received",
    "/api/events?manufacturer=2",
    "/api/events/near?lng=-8.61&lat=41.15&within_km=5&limit=100",
];

fn writes() -> Vec<(Method, &'static str, Value)> {
    let location = json!({ "country": "PT", "city": "Porto", "coordinates": [-8.61, 41.15] });
    let event = json!({ "manufacturer": 2, "productId": 2, "eventType": "received", "location": location });
    let vote = |address: &str| json!({ "business": 2, "proposalId": "autumn-2030", "voterAddress": address, "selectedProductId": 22 });
    let maker = |industry: &str| json!({ "email": "new@works.example", "name": "New", "industry": industry, "location": location });
    let tea = json!({ "business": 2, "name": "Tea of trees", "category": "drinks", "price": 5 });
    vec![
        (Method::POST, "/api/users", json!({ "business": 2, "name": "New", "email": "new@example.com" })),
        (Method::PUT, "/api/users/2", json!({ "business": 2, "name": "Old", "email": "grace.hopper@example.com" })),
        (Method::POST, "/api/votes", vote("Grace.Hopper@example.com")),
        (Method::POST, "/api/votes", vote("fresh-unknown")),
        (Method::POST, "/api/businesses", json!({ "email": "new@shop.example" })),
        (Method::PUT, "/api/businesses/21", json!({ "email": "newer@shop.example", "isActive": false })),
        (Method::POST, "/api/products", tea.clone()),
        (Method::PUT, "/api/products/2", tea),
        (Method::POST, "/api/events", event),
        (Method::POST, "/api/manufacturers", maker("ceramics")),
        (Method::PUT, "/api/manufacturers/31", maker("paper")),
        (Method::DELETE, "/api/manufacturers/31", Value::Null),
        (Method::DELETE, "/api/products/201", Value::Null),
        (Method::DELETE, "/api/users/101", Value::Null),
        (Method::DELETE, "/api/businesses/2", Value::Null),
    ]
}

async fn all(api: &Api) -> Vec<(&'static str, u16, Value)> {
    let mut seen = Vec::new();
    for path in READS {
        let reply = api.get(path).await;
        assert!(reply.status.as_u16() < 500, "{path}: {}", reply.body);
        seen.push((*path, reply.status.as_u16(), reply.body));
    }
    seen
}

async fn every_write_is_in_the_very_next_read(repository: Arc<dyn Repository>) {
    seed(&*repository).await.unwrap();
    let api = Api::over(repository.clone());
    for (method, path, body) in writes() {
        let before = all(&api).await;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = api.json(method.clone(), path, body).await;
        assert!(reply.status.is_success(), "{method} {path}: {}", reply.body);
        let after = all(&api).await;
        let cold = all(&Api::over(repository.clone())).await;
        for (warm, cold) in after.iter().zip(&cold) {
            assert_eq!(warm, cold, "after {method} {path}");
        }
        assert_ne!(before, after, "{method} {path} changed nothing");
    }
}

#[tokio::test]
async fn on_the_embedded_store() {
    every_write_is_in_the_very_next_read(Arc::new(crate::embedded())).await;
}

#[tokio::test]
async fn on_mongodb() {
    every_write_is_in_the_very_next_read(Arc::new(crate::store().await)).await;
}
