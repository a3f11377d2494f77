//! Transactions and their invalidations, in two processes of a fleet.

use fastness::{CacheTransaction, Reach, cacheable, with_cache};
use fastness_tests::servers::{Redis, prefix, shared_redis, until};

use crate::{Origin, node, stored};
use fastness_tests::names::reached;

#[cacheable(ttl = 600, key = "row:{id}", skip(origin))]
async fn row(origin: &Origin, id: u64) -> usize {
    let _ = id;
    origin.load()
}

#[tokio::test]
async fn other_processes_see_the_old_value_until_the_commit_and_then_the_new_one() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    assert_eq!(with_cache(&one, row(&origin, 7)).await, 0);
    stored(&one, 1).await;
    assert_eq!(with_cache(&two, row(&origin, 7)).await, 0);

    let cached = CacheTransaction::new();
    let inside = cached.run(with_cache(&one, async {
        let reach = one.cache().invalidate(reached("row:7")).await;
        (reach, row(&origin, 8).await)
    }));
    assert_eq!(inside.await, (Reach::Deferred, 0));
    origin.change();
    for node in [&one, &two] {
        assert_eq!(with_cache(node, row(&origin, 7)).await, 0, "the cache does not know of the commit yet");
    }
    assert_eq!(one.shared().unwrap().stores, 1, "the load inside was not stored");
    assert_eq!(cached.commit().await, Reach::Announced);
    assert_eq!(with_cache(&one, row(&origin, 7)).await, 1);
    until("the other process has heard of it", async || with_cache(&two, row(&origin, 7)).await == 1).await;
}

#[tokio::test]
async fn an_invalidation_that_blocks_is_deferred_without_a_connection() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let one = node(&redis.url(), &prefix).await;
    let cached = CacheTransaction::new();
    let reach = cached.run(async { one.cache().invalidate_sync(reached("row:7")) }).await;
    assert_eq!((reach, one.shared().unwrap().connects), (Reach::Deferred, 1), "callers that block have none yet");
    assert_eq!(cached.commit().await, Reach::Announced);
}

#[tokio::test]
async fn a_commit_that_is_dropped_or_finds_no_server_is_announced_later() {
    let (mut redis, prefix, origin) = (Redis::start().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    for node in [&one, &two] {
        assert_eq!(with_cache(node, row(&origin, 7)).await, 0);
    }
    let collect = async || {
        let cached = CacheTransaction::new();
        cached.run(one.cache().invalidate(reached("row:7"))).await;
        cached
    };
    origin.change();
    drop(collect().await.commit());
    until("the other process has heard of it", async || with_cache(&two, row(&origin, 7)).await == 1).await;

    let cached = collect().await;
    origin.change();
    redis.kill();
    assert_eq!(cached.commit().await, Reach::LocalOnly);
    assert_eq!(with_cache(&one, row(&origin, 7)).await, 2, "this process knows of it");
    redis.restart().await;
    until("the other process has heard of it", async || with_cache(&two, row(&origin, 7)).await == 2).await;
}
