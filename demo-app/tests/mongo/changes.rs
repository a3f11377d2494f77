//! Writes of another program are in the next cached read, and in the figures of the database's watch.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use demo_app::store::{MongoRepository, Repository, seed};
use fastness::Fastness;
use fastness::mongo;
use fastness_tests::servers::{database_name, shared_mongo, shared_mongo_set, until};
use serde_json::json;

use crate::fresh::api::Api;

#[tokio::test]
async fn a_foreign_write_is_seen_by_a_cached_read() {
    let options = mongo::Settings::from_uri(&shared_mongo_set().await.url()).await.unwrap();
    let store = MongoRepository::new(options.slow_query(Duration::ZERO).connect().unwrap());
    seed(&store).await.unwrap();
    let cache = Fastness::builder().build().unwrap();
    store.start_watch(&cache, Some(Duration::from_millis(1)));
    let foreign = store.database().collection::<Document>("products");
    let (api, store) = (Api::with_cache(Arc::new(store.clone()), cache), store);
    until("changes are followed", async || store.report()["changes"]["state"] == "running").await;

    let reads = ["/api/products/1", "/api/products?business=1", "/api/businesses/1/products"];
    for path in reads {
        api.get(path).await.ok(200);
        assert_eq!(api.get(path).await.x_cache(), Some("hit"), "{path}");
    }
    foreign.update_one(doc! { "_id": 1_i64 }, doc! { "$set": { "name": "By hand" } }).await.unwrap();
    for path in reads {
        until(path, async || api.get(path).await.ok(200).to_string().contains("By hand")).await;
    }
    assert!(store.report()["changes"]["changes"].as_u64().is_some_and(|changes| changes > 0));

    until("a look", async || store.report()["indexes"]["inSync"] == true).await;
    until("it is profiled", async || store.report()["profiling"]["on"] == true).await;
    let told = api.get("/api/indexes").await.ok(200);
    assert_eq!(told["database"]["kind"], "mongodb");
    let slow = api.get("/api/slow-queries").await.ok(200).to_string();
    assert!(slow.contains("\"collection\":\"products\"") && !slow.contains("By hand"), "{slow}");
}

#[tokio::test]
async fn on_a_single_node_it_says_that_there_are_no_changes() {
    let uri = format!("mongodb://127.0.0.1:{}/{}?directConnection=true", shared_mongo().await.port(), database_name());
    let store = MongoRepository::new(mongo::Settings::from_uri(&uri).await.unwrap().connect().unwrap());
    store.start_watch(&Fastness::builder().build().unwrap(), None);
    until("it is off", async || store.report()["changes"]["state"] == "off").await;
    assert!(store.report()["changes"]["why"].as_str().unwrap().contains("replica set"), "{}", store.report());
    until("a look", async || store.report()["profiling"] == json!({ "on": false })).await;
}
