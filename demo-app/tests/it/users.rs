//! Users over HTTP.

use serde_json::{Value, json};

use crate::api::{Api, NOW};

fn grace() -> Value {
    json!({ "business": 2, "name": "Grace Hopper", "email": "Grace@Example.com" })
}

#[tokio::test]
async fn a_seeded_user_can_be_read() {
    let user = Api::seeded().await.get("/api/users/1").await.ok(200);
    assert_eq!(
        user,
        json!({
            "id": 1,
            "business": 1,
            "name": "Ada Lovelace",
            "email": "ada.lovelace@example.com",
            "totalVotes": 0,
            "isActive": true,
            "createdAt": "2024-01-01T00:00:00Z",
            "lastLoginAt": "2024-04-10T00:00:00Z",
        })
    );
}

#[tokio::test]
async fn a_user_lives_from_post_to_delete() {
    let api = Api::seeded().await;
    let created = api.post("/api/users", &grace()).await;
    assert_eq!(created.header("location"), Some("/api/users/101"));
    let mut user = created.ok(201);
    assert_eq!(user["email"], "grace@example.com");
    assert_eq!(user["createdAt"], NOW);
    assert_eq!(api.get("/api/users/101").await.ok(200), user);

    user["name"] = "Rear Admiral Hopper".into();
    assert_eq!(api.put("/api/users/101", &user).await.ok(200), user);
    assert_eq!(api.get("/api/users/101").await.ok(200), user);

    assert_eq!(api.delete("/api/users/101").await.ok(204), Value::Null);
    assert_eq!(api.get("/api/users/101").await.problem(404), "no user has the id 101");
    assert_eq!(api.delete("/api/users/101").await.problem(404), "no user has the id 101");
    assert_eq!(api.put("/api/users/101", &grace()).await.problem(404), "no user has the id 101");
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    let api = Api::seeded().await;
    let page = api.get("/api/users?page=3&limit=30").await.ok(200);
    let figures = json!([page["page"], page["limit"], page["total"], page["pages"]]);
    assert_eq!(figures, json!([3, 30, 100, 4]));
    assert_eq!(page["items"][0]["id"], 61);
    assert_eq!(page["items"].as_array().map(Vec::len), Some(30));
    assert_eq!(api.get("/api/users").await.ok(200)["items"].as_array().map(Vec::len), Some(20));
    assert_eq!(api.get("/api/users?page=5&limit=30").await.ok(200)["items"], json!([]));
}

#[tokio::test]
async fn a_batch_keeps_the_order_and_names_what_is_missing() {
    let api = Api::seeded().await;
    let batch = api.get("/api/users?ids=7,999,3,7").await.ok(200);
    let ids: Vec<_> = batch["items"].as_array().expect("a list").iter().map(|user| &user["id"]).collect();
    assert_eq!(ids, [7, 3]);
    assert_eq!(batch["missing"], json!([999]));
}

#[tokio::test]
async fn a_user_belongs_to_a_business_that_exists() {
    let api = Api::seeded().await;
    let mut orphan = grace();
    orphan["business"] = 999.into();
    for reply in [api.post("/api/users", &orphan).await, api.put("/api/users/1", &orphan).await] {
        reply.problem(422);
        assert_eq!(reply.errors(), ["business: names a document that does not exist"]);
    }
}

#[tokio::test]
async fn two_users_may_share_an_email() {
    let api = Api::seeded().await;
    api.post("/api/users", &grace()).await.ok(201);
    api.post("/api/users", &grace()).await.ok(201);
}
