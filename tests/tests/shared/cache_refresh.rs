//! `#[cache_refresh]` between processes: a function that ends in one expires the entries of all.

use std::sync::Arc;

use fastness::{CacheTransaction, Fastness, cache_refresh, cacheable, with_cache};
use fastness_tests::servers::{prefix, shared_redis, until};

use crate::{Origin, node, stored};

#[cacheable(ttl = 600, early = off, key = "tariff:{id}", skip(origin))]
async fn tariff(origin: Arc<Origin>, id: u64) -> usize {
    let _ = id;
    origin.load()
}

#[cacheable(ttl = 600, early = off, stale = "10m", refresh = background, key = "fee:{id}", skip(origin))]
async fn fee(origin: Arc<Origin>, id: u64) -> usize {
    let _ = id;
    origin.load()
}

#[cache_refresh("tariff:{id}", "fee:{id}")]
async fn publish(id: u64, origin: &Origin) -> usize {
    let _ = id;
    origin.change()
}

#[cache_refresh("tariff:{id}", "fee:{id}")]
fn publish_plainly(id: u64, origin: &Origin) -> usize {
    let _ = id;
    origin.change()
}

async fn filled(origin: &Arc<Origin>) -> [Fastness; 2] {
    let (server, prefix) = (shared_redis().await, prefix());
    let nodes = [node(&server.url(), &prefix).await, node(&server.url(), &prefix).await];
    for node in &nodes {
        assert_eq!(with_cache(node, tariff(origin.clone(), 7)).await, 0);
        assert_eq!(with_cache(node, fee(origin.clone(), 7)).await, 0);
        stored(&nodes[0], 2).await;
    }
    assert_eq!(origin.loads(), 2);
    nodes
}

/// Waits until the second node reads this version, once loaded for all, and got no other than it and the one before.
async fn seen(nodes: &[Fastness; 2], origin: &Arc<Origin>, version: usize) {
    let read = |function: bool| {
        let origin = origin.clone();
        with_cache(&nodes[1], async move { if function { fee(origin, 7).await } else { tariff(origin, 7).await } })
    };
    for function in [false, true] {
        until("the other node reads the new value", async || {
            let found = read(function).await;
            assert!(found == version || found + 1 == version, "{found}");
            found == version
        })
        .await;
    }
}

#[tokio::test]
async fn a_function_that_ends_in_one_process_expires_the_entries_of_all() {
    let origin = Arc::new(Origin::default());
    let nodes = filled(&origin).await;
    let version = with_cache(&nodes[0], publish(7, &origin)).await;
    assert_eq!(with_cache(&nodes[0], tariff(origin.clone(), 7)).await, version, "at once in its own process");
    seen(&nodes, &origin, version).await;
    let version = with_cache(&nodes[0], async { publish_plainly(7, &origin) }).await;
    seen(&nodes, &origin, version).await;
}

#[tokio::test]
async fn a_transaction_announces_a_refresh_when_it_has_committed() {
    let origin = Arc::new(Origin::default());
    let nodes = filled(&origin).await;
    let cached = CacheTransaction::new();
    let version = cached.run(with_cache(&nodes[0], publish(7, &origin))).await;
    for node in &nodes {
        assert_eq!(with_cache(node, tariff(origin.clone(), 7)).await, 0, "nothing is sent yet");
    }
    cached.commit().await;
    seen(&nodes, &origin, version).await;
}
