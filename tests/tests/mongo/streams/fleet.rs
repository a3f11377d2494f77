//! Several processes with one shared tier: one reads the stream for all.

use fastness_tests::names::named;
use std::time::Duration;

use bson::{Document, doc};
use fastness::mongo::changes::{ChangeWatcher, WatcherState, WatcherTask};
use fastness::{Fastness, Redis as Shared};
use fastness_tests::servers::{Redis, prefix, shared_mongo_set, shared_redis, until};

use super::{Shop, running};

/// A process of a fleet.
async fn node(shop: Option<&Shop>, redis: &Redis, prefix: &str) -> Shop {
    let settings = Shared::single(&redis.url()).unwrap().prefix(prefix);
    let fast = Fastness::builder().redis(settings).build().unwrap();
    until("the node is connected", async || fast.shared().unwrap().connected).await;
    let set = shared_mongo_set().await;
    let db = match shop {
        Some(shop) => set.client().await.database(shop.db.name()),
        None => set.database().await,
    };
    Shop::over(db.clone(), &set.client().await.database(db.name()), fast)
}

/// Two processes; the first holds the lease.
async fn pair(redis: &Redis) -> ([Shop; 2], [WatcherTask; 2]) {
    let prefix = prefix();
    let one = node(None, redis, &prefix).await;
    let two = node(Some(&one), redis, &prefix).await;
    one.insert(1, 7, 10).await;
    let start = |shop: &Shop| shop.changes().takeover(Duration::from_secs(1)).start(&shop.fast);
    let first = start(&one);
    running(&first).await;
    let second = start(&two);
    until("the other stands by", async || second.snapshot().state == WatcherState::Standby).await;
    ([one, two], [first, second])
}

async fn position(shop: &Shop) -> Document {
    let places = shop.db.collection::<Document>(ChangeWatcher::COLLECTION);
    places.find_one(doc! {}).await.unwrap().expect("a position")
}

#[tokio::test]
async fn one_process_follows_for_all_and_another_takes_over_when_it_dies() {
    let ([one, two], [first, second]) = pair(shared_redis().await).await;
    for shop in [&one, &two] {
        shop.sees(1, Some(10)).await;
    }
    one.set(1, doc! { "price": 11_i64 }).await;
    for shop in [&one, &two] {
        shop.sees(1, Some(11)).await;
    }
    until("the position is remembered", async || position(&one).await.contains_key("token")).await;
    assert_eq!((first.snapshot().state, second.snapshot().state), (WatcherState::Running, WatcherState::Standby));

    // Killed without releasing the lease.
    drop((first, one));
    two.set(1, doc! { "price": 12_i64 }).await;
    running(&second).await;
    two.sees(1, Some(12)).await;
    let status = second.snapshot();
    assert!(status.resumptions > 0 && status.gaps == 0, "it went on where the other was: {status:?}");
}

#[tokio::test]
async fn a_stopped_process_lets_another_continue_at_its_position() {
    let ([one, two], [first, second]) = pair(shared_redis().await).await;
    one.set(1, doc! { "price": 11_i64 }).await;
    until("the change is followed", async || first.snapshot().changes > 0).await;
    first.stop().await;
    let left = position(&two).await;
    assert!(left.contains_key("token"));
    running(&second).await;
    two.sees(1, Some(11)).await;
    two.set(1, doc! { "price": 12_i64 }).await;
    two.sees(1, Some(12)).await;
    assert!(second.snapshot().resumptions > 0 && second.snapshot().gaps == 0, "{:?}", second.snapshot());
}

/// The process is killed after it read a change, and before it announced the invalidation.
#[tokio::test]
async fn a_change_that_could_not_be_announced_is_announced_by_the_next_process() {
    let redis = Redis::start().await;
    let ([one, two], [first, second]) = pair(&redis).await;
    two.sees(1, Some(10)).await;
    let seen = first.snapshot().changes;
    until("the value is in the shared tier", async || {
        // A store that times out is not repeated; the value is loaded again.
        two.fast.shared().unwrap().stores > 0 || {
            two.fast.cache().invalidate(named("product:1")).await;
            two.sees(1, Some(10)).await;
            false
        }
    })
    .await;
    redis.pause();
    one.set(1, doc! { "price": 11_i64 }).await;
    until("the change counts in its own process", async || first.snapshot().changes > seen).await;
    drop((first, one));
    redis.resume();
    running(&second).await;
    two.sees(1, Some(11)).await;
    assert!(second.snapshot().resumptions > 0 && second.snapshot().gaps == 0, "{:?}", second.snapshot());
}

#[tokio::test]
async fn fleets_with_other_declarations_or_prefixes_follow_for_themselves() {
    let redis = shared_redis().await;
    let one = node(None, redis, &prefix()).await;
    let other_prefix = node(Some(&one), redis, &prefix()).await;
    let tails = [
        one.changes().start(&one.fast),
        other_prefix.changes().start(&other_prefix.fast),
        one.changes().name("another").start(&one.fast),
        ChangeWatcher::new(&one.db).start(&one.fast),
    ];
    for tail in &tails {
        running(tail).await;
    }
}
