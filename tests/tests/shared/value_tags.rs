//! Tags that values state, between processes: they are stored beside the value.

use std::collections::HashMap;
use std::sync::Arc;

use fastness::{Fastness, Key, Redis as Settings, Scope, cache_put, cacheable, with_cache};
use fastness_tests::servers::{PATIENCE, Redis, prefix, shared_redis, until};
use tokio::sync::Notify;

use crate::{MINUTE, Origin, node, node_with, stored};

const PRODUCT: Key = Key::from_static("product");

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Order {
    version: usize,
    product: u64,
}

impl Order {
    fn tags(&self) -> [Key; 1] {
        [PRODUCT.join(self.product)]
    }
}

#[cacheable(ttl = 60, tags = Order::tags, tag_patterns = ["product:{id}"], key = "order:{id}", skip(origin))]
async fn order(origin: &Origin, id: u64) -> Order {
    Order { version: origin.load(), product: id }
}

/// The same function in a program of another version, whose values state no tags.
#[cacheable(ttl = 60, key = "order:{id}", skip(origin))]
async fn untagged(origin: &Origin, id: u64) -> Order {
    Order { version: origin.load(), product: id }
}

#[cacheable(
    ttl = 60,
    tier = shared,
    stale_if_error = 60,
    tags = Order::tags,
    tag_patterns = ["product:{id}"],
    key = "order:{id}",
    skip(origin)
)]
async fn only_shared(origin: &Origin, id: u64) -> Result<Order, String> {
    Ok(Order { version: origin.load(), product: id })
}

#[cacheable(
    ttl = 60,
    single_flight = fleet,
    tags = Order::tags,
    tag_patterns = ["product:{id}"],
    key = "fleet:{id}",
    skip(origin, gate)
)]
async fn one_for_all(origin: &Origin, id: u64, gate: &Notify) -> Order {
    let version = origin.load();
    gate.notified().await;
    Order { version, product: id }
}

#[cacheable(
    ttl = 60,
    tags = Order::tags,
    tag_patterns = ["product:{id}"],
    key = "order:{ids}",
    batch(ids),
    skip(origin)
)]
async fn batch(origin: &Origin, ids: &[u64]) -> HashMap<u64, Order> {
    let version = origin.load();
    ids.iter().map(|id| (*id, Order { version, product: *id })).collect()
}

#[cache_put(ttl = 60, tags = Order::tags, tag_patterns = ["product:{id}"], key = "order:{id}")]
async fn put(origin: &Origin, id: u64) -> Order {
    Order { version: origin.load(), product: id }
}

async fn pair() -> (Fastness, Fastness, String) {
    let (redis, prefix) = (shared_redis().await, prefix());
    (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await, prefix)
}

async fn invalidate(fast: &Fastness, id: u64) {
    fast.cache().invalidate(Scope::from_tag(PRODUCT.join(id))).await;
}

#[tokio::test]
async fn a_value_in_redis_is_judged_by_the_tags_that_it_states() {
    let ((one, two, _), origin) = (pair().await, Origin::default());
    with_cache(&one, order(&origin, 1)).await;
    stored(&one, 1).await;
    assert_eq!((with_cache(&two, order(&origin, 1)).await.version, origin.loads()), (0, 1), "from Redis");
    origin.change();
    invalidate(&one, 2).await;
    assert_eq!((with_cache(&two, order(&origin, 1)).await.version, origin.loads()), (0, 1));
    invalidate(&one, 1).await;
    until("the copy in the other process is judged too", async || {
        with_cache(&two, order(&origin, 1)).await.version == 1
    })
    .await;
    assert_eq!(origin.loads(), 2);
    stored(&two, 1).await;
    assert_eq!((with_cache(&one, order(&origin, 1)).await.version, origin.loads()), (1, 2), "the new one, from Redis");
}

/// A process that has just started knows no entry, and judges what it reads by the log and the stored tags.
#[tokio::test]
async fn a_process_that_starts_later_judges_by_the_stored_tags() {
    let ((one, two, prefix), origin) = (pair().await, Origin::default());
    with_cache(&one, order(&origin, 1)).await;
    stored(&one, 1).await;
    invalidate(&two, 1).await;
    let redis = shared_redis().await;
    let three = node(&redis.url(), &prefix).await;
    assert_eq!((with_cache(&three, untagged(&origin, 1)).await.version, origin.loads()), (0, 2), "it was not served");
}

