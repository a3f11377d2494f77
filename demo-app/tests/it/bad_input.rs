//! Mistakes of clients, and the answers to them. None of it is a 500.

use axum::body::Body;
use axum::http::Method;
use demo_app::http::{Endpoint, endpoints};
use serde_json::json;

use crate::api::{Api, max_body, request};

const COLLECTIONS: [&str; 4] = ["/api/users", "/api/businesses", "/api/products", "/api/manufacturers"];

#[tokio::test]
async fn every_endpoint_of_the_index_is_served_and_refuses_other_methods() {
    let api = Api::seeded().await;
    assert_eq!(api.get("/").await.ok(200)["endpoints"].as_array().map(Vec::len), Some(endpoints().len()));
    for Endpoint { methods, path, .. } in endpoints() {
        let path =
            path.replace("{id}", "1").replace("{name}", "supplier").replace("{proposal}", "p").replace("{vote}", "v");
        let refused = api.send(request(Method::PATCH, &path).body(Body::empty())).await;
        refused.problem(405);
        let mut allowed: Vec<_> = refused.header("allow").expect("what is allowed").split(',').collect();
        allowed.retain(|method| *method != "HEAD");
        allowed.sort_unstable();
        assert_eq!(allowed, *methods, "{path}");
    }
}

#[tokio::test]
async fn an_unknown_route_is_a_problem() {
    let api = Api::seeded().await;
    for path in ["/api", "/api/orders", "/api/users/", "/api/users/1/votes", "/favicon.ico"] {
        assert!(api.get(path).await.problem(404).contains(path));
    }
}

#[tokio::test]
async fn a_bad_id_in_the_path_says_what_an_id_is() {
    let api = Api::seeded().await;
    for collection in COLLECTIONS {
        for id in ["0", "-1", "+1", "1.0", "abc", "%20", "%FF", "18446744073709551616", "1%2F2"] {
            let reply = api.get(&format!("{collection}/{id}")).await;
            assert_eq!(reply.problem(400), "the id in the path must be a whole number from 1", "{id}");
        }
        api.get(&format!("{collection}/18446744073709551615")).await.problem(404);
    }
}

#[tokio::test]
async fn bad_parameters_are_all_named() {
    let api = Api::seeded().await;
    let cases: [(&str, &[&str]); 8] = [
        ("page=0", &["page: must be a whole number from 1 to 4294967295"]),
        (
            "page=x&limit=101",
            &["page: must be a whole number from 1 to 4294967295", "limit: must be a whole number from 1 to 100"],
        ),
        ("limit=", &["limit: must be a whole number from 1 to 100"]),
        ("limit=+5", &["limit: must be a whole number from 1 to 100"]),
        ("page=1&page=2", &["page: is given twice"]),
        ("ids=", &["ids: must be 1 to 100 whole numbers from 1, separated by commas"]),
        ("ids=1,,2", &["ids: must be 1 to 100 whole numbers from 1, separated by commas"]),
        ("ids=1,2&page=1", &["page: cannot be combined with ids"]),
    ];
    for collection in COLLECTIONS {
        for (query, expected) in cases {
            let reply = api.get(&format!("{collection}?{query}")).await;
            reply.problem(400);
            assert_eq!(reply.errors(), expected, "{collection}?{query}");
        }
    }
    let reply = api.get("/api/products?pgae=1").await;
    reply.problem(400);
    let allowed = "page, limit, ids, sort, business, category, createdAt";
    assert_eq!(reply.errors(), [format!("pgae: is not a parameter here; allowed are {allowed}")]);
    let ids = vec!["1"; 101].join(",");
    api.get(&format!("/api/users?ids={ids}")).await.problem(400);
}

