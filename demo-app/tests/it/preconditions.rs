//! Changes that a client wants made to the state that it saw, and to no other.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::api::{Api, Reply, request, seeded_store};
use crate::moody::Moody;

/// One path and a good body for each kind of document that can be changed.
fn documents() -> [(&'static str, Value); 4] {
    let place = json!({ "country": "PT", "city": "Porto", "coordinates": [-8.61, 41.15] });
    [
        ("/api/users/1", json!({ "business": 1, "name": "Ann", "email": "ann@example.com" })),
        ("/api/products/1", json!({ "business": 1, "name": "Tea", "category": "food", "price": 5 })),
        ("/api/manufacturers/1", json!({ "email": "a@b.example", "name": "A", "industry": "food", "location": place })),
        // Last, as its products and users go with it.
        ("/api/businesses/1", json!({ "email": "new@works.example", "subscription": { "plan": "pro" } })),
    ]
}

async fn change(api: &Api, method: Method, path: &str, condition: (&str, &str), body: Option<&Value>) -> Reply {
    let mut change = request(method, path).header(condition.0, condition.1);
    if body.is_some() {
        change = change.header("content-type", "application/json");
    }
    let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
    api.send(change.body(body)).await
}

async fn tag(api: &Api, path: &str, encoding: &str) -> String {
    let read = api.raw(request(Method::GET, path).header("accept-encoding", encoding).body(Body::empty())).await;
    assert_eq!(read.status(), 200, "{path}");
    read.headers()["etag"].to_str().expect("ASCII").to_owned()
}

#[tokio::test]
async fn rfc9110_13_1_1_a_change_depends_on_the_state_that_was_seen() {
    let api = Api::seeded().await;
    for (path, body) in documents() {
        let seen = tag(&api, path, "identity").await;
        for wrong in ["\"other\"".to_owned(), format!("W/{seen}"), seen.trim_matches('"').to_owned(), String::new()] {
            change(&api, Method::PUT, path, ("if-match", &wrong), Some(&body)).await.problem(412);
            change(&api, Method::DELETE, path, ("if-match", &wrong), None).await.problem(412);
        }
        assert_eq!(tag(&api, path, "identity").await, seen, "nothing was changed");
        let put = change(&api, Method::PUT, path, ("if-match", &format!("\"other\", {seen}")), Some(&body)).await;
        assert!(put.header("etag").is_none(), "it has to be read first");
        put.ok(200);
        let now = tag(&api, path, "identity").await;
        assert_ne!(now, seen);
        change(&api, Method::PUT, path, ("if-match", &seen), Some(&body)).await.problem(412);
        change(&api, Method::PUT, path, ("if-match", "*"), Some(&body)).await.ok(200);
        change(&api, Method::PUT, path, ("if-match", "\"other\""), Some(&json!({}))).await.problem(422);
        change(&api, Method::DELETE, path, ("if-match", &seen), None).await.problem(412);
        change(&api, Method::DELETE, path, ("if-match", &now), None).await.ok(204);
        change(&api, Method::DELETE, path, ("if-match", &now), None).await.problem(404);
    }
}

/// Long enough to be worth compressing, so that each encoding has a tag of its own.
#[tokio::test]
async fn each_encoding_has_a_tag_and_a_change_may_name_any() {
    let api = Api::seeded().await;
    let body =
        json!({ "business": 1, "name": "Tea", "description": "leaves ".repeat(100), "category": "food", "price": 5 });
    api.put("/api/products/1", &body).await.ok(200);
    let (plain, gzip) = (tag(&api, "/api/products/1", "identity").await, tag(&api, "/api/products/1", "gzip").await);
    assert_ne!(plain, gzip);
    change(&api, Method::PUT, "/api/products/1", ("if-match", &gzip), Some(&body)).await.ok(200);
    let unchanged = request(Method::GET, "/api/products/1").header("accept-encoding", "gzip");
    let unchanged = api.raw(unchanged.header("if-none-match", &gzip).body(Body::empty())).await;
    assert_eq!(unchanged.status(), 304);
}

/// Exactly one of ten changes that saw one state is made, however they meet.
#[tokio::test]
async fn of_many_changes_to_one_state_one_is_made() {
    let api = Api::over(Arc::new(Moody::new(seeded_store().await)));
    let seen = tag(&api, "/api/users/1", "identity").await;
    let changes = (0..10).map(|number| {
        let (api, seen) = (api.clone(), seen.clone());
        tokio::spawn(async move {
            let body = json!({ "business": 1, "name": format!("Ann {number}"), "email": "ann@example.com" });
            change(&api, Method::PUT, "/api/users/1", ("if-match", &seen), Some(&body)).await.status.as_u16()
        })
    });
    let changes: Vec<_> = changes.collect();
    let mut statuses = Vec::new();
    for change in changes {
        statuses.push(change.await.expect("no panic"));
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[412; 9]].concat());
}
