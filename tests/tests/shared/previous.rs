//! `previous(old)` in both tiers: the old value may come from Redis, and an invalidated one never comes back.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastness::{Clock, Fastness, Key, Redis, cache_invalidate, cache_refresh, cacheable, with_cache};
use fastness_tests::servers::{PATIENCE, Proxy, prefix, shared_redis, until};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::{MINUTE, connected, node, stored};

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

#[cacheable(ttl = 60, jitter = 0, early = off, tier = shared, previous(old), keep_expired = "1h", key = "brief:{id}", skip(server))]
async fn brief(server: Arc<Server>, id: u64) -> Page {
    let _ = id;
    server.get(old).await
}

/// The entry of `page`, as a function without a time for `keep_expired` has it.
#[cacheable(ttl = forever, previous(old), key = "page:{id}", skip(server))]
async fn lasting(server: Arc<Server>, id: u64) -> Page {
    let _ = id;
    server.get(old).await
}

#[cacheable(ttl = 60, jitter = 0, early = off, single_flight = fleet, previous(old), keep_expired = "1h", key = "turn:{id}", skip(server))]
async fn turn(server: Arc<Server>, id: u64) -> Page {
    let _ = id;
    server.get(old).await
}

/// The value stays in Redis for the case of an error, and no caller may have it otherwise.
#[cacheable(ttl = 60, jitter = 0, early = off, single_flight = fleet, stale_if_error = "1h", key = "spare:{id}", skip(server))]
async fn spare(server: Arc<Server>, id: u64) -> Result<Page, Infallible> {
    let _ = id;
    Ok(server.get(None).await)
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

/// Two processes on one clock.
async fn timed_pair() -> ([Fastness; 2], Clock) {
    let clock = Clock::manual();
    let redis = Redis::single(&shared_redis().await.url()).unwrap().prefix(prefix()).command_timeout(PATIENCE);
    let nodes = [(); 2].map(|()| Fastness::builder().redis(redis.clone()).clock(clock.clone()).build().unwrap());
    for node in &nodes {
        connected(node).await;
    }
    (nodes, clock)
}

#[tokio::test]
async fn a_value_past_its_ttl_stays_in_redis_for_the_next_load() {
    let ((nodes, clock), server) = (timed_pair().await, Arc::<Server>::default());
    with_cache(&nodes[0], brief(server.clone(), 7)).await;
    stored(&nodes[0], 1).await;
    with_cache(&nodes[1], brief(server.clone(), 7)).await;
    assert_eq!(server.had(), [None], "it is fresh");
    // Well past it: the clock of the test stands still between two readings of the server's, which does not.
    clock.advance(MINUTE * 2);
    with_cache(&nodes[1], brief(server.clone(), 7)).await;
    assert_eq!(server.had(), [Some(1)]);
}

#[tokio::test]
async fn a_value_without_a_ttl_is_given_once_a_refresh_has_expired_it() {
    let (nodes, server) = (pair().await, Arc::<Server>::default());
    let before = nodes[1].stats().invalidations;
    with_cache(&nodes[0], lasting(server.clone(), 7)).await;
    stored(&nodes[0], 1).await;
    with_cache(&nodes[0], expire(7)).await;
    heard(&nodes[1], before, 1).await;
    for node in &nodes {
        with_cache(node, lasting(server.clone(), 7)).await;
    }
    let had = server.had();
    assert!(had.starts_with(&[None, Some(1)]) && had.iter().skip(1).all(Option::is_some), "{had:?}");
}

#[tokio::test]
async fn direct_calls_get_it_from_redis_too() {
    let (nodes, key, had) = (pair().await, Key::from_static("direct"), Mutex::<Vec<_>>::default());
    let before = nodes[1].stats().invalidations;
    let read = async |node: &Fastness| {
        let load = async |old: Option<Page>| {
            had.lock().unwrap().push(old.as_ref().map(|page| page.etag));
            Ok::<_, Infallible>(old.unwrap_or(Page { etag: 1 }))
        };
        node.cache().get_or_reload(&key, MINUTE, Duration::ZERO, load).await
    };
    let Ok(_) = read(&nodes[0]).await;
    stored(&nodes[0], 1).await;
    nodes[0].cache().refresh(&key).await;
    heard(&nodes[1], before, 1).await;
    let Ok(_) = read(&nodes[1]).await;
    stored(&nodes[1], 1).await;
    nodes[0].cache().invalidate(&key).await;
    heard(&nodes[1], before, 2).await;
    let Ok(_) = read(&nodes[1]).await;
    assert_eq!(had.into_inner().unwrap(), [None, Some(1), None]);
}

/// The value in Redis is past its ttl, so that it is no answer: one process loads, the other waits for it.
async fn one_loads_for_both(
    server: Arc<Server>,
    call: impl Fn(&Fastness) -> JoinHandle<Page>,
    clock: &Clock,
    nodes: &[Fastness; 2],
) {
    call(&nodes[0]).await.unwrap();
    stored(&nodes[0], 1).await;
    clock.advance(MINUTE * 2);
    let gate = Arc::<Notify>::default();
    *server.held.lock().unwrap() = Some(gate.clone());
    let first = call(&nodes[1]);
    until("one loads", async || server.had.lock().unwrap().len() == 2).await;
    let reads = || nodes[0].shared().map(|shared| shared.hits + shared.misses).unwrap();
    let (before, second) = (reads(), call(&nodes[0]));
    until("the other looks whether it has ended", async || reads() > before + 2).await;
    assert_eq!(server.had.lock().unwrap().len(), 2, "it does not load meanwhile");
    gate.notify_one();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (Page { etag: 1 }, Page { etag: 1 }));
}

#[tokio::test]
async fn one_process_loads_for_all_what_is_kept_past_its_ttl() {
    let ((nodes, clock), server) = (timed_pair().await, Arc::<Server>::default());
    let call = |node: &Fastness| {
        let (node, load) = (node.clone(), turn(server.clone(), 7));
        tokio::spawn(async move { with_cache(&node, load).await })
    };
    one_loads_for_both(server.clone(), call, &clock, &nodes).await;
    assert_eq!(server.had(), [None, Some(1)]);
    let call = |node: &Fastness| {
        let (node, load) = (node.clone(), spare(server.clone(), 7));
        tokio::spawn(async move { with_cache(&node, load).await.unwrap() })
    };
    one_loads_for_both(server.clone(), call, &clock, &nodes).await;
    assert_eq!(server.had(), [None, None]);
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