#[tokio::test]
async fn a_bad_search_is_named() {
    let api = Api::seeded().await;
    let long = "x".repeat(101);
    let reply = api.get(&format!("/api/products/search?q={long}&sort=price")).await;
    reply.problem(400);
    assert_eq!(
        reply.errors(),
        [
            "sort: is not a parameter here; allowed are q, category, page, limit",
            "q: must be text of at most 100 characters",
        ]
    );
    api.get("/api/businesses/1/products?ids=1").await.problem(400);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_a_400() {
    let api = Api::seeded().await;
    for body in ["", "{", "{\"name\": }", "nonsense", "{} {}", "\u{feff}{}"] {
        for collection in COLLECTIONS {
            let reply = api.json(Method::POST, collection, body).await;
            assert!(reply.problem(400).starts_with("the body is not JSON"), "{body}");
        }
    }
    let deep = "[".repeat(100_000);
    api.json(Method::POST, "/api/users", deep).await.problem(400);
    api.json(Method::PUT, "/api/users/1", vec![0xFF_u8, 0xFE]).await.problem(400);
}

#[tokio::test]
async fn a_body_of_another_kind_is_a_415() {
    let api = Api::seeded().await;
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("json")] {
        let mut post = request(Method::POST, "/api/users");
        if let Some(kind) = kind {
            post = post.header("content-type", kind);
        }
        api.send(post.body(Body::from("{}"))).await.problem(415);
    }
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
        let post = request(Method::POST, "/api/users").header("content-type", kind);
        api.send(post.body(Body::from("{}"))).await.problem(422);
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let api = Api::seeded().await;
    let padded = |bytes: usize| format!("{{}}{}", " ".repeat(bytes - 2));
    api.json(Method::POST, "/api/users", padded(max_body())).await.problem(422);
    let reply = api.json(Method::POST, "/api/users", padded(max_body() + 1)).await;
    assert_eq!(reply.problem(413), "the body of the request is too large: send at most 1048576 bytes");
    api.json(Method::PUT, "/api/products/1", padded(max_body() + 1)).await.problem(413);
}

#[tokio::test]
async fn wrong_fields_are_all_named() {
    let api = Api::seeded().await;
    let reply = api.post("/api/users", &json!({ "business": "1", "email": "ada", "isActive": "yes" })).await;
    reply.problem(422);
    assert_eq!(
        reply.errors(),
        [
            "business: must be an id, a whole number from 1",
            "name: is missing: must be text of 1 to 100 characters",
            "email: must be an email address such as `ann@example.com`",
            "isActive: must be true or false",
        ]
    );
    let reply = api.put("/api/businesses/1", &json!({ "email": "a@b.c", "subscription": { "plan": "gold" } })).await;
    reply.problem(422);
    assert_eq!(
        reply.errors(),
        ["subscription.plan: unknown variant `gold`, expected one of `free`, `basic`, `pro`, `enterprise`"]
    );
    let reply = api.post("/api/products", &json!(null)).await;
    reply.problem(422);
    assert_eq!(reply.errors(), [": must be a JSON object"]);
}

#[tokio::test]
async fn null_counts_as_absent() {
    let api = Api::seeded().await;
    let nulls = json!({
        "email": "n@e.f", "businessName": null, "isActive": null, "subscription": { "plan": null, "status": null }
    });
    let created = api.post("/api/businesses", &nulls).await.ok(201);
    assert_eq!((&created["isActive"], &created["subscription"]["plan"]), (&json!(true), &json!("free")));
    let event = json!({ "manufacturer": 1, "productId": 1, "eventType": null, "location": null });
    let errors = api.post("/api/events", &event).await.errors();
    assert!(errors.contains(&"eventType: is missing".to_owned()), "{errors:?}");
}

#[tokio::test]
async fn a_pattern_that_is_no_prefix_is_explained() {
    let api = Api::seeded().await;
    for pattern in ["us*", "user:*:orders", "*"] {
        let reply = api.post("/api/cache/invalidate", &json!({ "pattern": pattern })).await;
        reply.problem(422);
        assert!(reply.errors()[0].starts_with("pattern: "), "{pattern}");
    }
    api.post("/api/cache/invalidate", &json!({})).await.problem(422);
}
