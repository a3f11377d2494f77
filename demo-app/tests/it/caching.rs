//! The cache saves queries, and no answer shows that there is one.

use std::sync::Arc;

use fastness::registry::Role;
use serde_json::{Value, json};

use crate::api::{Api, seeded_store};
use crate::moody::{Mood, Moody};

async fn counted() -> (Api, Arc<Moody>) {
    let store = Arc::new(Moody::new(seeded_store().await));
    (Api::over(store.clone()), store)
}

/// Every read of the surface.
const READS: [&str; 21] = [
    "/api/users/1",
    "/api/users?page=2",
    "/api/users?ids=4,5",
    "/api/businesses/1",
    "/api/businesses",
    "/api/businesses/2/products",
    "/api/products/1",
    "/api/products",
    "/api/products?ids=7,8",
    "/api/products/search?q=tea",
    "/api/users?sort=-totalVotes",
    "/api/manufacturers/1",
    "/api/manufacturers?industry=food&isVerified=true",
    "/api/manufacturers?ids=2,3",
    "/api/votes",
    "/api/votes/2:spring-2025:grace.hopper@example.com",
    "/api/businesses/2/proposals/spring-2025/tally",
    "/api/events/1",
    "/api/events?eventType=shipped",
    "/api/products/1/trace",
    "/api/events/near?lng=-8.6&lat=41.1&within_km=50",
];

