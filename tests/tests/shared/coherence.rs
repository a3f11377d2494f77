//! The contract between nodes, in cases that a random history rarely meets. Histories are in `tests/history.rs`.

use std::sync::Arc;
use std::time::Duration;

use fastness::{Redis, cacheable, with_cache};
use fastness_tests::servers::{prefix, shared_redis};

use crate::{Origin, node, node_with, stored};
use fastness_tests::names::reached;

#[cacheable(ttl = 60, key = "row:{id}", skip(origin))]
async fn row(origin: Arc<Origin>, id: u64) -> usize {
    origin.load();
    usize::try_from(id).unwrap()
}

/// A process that has just started judges values by the whole log, however long it is, and not only by its end.
#[tokio::test]
async fn a_new_node_finds_what_was_stored_before_thousands_of_invalidations() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::new(Origin::default()));
    let one = node(&redis.url(), &prefix).await;
    with_cache(&one, row(origin.clone(), 1)).await;
    with_cache(&one, row(origin.clone(), 2)).await;
    stored(&one, 2).await;
    one.cache().invalidate(reached("row:2")).await;
    for n in 0..6_000 {
        one.cache().invalidate(reached(format!("other:{n}"))).await;
    }
    let two = node(&redis.url(), &prefix).await;
    with_cache(&two, row(origin.clone(), 1)).await;
    assert_eq!(origin.loads(), 2, "nothing concerned it");
    with_cache(&two, row(origin.clone(), 2)).await;
    assert_eq!(origin.loads(), 3, "the first of thousands did");
    // Reading the log takes longer than a command may.
    let hasty = Redis::single(&redis.url()).unwrap().prefix(prefix).command_timeout(Duration::from_millis(5));
    node_with(hasty).await;
}
