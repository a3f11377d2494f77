//! Values that are written into the shared tier and read from it.

use std::collections::HashMap;
use std::sync::Arc;

use fastness::{cache_invalidate, cache_put, cacheable, with_cache};
use fastness_tests::servers::{prefix, shared_redis, until};
use serde::{Deserialize, Serialize};

use crate::{MINUTE, Origin, node, stored};
use fastness_tests::names::{entries, named, reached};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
}

#[cacheable(ttl = 60, key = "user:{id}", skip(origin))]
async fn user(origin: &Origin, id: u64) -> Result<Arc<User>, std::io::Error> {
    Ok(Arc::new(User { id, name: format!("version {}", origin.load()) }))
}

#[cache_invalidate("user:{id}")]
async fn rename(id: u64, origin: &Origin) {
    origin.change();
}

#[cache_put(key = "user:{id}", ttl = 60)]
async fn save(id: u64, name: &str) -> Arc<User> {
    Arc::new(User { id, name: name.to_owned() })
}

#[tokio::test]
async fn one_node_finds_what_another_loaded() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let first = with_cache(&one, user(&origin, 7)).await.unwrap();
    stored(&one, 1).await;
    assert_eq!(with_cache(&two, user(&origin, 7)).await.unwrap(), first);
    assert_eq!(origin.loads(), 1);
    let stats = two.stats().total;
    assert_eq!((stats.hits, stats.misses, stats.shared_hits, stats.loads), (0, 0, 1, 0));
    // From now on the value is in the memory of the second node.
    with_cache(&two, user(&origin, 7)).await.unwrap();
    assert_eq!(two.stats().total.hits, 1);
}

#[tokio::test]
async fn an_invalidation_on_one_node_counts_on_all() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    for node in [&one, &two] {
        assert_eq!(with_cache(node, user(&origin, 7)).await.unwrap().name, "version 0");
    }
    with_cache(&one, rename(7, &origin)).await;
    assert_eq!(one.shared().unwrap().announced, 1);
    assert_eq!(with_cache(&one, user(&origin, 7)).await.unwrap().name, "version 1");
    fastness_tests::servers::until("the other node hears of it", async || {
        with_cache(&two, user(&origin, 7)).await.unwrap().name == "version 1"
    })
    .await;
}

#[tokio::test]
async fn a_value_that_is_put_on_one_node_is_found_on_another() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    with_cache(&two, user(&origin, 7)).await.unwrap();
    stored(&two, 1).await;
    with_cache(&one, save(7, "Ada")).await;
    assert_eq!(with_cache(&one, user(&origin, 7)).await.unwrap().name, "Ada");
    assert_eq!(one.stats().total.hits, 1, "from memory");
    stored(&one, 1).await;
    fastness_tests::servers::until("the other node hears of it", async || {
        with_cache(&two, user(&origin, 7)).await.unwrap().name == "Ada"
    })
    .await;
    assert_eq!(origin.loads(), 1);
}

#[cacheable(ttl = 60, key = "maybe:{id}", negative_ttl = 60, skip(origin))]
async fn maybe(origin: &Origin, id: u64) -> Option<u64> {
    (origin.load() > 0).then_some(id)
}

#[cacheable(ttl = 60, key = "file:{path}", tier = shared, skip(origin))]
async fn file(origin: &Origin, path: &str) -> usize {
    path.len() + origin.load()
}

#[tokio::test]
async fn a_long_key_is_shortened_in_the_shared_tier() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let paths = [600, 601].map(|length| "x".repeat(length));
    for path in &paths {
        with_cache(&one, file(&origin, path)).await;
    }
    stored(&one, 2).await;
    for path in &paths {
        assert_eq!(with_cache(&two, file(&origin, path)).await, path.len());
    }
    assert_eq!(origin.loads(), 2, "they are told apart");
    let keys = redis.command::<Vec<String>>(&["KEYS", &format!("{prefix}file:*")]).await;
    assert_eq!(keys.iter().filter(|key| key.len() < 100).count(), 2, "{keys:?}");
}

