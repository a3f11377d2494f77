//! Calls that load anew, that bypass the cache, and functions that are turned off, with a shared tier.

use std::collections::HashMap;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use fastness::{Clock, Fastness, Redis, bypass, cacheable, reload, with_cache};
use fastness_tests::servers::{PATIENCE, Proxy, prefix, shared_redis, until};
use tokio::sync::Notify;

use crate::{Origin, connected, node, stored};
use fastness_tests::names::reached;

#[cacheable(ttl = 60, key = "row:{id}", skip(origin))]
async fn row(origin: &Origin, id: u64) -> usize {
    let _ = id;
    origin.load()
}

#[cacheable(ttl = 60, key = "row:{id}", skip(origin, gate))]
async fn gated(origin: &Origin, gate: &Notify, id: u64) -> usize {
    let (_, version) = (id, origin.load());
    gate.notified().await;
    version
}

#[cacheable(ttl = 60, cache_err = |_| true, err_ttl = 30, key = "strict:{id}", skip(origin, fails))]
async fn strict(origin: &Origin, fails: bool, id: u64) -> Result<usize, String> {
    let (_, version) = (id, origin.load());
    if fails { Err("down".to_owned()) } else { Ok(version) }
}

#[cacheable(ttl = 60, key = "row:{ids}", batch(ids), skip(origin))]
async fn rows(origin: &Origin, ids: &[u64]) -> HashMap<u64, usize> {
    let version = origin.load();
    ids.iter().map(|id| (*id, version)).collect()
}

#[cacheable(ttl = 60, key = "slow:{id}", tier = shared, skip(origin, gate))]
async fn slow(origin: &Origin, gate: &Notify, id: u64) -> usize {
    let (_, version) = (id, origin.load());
    gate.notified().await;
    version
}

#[cacheable(ttl = 60, key = "slow:{id}", tier = shared, skip(origin))]
async fn quick(origin: &Origin, id: u64) -> usize {
    let _ = id;
    origin.load()
}

/// There is a value in every other version.
#[cacheable(ttl = 60, key = "guest:{id}", tier = shared, skip(origin))]
async fn guest(origin: &Origin, id: u64) -> Option<u64> {
    origin.load().is_multiple_of(2).then_some(id)
}

#[cacheable(ttl = 60, key = "fleet:{id}", single_flight = fleet, skip(origin))]
async fn fleet(origin: &Origin, id: u64) -> usize {
    let _ = id;
    origin.load()
}

async fn pair() -> [Fastness; 2] {
    let (server, prefix) = (shared_redis().await, prefix());
    [node(&server.url(), &prefix).await, node(&server.url(), &prefix).await]
}

#[tokio::test]
async fn a_reload_replaces_the_value_in_redis_for_all_processes() {
    let ([one, two], origin) = (pair().await, Origin::default());
    assert_eq!(with_cache(&one, row(&origin, 7)).await, 0);
    stored(&one, 1).await;
    let reads = one.shared().unwrap().hits + one.shared().unwrap().misses;
    let version = origin.change();
    assert_eq!(with_cache(&one, reload(row(&origin, 7))).await, version);
    stored(&one, 2).await;
    assert_eq!(one.shared().unwrap().hits + one.shared().unwrap().misses, reads, "it does not read Redis");
    origin.change();
    assert_eq!(with_cache(&two, row(&origin, 7)).await, version, "from Redis");
    assert_eq!(with_cache(&one, row(&origin, 7)).await, version);
    assert_eq!(origin.loads(), 2);
}

/// A value that is read from Redis during a reload is older than that of the reload.
#[tokio::test]
async fn a_read_of_redis_during_a_reload_does_not_outlast_it() {
    let ([one, two], origin, gate) = (pair().await, Origin::default(), Notify::new());
    for id in [7, 8] {
        assert_eq!(with_cache(&one, row(&origin, id)).await, 0);
    }
    stored(&one, 2).await;
    let version = origin.change();
    for id in [7, 8] {
        let mut reloaded = pin!(with_cache(&two, reload(gated(&origin, &gate, id))));
        assert!(std::future::poll_fn(|cx| Poll::Ready(reloaded.as_mut().poll(cx).is_pending())).await);
        if id == 7 {
            assert_eq!(with_cache(&two, row(&origin, id)).await, 0, "from Redis");
        } else {
            assert_eq!(with_cache(&two, rows(&origin, &[id])).await, HashMap::from([(id, 0)]), "from Redis");
        }
        gate.notify_one();
        assert_eq!(reloaded.await, version);
        assert_eq!(with_cache(&two, row(&origin, id)).await, version);
    }
    assert_eq!(origin.loads(), 4);
}

#[tokio::test]
async fn a_reload_that_fails_hides_no_value_in_redis() {
    let ([one, two], origin) = (pair().await, Origin::default());
    assert_eq!(with_cache(&one, strict(&origin, false, 7)).await, Ok(0));
    stored(&one, 1).await;
    assert!(with_cache(&two, reload(strict(&origin, true, 7))).await.is_err());
    assert_eq!(with_cache(&two, strict(&origin, true, 7)).await, Ok(0), "from Redis");
    assert_eq!(origin.loads(), 2);
}

#[tokio::test]
async fn memory_of_another_process_stays_until_it_is_refreshed() {
    let ([one, two], origin) = (pair().await, Origin::default());
    assert_eq!(with_cache(&one, row(&origin, 7)).await, 0);
    stored(&one, 1).await;
    assert_eq!(with_cache(&two, row(&origin, 7)).await, 0);
    let version = origin.change();
    assert_eq!(with_cache(&one, reload(row(&origin, 7))).await, version);
    stored(&one, 2).await;
    assert_eq!(with_cache(&two, row(&origin, 7)).await, 0, "its own entry is fresh");
    two.cache().refresh(reached("row:7")).await;
    assert_eq!(with_cache(&two, row(&origin, 7)).await, version);
}