/// A reader in a rolling deploy whose function states no tags obeys those of the writer, and a reader whose function does finds them in a
/// value that was stored without.
#[tokio::test]
async fn two_versions_of_a_function_judge_by_the_tags_of_both() {
    let ((new, old, _), origin) = (pair().await, Origin::default());
    with_cache(&new, order(&origin, 1)).await;
    stored(&new, 1).await;
    assert_eq!((with_cache(&old, untagged(&origin, 1)).await.version, origin.loads()), (0, 1), "from Redis");
    invalidate(&new, 1).await;
    until("the former version obeys the stored tags", async || {
        with_cache(&old, untagged(&origin, 1)).await;
        origin.loads() == 2
    })
    .await;
    stored(&old, 1).await;
    assert_eq!(with_cache(&new, order(&origin, 1)).await, Order { version: 0, product: 1 });
    assert_eq!(origin.loads(), 2, "the new version reads what the former stored without tags");
    invalidate(&old, 1).await;
    until("and judges it by its own", async || {
        with_cache(&new, order(&origin, 1)).await;
        origin.loads() == 3
    })
    .await;
    // The same for the read itself: what was stored without tags is no answer after the invalidation.
    with_cache(&old, untagged(&origin, 7)).await;
    stored(&old, 2).await;
    invalidate(&old, 7).await;
    with_cache(&new, order(&origin, 7)).await;
    assert_eq!(origin.loads(), 5);
}

#[tokio::test]
async fn values_that_are_only_in_redis_have_tags_too() {
    let ((one, two, _), origin) = (pair().await, Origin::default());
    let version = async |fast: &Fastness| with_cache(fast, only_shared(&origin, 1)).await.unwrap().version;
    version(&one).await;
    stored(&one, 1).await;
    origin.change();
    assert_eq!((version(&two).await, origin.loads()), (0, 1));
    invalidate(&two, 1).await;
    assert_eq!((version(&two).await, origin.loads()), (1, 2));
    stored(&two, 1).await;
    assert_eq!((version(&one).await, origin.loads()), (1, 2));
}

#[tokio::test]
async fn a_batch_and_direct_reads_judge_by_the_stored_tags() {
    let ((one, two, _), origin) = (pair().await, Origin::default());
    with_cache(&one, batch(&origin, &[1, 2, 3])).await;
    stored(&one, 3).await;
    origin.change();
    invalidate(&one, 2).await;
    let found = with_cache(&two, batch(&origin, &[1, 2, 3])).await;
    assert_eq!([1, 2, 3].map(|id| found[&id].version), [0, 1, 0]);
    assert_eq!(origin.loads(), 2);
    invalidate(&one, 3).await;
    let keys = [1, 3].map(|id| Key::from_static("order").join(id));
    let (first, second) = (one.cache().mget::<Order>(&keys).await, one.cache().get::<Order>(&keys[1]).await);
    assert_eq!((first[0].is_some(), first[1].is_some(), second), (true, false, None));
}

#[tokio::test]
async fn a_put_value_has_its_tags_in_redis() {
    let ((one, two, _), origin) = (pair().await, Origin::default());
    with_cache(&one, put(&origin, 1)).await;
    stored(&one, 1).await;
    assert_eq!((with_cache(&two, untagged(&origin, 1)).await.version, origin.loads()), (0, 1));
    invalidate(&one, 1).await;
    until("the copy is judged", async || {
        with_cache(&two, untagged(&origin, 1)).await;
        origin.loads() == 2
    })
    .await;
}

/// The process that waits for another one's load asked after the invalidation, so it loads again.
#[tokio::test]
async fn a_process_that_waits_for_the_load_of_another_one_takes_no_value_with_an_invalidated_tag() {
    let ((one, two, _), origin, gate) = (pair().await, Arc::new(Origin::default()), Arc::new(Notify::new()));
    let begin = |fast: &Fastness| {
        let (fast, origin, gate) = (fast.clone(), origin.clone(), gate.clone());
        tokio::spawn(async move { with_cache(&fast, one_for_all(&origin, 1, &gate)).await.version })
    };
    let first = begin(&one);
    until("it loads", async || origin.loads() == 1).await;
    origin.change();
    invalidate(&two, 1).await;
    let second = begin(&two);
    gate.notify_one();
    assert_eq!(first.await.unwrap(), 0);
    until("the other one loads by itself", async || origin.loads() == 2).await;
    gate.notify_one();
    assert_eq!(second.await.unwrap(), 1);
}

/// A former version of the library does not know the flag of tags in an envelope. It must not read such a value as one without tags.
#[tokio::test]
async fn a_value_with_tags_has_a_flag_that_a_former_version_refuses() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let settings = Settings::single(&redis.url()).unwrap().prefix(&prefix).command_timeout(PATIENCE);
    let one = node_with(settings).await;
    with_cache(&one, order(&origin, 1)).await;
    with_cache(&one, untagged(&origin, 2)).await;
    stored(&one, 2).await;
    assert_eq!(flags(redis, &format!("{prefix}order:1#*")).await, 4);
    assert_eq!(flags(redis, &format!("{prefix}order:2#*")).await, 0, "the bytes of a value without tags are as before");
    one.cache().set(&Key::from_static("plain"), 1_u8, MINUTE).await;
}

/// The flags of the envelope under the only address that matches.
async fn flags(redis: &Redis, pattern: &str) -> u8 {
    let found: Vec<String> = redis.command(&["KEYS", pattern]).await;
    let bytes: Vec<u8> = redis.command(&["GET", &found[0]]).await;
    bytes[5]
}