#[tokio::test]
async fn cached_absences_are_shared() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    assert_eq!(with_cache(&one, maybe(&origin, 7)).await, None);
    stored(&one, 1).await;
    assert_eq!(with_cache(&two, maybe(&origin, 7)).await, None);
    assert_eq!(origin.loads(), 1);
}

#[cacheable(ttl = 60, key = "user:{ids}", batch(ids), skip(origin))]
async fn users(origin: &Origin, ids: &[u64]) -> HashMap<u64, Arc<User>> {
    ids.iter().map(|&id| (id, Arc::new(User { id, name: format!("version {}", origin.load()) }))).collect()
}

#[tokio::test]
async fn a_batch_asks_the_tier_once_and_the_origin_for_the_rest() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    with_cache(&one, users(&origin, &[1, 2, 3])).await;
    stored(&one, 3).await;
    let found = with_cache(&two, users(&origin, &[2, 3, 4])).await;
    assert_eq!(found.len(), 3);
    assert_eq!(origin.loads(), 4, "only the fourth is new");
    assert_eq!(two.stats().total.shared_hits, 2);
    // The function for one element shares the entries.
    stored(&two, 1).await;
    with_cache(&one, user(&origin, 4)).await.unwrap();
    assert_eq!(origin.loads(), 4);
}

#[tokio::test]
async fn direct_calls_go_through_both_tiers() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (one, two) = (node(&redis.url(), &prefix).await.cache(), node(&redis.url(), &prefix).await);
    one.set(&named("a:1"), 1_u32, MINUTE).await;
    one.mset(entries([("a:2", 2_u32), ("a:3", 3)]), MINUTE).await;
    fastness_tests::servers::until("all are stored", async || {
        two.cache().mget::<u32>(&["a:1", "a:2", "a:3"].map(named)).await == [Some(1), Some(2), Some(3)]
    })
    .await;
    assert_eq!(one.invalidate(reached("a:*")).await, fastness::Reach::Announced);
    assert_eq!(one.mget::<u32>(&["a:1", "a:2", "a:3"].map(named)).await, [None; 3]);
}

#[cacheable(ttl = 60, key = "far:{id}", tier = shared, skip(origin))]
async fn far(origin: &Origin, id: u64) -> u64 {
    id + origin.load() as u64
}

#[cacheable(ttl = 60, key = "near:{id}", tier = local, skip(origin))]
async fn near(origin: &Origin, id: u64) -> u64 {
    id + origin.load() as u64
}

#[tokio::test]
async fn a_value_is_in_the_named_tiers() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    with_cache(&one, far(&origin, 1)).await;
    stored(&one, 1).await;
    for _ in 0..2 {
        with_cache(&one, far(&origin, 1)).await;
    }
    assert_eq!((origin.loads(), one.stats().entries, one.stats().total.shared_hits), (1, 0, 2));
    with_cache(&one, near(&origin, 1)).await;
    with_cache(&two, near(&origin, 1)).await;
    assert_eq!(origin.loads(), 3, "each node loads for itself");
}

#[cacheable(ttl = 60, negative_ttl = 60, key = "far-maybe:{id}", tier = shared, skip(origin))]
async fn far_maybe(origin: &Origin, id: u64) -> Option<u64> {
    (origin.load() > 0).then_some(id)
}

#[cacheable(ttl = 60, negative_ttl = 60, key = "far-maybe:{ids}", tier = shared, batch(ids), skip(origin))]
async fn far_maybes(origin: &Origin, ids: &[u64]) -> HashMap<u64, u64> {
    let there = origin.load() > 0;
    ids.iter().filter(|_| there).map(|&id| (id, id)).collect()
}

#[cache_put(ttl = 60, negative_ttl = 60, key = "far-maybe:{id}", tier = shared)]
async fn take_away(id: u64) -> Option<u64> {
    let _ = id;
    None
}

#[tokio::test]
async fn absences_are_in_the_named_tiers_too() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    assert_eq!(with_cache(&one, far_maybe(&origin, 1)).await, None);
    assert!(with_cache(&one, far_maybes(&origin, &[2])).await.is_empty());
    with_cache(&one, take_away(3)).await;
    stored(&one, 3).await;
    for node in [&one, &two] {
        assert_eq!(with_cache(node, far_maybe(&origin, 1)).await, None);
        assert!(with_cache(node, far_maybes(&origin, &[1, 2, 3])).await.is_empty());
        assert_eq!(node.stats().entries, 0);
    }
    assert_eq!(origin.loads(), 2, "all are shared");
}