#[tokio::test]
async fn every_read_is_a_miss_once_and_then_a_hit() {
    for path in READS {
        let (api, store) = counted().await;
        let first = api.get(path).await;
        assert_eq!(first.x_cache(), Some("miss"), "{path}");
        let queries = store.queries();
        let second = api.get(path).await;
        assert_eq!(second.x_cache(), Some("hit"), "{path}");
        assert_eq!(store.queries(), queries, "{path}");
        assert_eq!(second.ok(200), first.ok(200), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_id_is_remembered_until_it_exists() {
    let (api, _) = counted().await;
    api.get("/api/users/101").await.problem(404);
    let again = api.get("/api/users/101").await;
    again.problem(404);
    assert_eq!(again.x_cache(), Some("hit"));
    api.get("/api/users?ids=1,101").await.ok(200);
    assert_eq!(api.get("/api/users?ids=1,101").await.x_cache(), Some("hit"));

    api.post("/api/users", &json!({ "business": 1, "name": "New", "email": "new@example.com" })).await.ok(201);
    let found = api.get("/api/users/101").await;
    assert_eq!(found.x_cache(), Some("hit"), "creation leaves the document in the cache");
    found.ok(200);
    assert_eq!(api.get("/api/users?ids=1,101").await.ok(200)["missing"], json!([]));
}

#[tokio::test]
async fn a_batch_and_a_single_read_share_their_entries() {
    let (api, store) = counted().await;
    api.get("/api/users/1").await.ok(200);
    api.get("/api/users?ids=1,2,3").await.ok(200);
    let queries = store.queries();
    for path in ["/api/users/2", "/api/users/3", "/api/users?ids=3,1"] {
        assert_eq!(api.get(path).await.x_cache(), Some("hit"), "{path}");
    }
    assert_eq!(store.queries(), queries);
}

#[tokio::test]
async fn an_update_is_in_the_very_next_read_of_every_kind() {
    let (api, _) = counted().await;
    let reads = [
        "/api/products/1",
        "/api/products",
        "/api/products?ids=1",
        "/api/businesses/1/products",
        "/api/products/search?q=batch",
    ];
    let mut product = api.get("/api/products/1").await.ok(200);
    for round in 0..20 {
        for path in reads {
            api.get(path).await.ok(200);
        }
        let name = format!("Name {round}");
        product["name"] = name.as_str().into();
        api.put("/api/products/1", &product).await.ok(200);
        for path in reads {
            let body = api.get(path).await.ok(200);
            assert!(body.to_string().contains(&name), "{path} in round {round}");
        }
    }
}

#[tokio::test]
async fn an_update_leaves_the_new_document_in_the_cache() {
    let (api, _) = counted().await;
    let mut user = api.get("/api/users/9").await.ok(200);
    user["name"] = "Renamed".into();
    api.put("/api/users/9", &user).await.ok(200);
    let next = api.get("/api/users/9").await;
    assert_eq!(next.x_cache(), Some("hit"));
    assert_eq!(next.ok(200)["name"], "Renamed");
}

#[tokio::test]
async fn a_failed_update_is_not_trusted_to_have_changed_nothing() {
    let (api, _) = counted().await;
    let business = api.get("/api/businesses/1").await.ok(200);
    let taken = json!({ "email": "hello@harbour-traders.example" });
    api.put("/api/businesses/1", &taken).await.problem(409);
    let next = api.get("/api/businesses/1").await;
    assert_eq!(next.x_cache(), Some("miss"), "an error does not say whether the store was written");
    assert_eq!(next.ok(200), business);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_in_the_very_next_read_of_every_kind() {
    let (api, store) = counted().await;
    for path in READS {
        api.get(path).await.ok(200);
    }
    let (product, maker) = (api.get("/api/products/1").await.ok(200), api.get("/api/manufacturers/1").await.ok(200));
    let event = json!({ "manufacturer": 1, "productId": 1, "eventType": "shipped", "location": maker["location"] });
    let vote = json!({ "business": 1, "proposalId": "autumn", "voterAddress": "a@b.c", "selectedProductId": 21 });
    store.turn(Mood::Mute);
    api.delete("/api/businesses/2").await.problem(503);
    api.delete("/api/users/4").await.problem(503);
    api.post("/api/users", &json!({ "business": 1, "name": "N", "email": "n@e.f" })).await.problem(503);
    api.put("/api/products/1", &with(product, "name", "Renamed tea")).await.problem(503);
    api.put("/api/manufacturers/1", &with(maker, "name", "Renamed")).await.problem(503);
    api.post("/api/events", &event).await.problem(503);
    api.post("/api/votes", &vote).await.problem(503);
    store.turn(Mood::Fine);
    let uncached = Api::over(store);
    for path in READS {
        let (answer, truth) = (api.get(path).await, uncached.get(path).await);
        assert_eq!((answer.status, answer.body), (truth.status, truth.body), "{path}");
    }
}

fn with(mut document: Value, field: &str, value: &str) -> Value {
    document[field] = value.into();
    document
}

#[tokio::test]
async fn a_write_says_nothing_of_the_cache() {
    let (api, _) = counted().await;
    let created = api.post("/api/users", &json!({ "business": 1, "name": "N", "email": "n@e.f" })).await;
    assert_eq!(created.x_cache(), None);
    assert_eq!(api.get("/health/live").await.x_cache(), None, "nor does a read that asks no cache");
}

#[tokio::test]
async fn a_hundred_callers_cost_one_query() {
    let (api, store) = counted().await;
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let api = api.clone();
            tokio::spawn(async move { api.get("/api/users/42").await.ok(200) })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("no panic")["id"], 42);
    }
    assert_eq!(store.queries(), 1);
}

#[tokio::test]
async fn a_pattern_drops_what_it_covers_and_no_more() {
    let (api, _) = counted().await;
    for path in ["/api/users/1", "/api/products/1"] {
        api.get(path).await.ok(200);
    }
    let reply = api.post("/api/cache/invalidate", &json!({ "pattern": "user:*" })).await;
    assert_eq!(reply.ok(200), json!({ "invalidated": "user:*", "reach": "announced" }));
    assert_eq!(api.get("/api/users/1").await.x_cache(), Some("miss"));
    assert_eq!(api.get("/api/products/1").await.x_cache(), Some("hit"));

    api.post("/api/cache/invalidate", &json!({ "pattern": "product:1" })).await.ok(200);
    assert_eq!(api.get("/api/products/1").await.x_cache(), Some("miss"));
}

#[tokio::test]
async fn deep_and_empty_search_pages_are_not_kept() {
    let (api, _) = counted().await;
    for path in ["/api/products/search?q=batch&page=11&limit=5", "/api/products/search?q=nonesuch"] {
        api.get(path).await.ok(200);
        assert_ne!(api.get(path).await.x_cache(), Some("hit"), "{path}");
    }
}

#[tokio::test]
async fn the_figures_add_up() {
    let (api, _) = counted().await;
    for _ in 0..4 {
        api.get("/api/users/1").await.ok(200);
    }
    let stats = api.get("/api/cache/stats").await.ok(200);
    let site = |key: &str| {
        let sites = stats["sites"].as_array().expect("a list");
        sites.iter().find(|site| site["key"] == key).unwrap_or_else(|| panic!("no {key}: {stats}"))
    };
    assert_eq!(site("http:*")["hits"], 3, "the response itself was kept");
    let user = site("user:{id}");
    assert_eq!(json!([user["hits"], user["misses"], user["loads"]]), json!([0, 1, 1]));
    assert!(user["function"].as_str().is_some_and(|name| name.ends_with("get_user")), "{user}");
    let rate = stats["hitRate"].as_f64().expect("a number");
    assert!(rate > 0.0 && rate < 100.0, "{stats}");
}

#[tokio::test]
async fn the_registry_lists_every_annotated_function() {
    let api = Api::seeded().await;
    let registry = api.get("/api/cache/registry").await.ok(200);
    let listed = |role: &str, name: &str| {
        registry.as_array().expect("a list").iter().any(|item| {
            item["role"] == role && item["function"].as_str().is_some_and(|function| function.ends_with(name))
        })
    };
    assert!(listed("cacheable", "::get_user"), "{registry}");
    assert!(listed("cacheable, batch", "::get_products"));
    assert!(listed("cache_put", "::update_business"));
    assert!(listed("cache_invalidate", "::remove_product"));
}

#[tokio::test]
async fn no_pattern_misses_its_key_and_no_key_is_forgotten() {
    // Called once, so that the audit knows the receivers.
    let (api, _) = counted().await;
    for path in READS {
        api.get(path).await.ok(200);
    }
    api.get("/health").await.ok(200);
    let audit = fastness::registry::audit();
    assert!(audit.errors().is_empty(), "{audit}");
    // The tests' own library has functions, too.
    let notes: Vec<_> = audit.notes().iter().filter(|note| note.contains("`demo_app::")).collect();
    let [rating] = notes[..] else { panic!("a note for each that no write of ours can change: {audit}") };
    assert!(rating.contains("`rating:{product}`"), "{audit}");
    let ours = fastness::registry::annotated().into_iter().filter(|item| item.module.starts_with("demo_app"));
    let puts = ours.filter(|item| item.role == Role::Put).count();
    assert_eq!(puts, 10, "an insert and an update for each model; votes and events are never updated");
}

#[tokio::test]
async fn settings_are_applied_as_a_whole_or_refused_with_all_faults() {
    let (api, store) = counted().await;
    assert_eq!(api.get("/api/settings").await.ok(200), json!({}));
    let wish = json!({ "functions": { "get_user": { "enabled": false }, "search_products": { "ttl": "30s" } } });
    let applied = api.put("/api/settings", &wish).await.ok(200);
    let functions = applied["functions"].as_object().expect("a table");
    assert_eq!(functions.len(), 2, "{applied}");
    assert!(functions.keys().any(|path| path.ends_with(".get_user")), "by their full paths: {applied}");
    assert_eq!(api.get("/api/settings").await.ok(200), applied);

    let wrong =
        json!({ "functions": { "get_usr": {}, "search_products": { "ttl": "30", "size": 3 } }, "sections": {} });
    let refused = api.put("/api/settings", &wrong).await;
    refused.problem(422);
    assert_eq!(refused.errors().len(), 4, "{:?}", refused.errors());
    assert_eq!(api.get("/api/settings").await.ok(200), applied, "nothing of it was applied");
    assert_eq!(api.put("/api/settings", &json!({})).await.ok(200), json!({}));
    assert_eq!(store.queries(), 0);
}
