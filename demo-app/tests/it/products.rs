//! Products over HTTP: catalogues and searches.

use serde_json::{Value, json};

use crate::api::{Api, NOW};

fn kettle() -> Value {
    json!({ "business": 4, "name": "Copper Kettle", "description": "Sings.", "category": "Home", "price": 4_900 })
}

#[tokio::test]
async fn a_seeded_product_can_be_read() {
    let product = Api::seeded().await.get("/api/products/1").await.ok(200);
    assert_eq!(
        product,
        json!({
            "id": 1,
            "business": 1,
            "name": "Green Tea",
            "description": "Tea of batch 1, chosen by hand.",
            "category": "drinks",
            "price": 199,
            "createdAt": "2024-01-01T00:00:00Z",
        })
    );
}

#[tokio::test]
async fn a_product_lives_from_post_to_delete() {
    let api = Api::seeded().await;
    let created = api.post("/api/products", &kettle()).await;
    assert_eq!(created.header("location"), Some("/api/products/201"));
    let mut product = created.ok(201);
    assert_eq!((&product["category"], &product["createdAt"]), (&json!("home"), &json!(NOW)));

    product["price"] = 3_900.into();
    assert_eq!(api.put("/api/products/201", &product).await.ok(200), product);
    assert_eq!(api.get("/api/products/201").await.ok(200), product);

    api.delete("/api/products/201").await.ok(204);
    assert_eq!(api.get("/api/products/201").await.problem(404), "no product has the id 201");
    assert_eq!(api.delete("/api/products/201").await.problem(404), "no product has the id 201");
}

#[tokio::test]
async fn a_product_stays_with_its_business() {
    let api = Api::seeded().await;
    let reply = api.put("/api/products/1", &kettle()).await;
    reply.problem(422);
    assert_eq!(reply.errors(), ["business: cannot be changed after creation"]);
}

#[tokio::test]
async fn a_search_finds_words_in_a_category() {
    let api = Api::seeded().await;
    let page = api.get("/api/products/search?q=tea&category=drinks&limit=3").await.ok(200);
    let items = page["items"].as_array().expect("a list");
    assert_eq!(items.len(), 3);
    assert!(items.iter().all(|item| item["category"] == "drinks"));
    assert!(items.iter().all(|item| { item["name"].as_str().is_some_and(|name| name.contains("Tea")) }));
    assert!(page["total"].as_u64() > Some(3));

    assert_eq!(api.get("/api/products/search?q=TEA%20%20&category=Drinks&limit=3").await.ok(200), page);
    assert_eq!(api.get("/api/products/search?q=nonesuch").await.ok(200)["total"], 0);
    let without = api.get("/api/products/search?category=drinks").await;
    without.problem(400);
    assert_eq!(without.errors(), ["q: is missing: give words to look for; /api/products lists all"]);
}

#[tokio::test]
async fn a_list_and_a_batch_work_as_for_users() {
    let api = Api::seeded().await;
    assert_eq!(api.get("/api/products?limit=100").await.ok(200)["pages"], 2);
    let batch = api.get("/api/products?ids=5,4").await.ok(200);
    assert_eq!((&batch["items"][0]["id"], &batch["items"][1]["id"]), (&json!(5), &json!(4)));
}