#[cacheable(ttl = 60, key = "slow:{id}", single_flight = fleet, skip(origin, gate))]
async fn slow(origin: &Origin, gate: &tokio::sync::Semaphore, id: u64) -> u64 {
    let loaded = origin.load() as u64;
    gate.acquire().await.unwrap().forget();
    id + loaded
}

#[tokio::test]
async fn a_fleet_loads_a_key_once() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let gate = tokio::sync::Semaphore::new(0);
    let both =
        async { tokio::join!(with_cache(&one, slow(&origin, &gate, 1)), with_cache(&two, slow(&origin, &gate, 1))) };
    let open = async {
        until("one loads", async || origin.loads() == 1).await;
        assert_eq!(leases(redis, &prefix, "slow:1").await.len(), 1);
        gate.add_permits(2);
    };
    assert_eq!(tokio::join!(both, open).0, (1, 1));
    assert_eq!(origin.loads(), 1);
    until("the lease is given back", async || leases(redis, &prefix, "slow:1").await.is_empty()).await;
    let stores = || one.shared().unwrap().stores + two.shared().unwrap().stores;
    until("the store is counted", async || stores() > 0).await;
    assert_eq!(stores(), 1, "the release of the lease is none");
}

/// The leases on a key, whose text in Redis ends with the fingerprint of its type.
async fn leases(redis: &fastness_tests::servers::Redis, prefix: &str, key: &str) -> Vec<String> {
    redis.command(&["KEYS", &format!("{prefix}{key}#*:lease")]).await
}

/// The time that is left of a lease, in milliseconds.
async fn lasts(redis: &fastness_tests::servers::Redis, prefix: &str) -> i64 {
    let leases = leases(redis, prefix, "slow:3").await;
    redis.command(&["PTTL", leases.first().expect("a lease")]).await
}

/// Takes a second: a third of a lease has to pass.
#[tokio::test]
async fn a_process_renews_its_lease_while_it_loads_and_no_longer() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let one = node(&redis.url(), &prefix).await;
    let gate = tokio::sync::Semaphore::new(0);
    let load = with_cache(&one, slow(&origin, &gate, 3));
    let watch = async {
        until("one loads", async || origin.loads() == 1).await;
        let mut least = i64::MAX;
        until("the lease is renewed", async || {
            let left = lasts(redis, &prefix).await;
            assert!((1..=3_000).contains(&left), "{left} ms");
            least = least.min(left);
            left > least + 100
        })
        .await;
        gate.add_permits(1);
    };
    assert_eq!(tokio::join!(load, watch).0, 3);
    until("it is given back", async || leases(redis, &prefix, "slow:3").await.is_empty()).await;
}

#[tokio::test]
async fn an_abandoned_load_gives_its_turn_to_another_process() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let gate = tokio::sync::Semaphore::new(0);
    let mut first = Box::pin(with_cache(&one, slow(&origin, &gate, 2)));
    tokio::select! {
        _ = &mut first => unreachable!("the gate is closed"),
        () = fastness_tests::servers::until("it loads", async || origin.loads() == 1) => {}
    }
    drop(first);
    gate.add_permits(1);
    assert_eq!(with_cache(&two, slow(&origin, &gate, 2)).await, 2);
    assert_eq!(origin.loads(), 2);
}

#[cacheable(ttl = 60, key = "heavy:{ids}", max_bytes = "4KiB", weigh = |_| 1_000, batch(ids))]
async fn heavy(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

#[tokio::test]
async fn elements_of_a_batch_that_come_from_redis_are_weighed() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let ids: Vec<_> = (0..20).collect();
    with_cache(&one, heavy(&ids)).await;
    stored(&one, 20).await;
    assert_eq!(with_cache(&two, heavy(&ids)).await.len(), 20);
    let stats = two.stats();
    assert_eq!((stats.total.shared_hits, stats.total.loads, stats.entries), (20, 0, 3), "{} bytes", stats.bytes);
}
