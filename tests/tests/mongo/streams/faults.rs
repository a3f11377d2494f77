//! Servers that fail, and positions that they no longer know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bson::{Document, doc};
use fastness::mongo::changes::{ChangeWatcher, WatcherState};
use fastness::{Fastness, Redis as Shared};
use fastness_tests::servers::{Mongo, MongoSet, Redis, database_name, prefix, shared_redis, until};
use mongodb::Database;

use super::{Shop, primary, running, set_of_one};

fn embedded() -> Fastness {
    Fastness::builder().build().unwrap()
}

async fn shared(prefix: &str) -> Fastness {
    let redis = Shared::single(&shared_redis().await.url()).unwrap().prefix(prefix);
    let fast = Fastness::builder().redis(redis).build().unwrap();
    until("the node is connected", async || fast.shared().unwrap().connected).await;
    fast
}

/// Repeats a write until it succeeds, so that the last value is known.
async fn write(db: Database, products: i64, ended: Arc<AtomicBool>) -> i64 {
    let all = db.collection::<Document>("products");
    let mut price = 0;
    while !ended.load(Ordering::SeqCst) {
        price += 1;
        for id in 0..products {
            let change = doc! { "$set": { "price": price, "businessId": price % 3 } };
            while all.update_one(doc! { "_id": id }, change.clone()).upsert(true).await.is_err() {}
        }
    }
    price
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_lost_when_the_primary_steps_down_or_is_killed() {
    const PRODUCTS: i64 = 20;
    let mut set = MongoSet::start().await;
    let db = set.database().await;
    let shop = Arc::new(Shop::over(db.clone(), &db, embedded()));
    let tail = shop.start().await;
    let ended = Arc::new(AtomicBool::new(false));
    let other = set.client().await.database(db.name());
    let writer = tokio::spawn(write(other, PRODUCTS, ended.clone()));
    let reader = tokio::spawn({
        let (shop, ended) = (shop.clone(), ended.clone());
        async move {
            while !ended.load(Ordering::SeqCst) {
                for id in 0..PRODUCTS {
                    shop.price(id).await;
                }
                tokio::task::yield_now().await;
            }
        }
    });
    let followed = async |more: u64| {
        let seen = tail.snapshot().changes;
        until("changes are followed", async || tail.snapshot().changes > seen + more).await;
    };
    followed(100).await;
    set.step_down().await;
    followed(100).await;
    set.kill_primary().await;
    followed(100).await;
    ended.store(true, Ordering::SeqCst);
    let last = writer.await.unwrap();
    reader.await.unwrap();
    for id in 0..PRODUCTS {
        shop.sees(id, Some(last)).await;
    }
    shop.counts(last % 3, PRODUCTS).await;
    let status = tail.snapshot();
    println!("{} changes were followed, with {} resumptions", status.changes, status.resumptions);
    assert_eq!((status.state, status.gaps), (WatcherState::Running, 1), "{status:?}");
}

#[tokio::test]
async fn a_server_that_is_absent_at_the_start_and_killed_later_is_followed_when_it_is_there() {
    let mut server = set_of_one(&[]).await;
    let name = database_name();
    server.kill();
    let db = server.client().await.database(&name);
    let shop = Shop::over(db.clone(), &db, embedded());
    let tail = shop.changes().start(&shop.fast);
    assert_eq!(tail.snapshot().state, WatcherState::Starting);
    for round in 0..2 {
        server.restart().await;
        primary(&server).await;
        running(&tail).await;
        if round == 0 {
            shop.insert(1, 7, 10).await;
        }
        shop.sees(1, Some(10 + round)).await;
        // Written while other processes cannot be notified, and read before the stream is open again.
        shop.set(1, doc! { "price": 11 + round }).await;
        shop.sees(1, Some(11 + round)).await;
        server.kill();
        until("it tries again", async || tail.snapshot().state != WatcherState::Running).await;
        assert!(tail.snapshot().why.is_some(), "{:?}", tail.snapshot());
    }
    assert_eq!((tail.snapshot().resumptions, tail.snapshot().gaps), (1, 1));
    // An unreachable server does not prevent a stop.
    tail.stop().await;
}

/// A server that holds its connections open without replying; the operating system would notice after many minutes.
#[tokio::test]
async fn a_server_that_hangs_is_noticed_and_followed_when_it_goes_on() {
    let server = set_of_one(&[]).await;
    let db = server.database().await;
    let shop = Shop::over(db.clone(), &db, embedded());
    shop.insert(1, 7, 10).await;
    let tail = shop.start().await;
    shop.sees(1, Some(10)).await;
    server.pause();
    until("it tries again", async || tail.snapshot().state == WatcherState::Retrying).await;
    assert!(tail.snapshot().why.is_some(), "{:?}", tail.snapshot());
    server.resume();
    running(&tail).await;
    shop.set(1, doc! { "price": 11_i64 }).await;
    shop.sees(1, Some(11)).await;
    assert_eq!(tail.snapshot().gaps, 1);
}

/// The stream has ended, and only this process knows its last changes.
#[tokio::test]
async fn a_dropped_database_is_announced_once_other_processes_can_be_reached() {
    let redis = Redis::start().await;
    let settings = Shared::single(&redis.url()).unwrap().prefix(prefix());
    let fast = Fastness::builder().redis(settings).build().unwrap();
    until("the node is connected", async || fast.shared().unwrap().connected).await;
    let server = set_of_one(&[]).await;
    let db = server.database().await;
    let shop = Shop::over(db.clone(), &db, fast);
    shop.insert(1, 7, 10).await;
    // The database is not written to while it is dropped: the lease lasts, and a position was just stored.
    let tail = shop.changes().takeover(Duration::from_secs(3_600)).start(&shop.fast);
    running(&tail).await;
    let places = shop.db.collection::<Document>(ChangeWatcher::COLLECTION);
    until("a position is remembered", async || {
        places.find_one(doc! { "token": { "$exists": true } }).await.unwrap().is_some()
    })
    .await;
    shop.sees(1, Some(10)).await;
    let told = shop.fast.shared().unwrap().local_only;
    redis.pause();
    shop.db.drop().await.unwrap();
    shop.sees(1, None).await;
    until("it was tried again and again", async || shop.fast.shared().unwrap().local_only >= told + 3).await;
    assert_eq!(tail.snapshot().resumptions, 0, "no stream is opened for what was read already: {:?}", tail.snapshot());
    redis.resume();
    until("another stream follows", async || tail.snapshot().resumptions > 0).await;
    shop.insert(1, 7, 20).await;
    shop.sees(1, Some(20)).await;
    shop.set(1, doc! { "price": 21_i64 }).await;
    shop.sees(1, Some(21)).await;
    let status = tail.snapshot();
    assert_eq!((status.resumptions, status.gaps), (1, 1), "the end of the stream is not come to again: {status:?}");
    until("the last change is counted", async || tail.snapshot().changes >= 5).await;
    assert_eq!(
        tail.snapshot().changes,
        5,
        "of the collection, of the database, of the stream's end, and two of the product"
    );
}

/// Makes the server fail the next of these commands as if its oplog did not reach back far enough.
async fn forget(server: &Mongo, command: &str) {
    let data = doc! { "failCommands": [command], "errorCode": 286 };
    server.admin(doc! { "configureFailPoint": "failCommand", "mode": { "times": 1 }, "data": data }).await;
}

#[tokio::test]
async fn a_forgotten_position_invalidates_all_entries_of_the_models() {
    let server = set_of_one(&[]).await;
    let (prefix, db) = (prefix(), server.database().await);
    let shop = Shop::over(db.clone(), &db, shared(&prefix).await);
    shop.insert(1, 7, 10).await;
    let tail = shop.start().await;
    shop.sees(1, Some(10)).await;
    shop.counts(7, 1).await;
    tail.stop().await;

    // At the start.
    shop.set(1, doc! { "price": 20_i64, "businessId": 8_i64 }).await;
    assert_eq!((shop.price(1).await, shop.count(7).await), (Some(10), 1));
    forget(&server, "aggregate").await;
    let tail = shop.start().await;
    shop.sees(1, Some(20)).await;
    shop.counts(7, 0).await;
    assert_eq!((tail.snapshot().resumptions, tail.snapshot().gaps), (0, 1));

    // While the stream is read.
    forget(&server, "getMore").await;
    until("the gap is noticed", async || tail.snapshot().gaps == 2).await;

    // Reading can continue from the new position.
    shop.set(1, doc! { "price": 21_i64 }).await;
    shop.sees(1, Some(21)).await;
    tail.stop().await;
    let tail = shop.start().await;
    assert_eq!((tail.snapshot().resumptions, tail.snapshot().gaps), (1, 0));
}

#[tokio::test]
async fn an_invalid_position_is_a_gap_too() {
    let bogus = [doc! { "_data": "8263" }, doc! { "_data": "not hexadecimal" }, doc! { "other": 1 }, doc! {}];
    let server = set_of_one(&[]).await;
    for token in bogus {
        let (prefix, db) = (prefix(), server.database().await);
        let shop = Shop::over(db.clone(), &db, shared(&prefix).await);
        shop.insert(1, 7, 10).await;
        shop.start().await.stop().await;
        let places = db.collection::<Document>(ChangeWatcher::COLLECTION);
        let updated = places.update_one(doc! {}, doc! { "$set": { "token": &token } }).await.unwrap();
        assert_eq!(updated.modified_count, 1);
        shop.sees(1, Some(10)).await;
        shop.set(1, doc! { "price": 11_i64 }).await;
        let tail = shop.start().await;
        shop.sees(1, Some(11)).await;
        assert_eq!((tail.snapshot().resumptions, tail.snapshot().gaps), (0, 1), "{token}");
    }
}

/// Returns the number of open change streams on the server.
async fn streams(server: &Mongo) -> usize {
    let stages = doc! { "$currentOp": { "allUsers": true, "idleCursors": true } };
    let admin = server.client().await.database("admin");
    let mut found = admin.aggregate([stages]).await.unwrap();
    let mut count = 0;
    while found.advance().await.unwrap() {
        count += usize::from(Document::try_from(found.current()).unwrap().to_string().contains("$changeStream"));
    }
    count
}

#[tokio::test]
async fn a_stopped_or_dropped_task_leaves_nothing_running() {
    let server = set_of_one(&[]).await;
    let db = server.database().await;
    let shop = Shop::over(db.clone(), &db, embedded());
    for stop in [true, false] {
        let tail = shop.start().await;
        until("the server has a stream", async || streams(&server).await > 0).await;
        if stop {
            let stopped = tokio::time::timeout(Duration::from_secs(5), tail.stop());
            stopped.await.expect("it ends");
        } else {
            drop(tail);
        }
        until("the server has none", async || streams(&server).await == 0).await;
    }
}
