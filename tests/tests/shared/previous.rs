//! `previous(old)` in both tiers: the old value may come from Redis, and an invalidated one never comes back.

use std::sync::{Arc, Mutex};

use fastness::{Fastness, cache_invalidate, cache_refresh, cacheable, with_cache};
use fastness_tests::servers::{Proxy, prefix, shared_redis, until};
use tokio::sync::Notify;

use crate::{node, stored};

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Page {
    etag: u32,
}

/// An origin with one page, which it does not send to callers that have it. It notes the pages that callers had.
#[derive(Default)]
struct Server {
    had: Mutex<Vec<Option<u32>>>,
    /// The load that waits for the gate, if there is one.
    held: Mutex<Option<Arc<Notify>>>,
}

impl Server {
    async fn get(&self, old: Option<Page>) -> Page {
        self.had.lock().unwrap().push(old.as_ref().map(|page| page.etag));
        let held = self.held.lock().unwrap().take();
        if let Some(gate) = held {
            gate.notified().await;
        }
        old.unwrap_or(Page { etag: 1 })
    }

    fn had(&self) -> Vec<Option<u32>> {
        std::mem::take(&mut *self.had.lock().unwrap())
    }
}

#[cacheable(ttl = 600, early = off, previous(old), keep_expired = "1h", key = "page:{id}", handle = pages, skip(server))]
async fn page(server: Arc<Server>, id: u64) -> Page {
    let _ = id;
    server.get(old).await
}

/// The same in Redis alone.
#[cacheable(ttl = 600, early = off, tier = shared, previous(old), keep_expired = "1h", key = "page:{id}", skip(server))]
async fn far(server: Arc<Server>, id: u64) -> Page {
    let _ = id;
    server.get(old).await
}

#[cacheable(ttl = "300ms", jitter = 0, early = off, tier = shared, previous(old), keep_expired = "1h", key = "brief:{id}", skip(server))]
async fn brief(server: Arc<Server>, id: u64) -> Page {
    let _ = id;
    server.get(old).await
}

#[cache_refresh("page:{id}")]
async fn expire(id: u64) {
    let _ = id;
}

#[cache_invalidate("page:{id}")]
async fn remove(id: u64) {
    let _ = id;
}

async fn pair() -> [Fastness; 2] {
    let (server, prefix) = (shared_redis().await, prefix());
    [node(&server.url(), &prefix).await, node(&server.url(), &prefix).await]
}

/// Waits until a node has received this many records more than it had.
async fn heard(node: &Fastness, before: u64, records: u64) {
    until("the records are heard", async || node.stats().invalidations >= before + records).await;
}

#[tokio::test]
async fn a_process_without_the_value_gets_the_expired_one_from_redis_and_stores_it_again() {
    let (nodes, server) = (pair().await, Arc::<Server>::default());
    let before = nodes[1].stats().invalidations;
    with_cache(&nodes[0], page(server.clone(), 7)).await;
    stored(&nodes[0], 1).await;
    with_cache(&nodes[0], expire(7)).await;
    heard(&nodes[1], before, 1).await;
    with_cache(&nodes[1], page(server.clone(), 7)).await;
    stored(&nodes[1], 1).await;
    assert_eq!(server.had(), [None, Some(1)], "from Redis, as this process had none");
    with_cache(&nodes[0], page(server.clone(), 7)).await;
    assert_eq!(server.had(), [], "the other process finds it there, fresh again");
}

#[tokio::test]
async fn a_function_without_a_local_tier_gets_it_from_redis() {
    let (nodes, server) = (pair().await, Arc::<Server>::default());
    with_cache(&nodes[0], far(server.clone(), 7)).await;
    stored(&nodes[0], 1).await;
    with_cache(&nodes[0], expire(7)).await;
    with_cache(&nodes[0], far(server.clone(), 7)).await;
    stored(&nodes[0], 2).await;
    assert_eq!(server.had(), [None, Some(1)]);
    with_cache(&nodes[0], expire(7)).await;
    with_cache(&nodes[0], remove(7)).await;
    with_cache(&nodes[0], far(server.clone(), 7)).await;
    assert_eq!(server.had(), [None]);
}

#[tokio::test]
async fn a_value_past_its_ttl_stays_in_redis_for_the_next_load() {
    let (nodes, server) = (pair().await, Arc::<Server>::default());
    with_cache(&nodes[0], brief(server.clone(), 7)).await;
    stored(&nodes[0], 1).await;
    assert_eq!(server.had(), [None]);
    let mut had = Vec::new();
    until("it has expired", async || {
        with_cache(&nodes[1], brief(server.clone(), 7)).await;
        had = server.had();
        !had.is_empty()
    })
    .await;
    assert_eq!(had, [Some(1)]);
}

#[tokio::test]
async fn a_value_that_another_process_has_invalidated_is_not_given() {
    let (nodes, server) = (pair().await, Arc::<Server>::default());
    let before = nodes[1].stats().invalidations;
    for node in &nodes {
        with_cache(node, page(server.clone(), 7)).await;
        stored(&nodes[0], 1).await;
    }
    with_cache(&nodes[0], expire(7)).await;
    with_cache(&nodes[0], remove(7)).await;
    heard(&nodes[1], before, 2).await;
    with_cache(&nodes[1], page(server.clone(), 7)).await;
    assert_eq!(server.had(), [None, None], "neither from its memory nor from Redis");
}

/// The load of one process has the old value when another process invalidates it, before and after it returns it.
#[tokio::test]
async fn an_old_value_that_is_invalidated_during_the_load_comes_back_in_neither_tier() {
    let (nodes, server, gate) = (pair().await, Arc::<Server>::default(), Arc::<Notify>::default());
    let before = nodes[1].stats().invalidations;
    with_cache(&nodes[0], page(server.clone(), 7)).await;
    stored(&nodes[0], 1).await;
    with_cache(&nodes[0], expire(7)).await;
    heard(&nodes[1], before, 1).await;
    *server.held.lock().unwrap() = Some(gate.clone());
    let load = tokio::spawn({
        let (node, server) = (nodes[1].clone(), server.clone());
        async move { with_cache(&node, page(server, 7)).await }
    });
    until("the load has the old value", async || server.had.lock().unwrap().len() == 2).await;
    with_cache(&nodes[0], remove(7)).await;
    gate.notify_one();
    assert_eq!(load.await.unwrap(), Page { etag: 1 }, "its caller began before");
    assert_eq!(server.had(), [None, Some(1)]);
    heard(&nodes[1], before, 2).await;
    for node in nodes.iter().rev() {
        with_cache(node, page(server.clone(), 7)).await;
    }
    let after = server.had();
    assert!(!after.is_empty() && after.iter().all(Option::is_none), "loaded anew, without the old value: {after:?}");
}

#[tokio::test]
async fn without_redis_the_old_value_is_that_of_the_process() {
    let (redis, prefix, server) = (shared_redis().await, prefix(), Arc::<Server>::default());
    let proxy = Proxy::start(redis.port()).await;
    let node = node(&proxy.url(), &prefix).await;
    with_cache(&node, page(server.clone(), 7)).await;
    stored(&node, 1).await;
    proxy.cut();
    until("the node is alone", async || !node.shared().unwrap().connected).await;
    with_cache(&node, expire(7)).await;
    with_cache(&node, page(server.clone(), 7)).await;
    assert_eq!(server.had(), [None, Some(1)]);
    with_cache(&node, remove(7)).await;
    with_cache(&node, page(server.clone(), 7)).await;
    assert_eq!(server.had(), [None]);
}
