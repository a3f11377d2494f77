//! Every kind of change.

use bson::doc;
use fastness::mongo::changes::WatcherState;
use fastness::{Fastness, Key};
use fastness_tests::servers::{shared_mongo, shared_mongo_set, until};

use super::{Product, Shop, TTL};
use fastness_tests::names::named;

#[tokio::test]
async fn writes_of_another_program_are_noticed() {
    let shop = Shop::new().await;
    shop.insert(1, 7, 10).await;
    let tail = shop.start().await;
    shop.sees(1, Some(10)).await;
    let mut lags = Vec::new();
    for price in 11..61 {
        let seen = tail.snapshot().changes;
        shop.set(1, doc! { "price": price }).await;
        until("the change is announced", async || tail.snapshot().changes > seen).await;
        assert_eq!(shop.price(1).await, Some(price), "a read after the announcement is of what was written");
        lags.push(tail.snapshot().lag.unwrap());
    }
    lags.sort();
    println!("from the write to its announcement: p50 {:?}, worst of 50 {:?}", lags[25], lags[49]);
    let status = tail.snapshot();
    assert!(status.last_change.is_some() && status.gaps == 1, "{status:?}");
}

#[tokio::test]
async fn a_moved_product_leaves_one_list_and_joins_another() {
    let shop = Shop::new().await;
    shop.insert(1, 7, 10).await;
    let _tail = shop.start().await;
    shop.counts(7, 1).await;
    shop.counts(8, 0).await;
    shop.set(1, doc! { "businessId": 8_i64 }).await;
    shop.counts(7, 0).await;
    shop.counts(8, 1).await;

    // A replacement, as most mappers write, does not reveal the old document.
    shop.other.replace_one(doc! { "_id": 1 }, doc! { "_id": 1, "businessId": 9_i64, "price": 1_i64 }).await.unwrap();
    shop.counts(8, 0).await;
    shop.counts(9, 1).await;
}

#[tokio::test]
async fn only_the_lists_that_a_change_concerns_are_loaded_again() {
    let shop = Shop::new().await;
    let images = doc! { "create": "products", "changeStreamPreAndPostImages": { "enabled": true } };
    shop.db.run_command(images).await.unwrap();
    shop.insert(1, 7, 10).await;
    shop.insert(2, 9, 10).await;
    let _tail = shop.start().await;
    shop.counts(7, 1).await;
    shop.counts(9, 1).await;
    assert_eq!(shop.price(2).await, Some(10));
    let loads = shop.loads();

    shop.set(1, doc! { "price": 11_i64 }).await;
    shop.counts(7, 1).await;
    // The pre-image has the old value.
    shop.set(1, doc! { "businessId": 8_i64 }).await;
    shop.counts(7, 0).await;
    shop.other.delete_one(doc! { "_id": 1 }).await.unwrap();
    shop.counts(8, 0).await;
    let others = shop.loads();
    assert!(others > loads);
    assert_eq!((shop.count(9).await, shop.price(2).await), (1, Some(10)));
    assert_eq!(shop.loads(), others, "entries that no change concerned are still cached");
}

/// Works without pre-images too, because the document is read.
#[tokio::test]
async fn an_update_of_another_field_concerns_the_lists_of_the_document() {
    let shop = Shop::new().await;
    shop.insert(1, 7, 10).await;
    shop.insert(2, 9, 10).await;
    let _tail = shop.start().await;
    shop.counts(7, 1).await;
    shop.counts(9, 1).await;
    let loads = shop.loads();
    shop.set(1, doc! { "price": 11_i64 }).await;
    until("the list that it is in is loaded again", async || {
        shop.count(7).await;
        shop.loads() > loads
    })
    .await;
    let loads = shop.loads();
    assert_eq!((shop.count(9).await, shop.loads()), (1, loads), "the other list is still cached");
}

#[tokio::test]
async fn an_insert_and_a_deletion_are_seen_in_lists() {
    let shop = Shop::new().await;
    let _tail = shop.start().await;
    shop.counts(7, 0).await;
    assert_eq!(shop.price(1).await, None);
    shop.insert(1, 7, 10).await;
    shop.counts(7, 1).await;
    shop.sees(1, Some(10)).await;
    shop.other.delete_one(doc! { "_id": 1 }).await.unwrap();
    shop.counts(7, 0).await;
    shop.sees(1, None).await;
}