#[tokio::test]
async fn a_batch_does_the_same() {
    let ([one, two], origin) = (pair().await, Origin::default());
    assert_eq!(with_cache(&one, rows(&origin, &[1, 2])).await, HashMap::from([(1, 0), (2, 0)]));
    stored(&one, 2).await;
    let version = origin.change();
    let all = HashMap::from([(1, version), (2, version)]);
    assert_eq!(with_cache(&one, reload(rows(&origin, &[1, 2]))).await, all);
    stored(&one, 4).await;
    origin.change();
    assert_eq!(with_cache(&two, rows(&origin, &[1, 2])).await, all);
    assert_eq!(origin.loads(), 2);
}

#[tokio::test]
async fn an_older_load_of_another_process_does_not_replace_what_was_reloaded() {
    let (clock, origin, gate) = (Clock::manual(), Origin::default(), Notify::new());
    let settings = Redis::single(&shared_redis().await.url()).unwrap().prefix(prefix()).command_timeout(PATIENCE);
    let [one, two] =
        [(); 2].map(|()| Fastness::builder().redis(settings.clone()).clock(clock.clone()).build().unwrap());
    for node in [&one, &two] {
        connected(node).await;
    }
    let mut older = pin!(with_cache(&one, slow(&origin, &gate, 7)));
    until("it loads", async || {
        let is_pending = std::future::poll_fn(|cx| Poll::Ready(older.as_mut().poll(cx).is_pending())).await;
        is_pending && origin.loads() == 1
    })
    .await;
    // Their clocks agree with the server's to a millisecond or so.
    clock.advance(Duration::from_secs(1));
    let version = origin.change();
    assert_eq!(with_cache(&two, reload(quick(&origin, 7))).await, version);
    stored(&two, 1).await;
    gate.notify_one();
    older.await;
    stored(&one, 1).await;
    origin.change();
    for node in [&one, &two] {
        assert_eq!(with_cache(node, quick(&origin, 7)).await, version);
    }
}

#[tokio::test]
async fn an_absence_that_is_not_stored_removes_the_value_from_redis() {
    let ([one, two], origin) = (pair().await, Origin::default());
    assert_eq!(with_cache(&one, guest(&origin, 7)).await, Some(7));
    stored(&one, 1).await;
    origin.change();
    assert_eq!(with_cache(&one, reload(guest(&origin, 7))).await, None);
    let loads = origin.loads();
    until("the value is gone", async || with_cache(&two, guest(&origin, 7)).await.is_none()).await;
    assert!(origin.loads() > loads, "the other process has loaded");
    assert_eq!(one.shared().unwrap().stores, 1, "the removal is none");
}

#[tokio::test]
async fn a_reload_waits_for_no_other_process() {
    let ([one, two], origin) = (pair().await, Origin::default());
    assert_eq!(with_cache(&one, fleet(&origin, 7)).await, 0);
    let version = origin.change();
    let both = (with_cache(&one, reload(fleet(&origin, 7))), with_cache(&two, reload(fleet(&origin, 7))));
    assert_eq!(tokio::join!(both.0, both.1), (version, version));
    assert_eq!(origin.loads(), 3);
}

#[tokio::test]
async fn a_bypassed_call_sends_redis_nothing() {
    let ([one, two], origin) = (pair().await, Origin::default());
    for _ in 0..2 {
        with_cache(&one, bypass(row(&origin, 7))).await;
        with_cache(&one, bypass(rows(&origin, &[7, 8]))).await;
    }
    one.set_enabled(false);
    with_cache(&one, row(&origin, 7)).await;
    let shared = one.shared().unwrap();
    assert_eq!((shared.hits, shared.misses, shared.stores), (0, 0, 0));
    let loads = origin.loads();
    with_cache(&two, row(&origin, 7)).await;
    assert_eq!(origin.loads(), loads + 1, "there was nothing to find");
}

/// The process that is turned off hears the invalidations of others, and its own are sent.
#[tokio::test]
async fn invalidations_go_both_ways_while_it_is_off() {
    let ([one, two], origin) = (pair().await, Origin::default());
    for id in [7, 8] {
        with_cache(&one, row(&origin, id)).await;
        stored(&one, 1 + u64::from(id == 8)).await;
        with_cache(&two, row(&origin, id)).await;
    }
    assert_eq!(origin.loads(), 2);
    two.set_enabled(false);
    let version = origin.change();
    one.cache().invalidate(reached("row:7")).await;
    two.cache().invalidate(reached("row:8")).await;
    until("the other process has heard", async || with_cache(&one, row(&origin, 8)).await == version).await;
    two.set_enabled(true);
    until("it has heard too", async || with_cache(&two, row(&origin, 7)).await == version).await;
    assert_eq!(with_cache(&two, row(&origin, 8)).await, version);
}

#[tokio::test]
async fn without_redis_a_reload_still_loads() {
    let server = shared_redis().await;
    let proxy = Proxy::start(server.port()).await;
    let (fast, origin) = (node(&proxy.url(), &prefix()).await, Origin::default());
    assert_eq!(with_cache(&fast, row(&origin, 7)).await, 0);
    proxy.cut();
    let version = origin.change();
    assert_eq!(with_cache(&fast, reload(row(&origin, 7))).await, version);
}
