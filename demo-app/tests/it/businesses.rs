//! Businesses over HTTP, and what goes with one that is deleted.

use serde_json::{Value, json};

use crate::api::{Api, NOW};

fn bakery() -> Value {
    json!({
        "email": "hello@bakery.example",
        "businessName": "Bakery",
        "subscription": { "plan": "pro", "status": "trialing" },
    })
}

#[tokio::test]
async fn a_seeded_business_can_be_read() {
    let business = Api::seeded().await.get("/api/businesses/1").await.ok(200);
    assert_eq!(
        business,
        json!({
            "id": 1,
            "email": "hello@orchard-traders.example",
            "businessName": "Orchard Traders",
            "isActive": true,
            "subscription": { "plan": "free", "status": "active" },
            "createdAt": "2024-01-01T00:00:00Z",
        })
    );
}

#[tokio::test]
async fn a_business_lives_from_post_to_delete() {
    let api = Api::seeded().await;
    let created = api.post("/api/businesses", &bakery()).await;
    assert_eq!(created.header("location"), Some("/api/businesses/21"));
    let mut business = created.ok(201);
    assert_eq!((&business["isActive"], &business["createdAt"]), (&json!(true), &json!(NOW)));

    business["subscription"]["status"] = "pastDue".into();
    assert_eq!(api.put("/api/businesses/21", &business).await.ok(200), business);
    assert_eq!(api.get("/api/businesses/21").await.ok(200), business);

    api.delete("/api/businesses/21").await.ok(204);
    assert_eq!(api.get("/api/businesses/21").await.problem(404), "no business has the id 21");
}

#[tokio::test]
async fn an_email_is_taken_once() {
    let api = Api::seeded().await;
    api.post("/api/businesses", &bakery()).await.ok(201);
    let mut shouted = bakery();
    shouted["email"] = "HELLO@bakery.example".into();
    for reply in [api.post("/api/businesses", &shouted).await, api.put("/api/businesses/1", &shouted).await] {
        assert_eq!(reply.problem(409), "another document has the same `email`");
        assert_eq!(reply.errors(), ["email: is taken"]);
    }
}

#[tokio::test]
async fn a_catalog_comes_in_pages() {
    let api = Api::seeded().await;
    let page = api.get("/api/businesses/3/products?page=2&limit=4").await.ok(200);
    assert_eq!(json!([page["page"], page["limit"], page["total"], page["pages"]]), json!([2, 4, 10, 3]));
    assert!(page["items"].as_array().expect("a list").iter().all(|product| product["business"] == 3));
    let reply = api.get("/api/businesses/999/products").await;
    assert_eq!(reply.problem(404), "no business has the id 999");
}

#[tokio::test]
async fn a_list_and_a_batch_work_as_for_users() {
    let api = Api::seeded().await;
    assert_eq!(api.get("/api/businesses?limit=5").await.ok(200)["pages"], 4);
    let batch = api.get("/api/businesses?ids=2,99").await.ok(200);
    assert_eq!((&batch["items"][0]["id"], &batch["missing"]), (&json!(2), &json!([99])));
}

#[tokio::test]
async fn a_business_takes_everything_of_its_own_with_it() {
    let api = Api::seeded().await;
    // All of it is cached before, and must not be seen after.
    for path in ["/api/businesses/1", "/api/businesses/1/products", "/api/products/1", "/api/users/1"] {
        api.get(path).await.ok(200);
    }
    let before = api.get("/api/products/search?q=green").await.ok(200)["total"].as_u64();
    api.delete("/api/businesses/1").await.ok(204);
    for path in ["/api/businesses/1", "/api/businesses/1/products", "/api/products/1", "/api/users/1"] {
        api.get(path).await.problem(404);
    }
    let after = api.get("/api/products/search?q=green").await.ok(200)["total"].as_u64();
    assert!(after < before, "{after:?} {before:?}");
    assert_eq!(api.get("/api/users").await.ok(200)["total"], 95);
}