#[tokio::test]
async fn a_collection_that_is_dropped_replaced_or_gone_with_its_database_is_seen() {
    let shop = Shop::new().await;
    let tail = shop.start().await;
    for _ in 0..2 {
        shop.insert(1, 7, 10).await;
        shop.sees(1, Some(10)).await;
        shop.counts(7, 1).await;
        shop.other.drop().await.unwrap();
        shop.sees(1, None).await;
        shop.counts(7, 0).await;

        // Written beside it, and renamed into its place.
        let beside = shop.db.collection("beside");
        beside.insert_one(doc! { "_id": 1, "businessId": 7_i64, "price": 20_i64 }).await.unwrap();
        let name = shop.db.name();
        let rename = doc! { "renameCollection": format!("{name}.beside"), "to": format!("{name}.products") };
        shop.db.client().database("admin").run_command(rename).await.unwrap();
        shop.sees(1, Some(20)).await;

        // The stream ends with the database, and another one is opened.
        let before = tail.snapshot().resumptions;
        shop.db.drop().await.unwrap();
        shop.sees(1, None).await;
        until("another stream follows", async || tail.snapshot().resumptions > before).await;
    }
    assert_eq!(tail.snapshot().gaps, 1);
}

#[tokio::test]
async fn none_of_ten_thousand_changes_is_lost() {
    const ALL: i64 = 10_000;
    let db = shared_mongo_set().await.database().await;
    let shop = Shop::over(db.clone(), &db, Fastness::builder().capacity(100_000).build().unwrap());
    let products = (0..ALL).map(|id| doc! { "_id": id, "businessId": id % 100, "price": 1_i64 });
    shop.other.insert_many(products).await.unwrap();
    let tail = shop.start().await;
    // The first announcement is that of the gap.
    until("the gap is closed", async || {
        shop.cache.set(&named("product:0"), 1_i64, TTL).await;
        tail.snapshot().state == WatcherState::Running && shop.cache.get::<i64>(&named("product:0")).await.is_some()
    })
    .await;
    shop.set(0, doc! { "price": 2_i64 }).await;
    until("a change is followed", async || tail.snapshot().changes == 1).await;

    let keys: Vec<_> = (0..ALL).map(|id| Key::from_static("product").join(id)).collect();
    shop.cache.mset(keys.iter().map(|key| (key.clone(), 1_i64)), TTL).await;
    assert!(shop.cache.mget::<i64>(&keys).await.iter().all(Option::is_some));

    let began = tokio::time::Instant::now();
    shop.other.update_many(doc! {}, doc! { "$inc": { "price": 1_i64 } }).await.unwrap();
    let written = began.elapsed();
    for part in 1..=10 {
        until("a tenth more of them is followed", async || tail.snapshot().changes > part * 1_000).await;
    }
    assert_eq!(tail.snapshot().changes, 10_001);
    println!("10 000 updates: written in {written:?}, all announced after {:?}", began.elapsed());
    assert!(shop.cache.mget::<i64>(&keys).await.iter().all(Option::is_none));
}

#[tokio::test]
async fn entries_from_before_the_first_stream_are_loaded_again() {
    let shop = Shop::new().await;
    shop.insert(1, 7, 10).await;
    assert_eq!((shop.price(1).await, shop.count(7).await), (Some(10), 1));
    shop.cache.set(&named("other:1"), 1, TTL).await;
    // No process watches yet.
    shop.set(1, doc! { "businessId": 8_i64, "price": 20_i64 }).await;
    assert_eq!((shop.price(1).await, shop.count(7).await), (Some(10), 1));

    let tail = shop.start().await;
    shop.sees(1, Some(20)).await;
    shop.counts(7, 0).await;
    assert_eq!(tail.snapshot().gaps, 1);
    assert_eq!(shop.cache.get::<i32>(&named("other:1")).await, Some(1), "an entry that depends on no model stays");
}

#[tokio::test]
async fn a_server_without_a_replica_set_switches_change_streams_off() {
    let db = shared_mongo().await.database().await;
    let shop = Shop::over(db.clone(), &db, Fastness::builder().build().unwrap());
    let tail = shop.changes().start(&shop.fast);
    until("it is off", async || tail.snapshot().state == WatcherState::Off).await;
    let status = tail.snapshot();
    assert!(status.why.as_deref().unwrap().starts_with("change streams need a replica set: "), "{status:?}");
    shop.insert(1, 7, 10).await;
    assert_eq!(shop.price(1).await, Some(10), "the cache works without it");
    tail.stop().await;
}

#[test]
fn the_scopes_of_a_model_are_data() {
    let texts: Vec<_> = <Product as fastness::Indexed>::SCOPES.iter().map(|scope| scope.text).collect();
    assert_eq!(texts, ["product:{id}", "products:*", "business:{business}:products:*"]);
}
