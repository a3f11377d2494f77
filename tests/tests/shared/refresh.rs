//! Refreshes between processes: all processes load an entry again that one has refreshed, and the refresh makes no entry invalid.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fastness::{Fastness, Reach, cacheable, with_cache};
use fastness_tests::servers::{Proxy, Redis, prefix, shared_redis, until};
use tokio::sync::Notify;

use crate::{MINUTE, Origin, node, stored};
use fastness_tests::names::{named, reached};

#[cacheable(ttl = 60, jitter = 0, early = off, key = "rate:{id}", handle = rates_entry, skip(origin))]
async fn rate(origin: Arc<Origin>, id: u64) -> (u64, usize) {
    (id, origin.load())
}

/// Returns a value for every second version, and an absence for the others.
#[cacheable(ttl = 60, negative_ttl = 60, key = "guest:{id}", handle = guests_entry, skip(origin))]
async fn guest(origin: Arc<Origin>, id: u64) -> Option<u64> {
    (origin.load() % 2 == 1).then_some(id)
}

#[derive(Clone, Debug, PartialEq)]
struct Down;

/// The origin, and a flag that is set while it is down.
type Frail = (Arc<Origin>, Arc<AtomicBool>);

fn ask((origin, is_down): Frail) -> Result<usize, Down> {
    let version = origin.load();
    if is_down.load(Ordering::SeqCst) { Err(Down) } else { Ok(version) }
}

#[cacheable(ttl = 60, key = "near:{id}", stale_if_error = "1m", handle = near_entry, skip(frail))]
async fn near(frail: Frail, id: u64) -> Result<usize, Down> {
    let _ = id;
    ask(frail)
}

#[cacheable(ttl = 60, key = "far:{id}", tier = shared, stale_if_error = "1m", handle = far_entry, skip(frail))]
async fn far(frail: Frail, id: u64) -> Result<usize, Down> {
    let _ = id;
    ask(frail)
}

#[cacheable(ttl = 60, key = "bare:{id}", tier = shared, handle = bare_entry, skip(frail))]
async fn bare(frail: Frail, id: u64) -> Result<usize, Down> {
    let _ = id;
    ask(frail)
}

async fn pair() -> [Fastness; 2] {
    let (server, prefix) = (shared_redis().await, prefix());
    [node(&server.url(), &prefix).await, node(&server.url(), &prefix).await]
}

/// Waits until this node has received all records that the others have appended so far.
async fn heard(nodes: &[Fastness; 2]) {
    let [from, to] = nodes;
    let (origin, id) = (Arc::new(Origin::default()), fastrand::u64(..));
    let read = || with_cache(to, rate(origin.clone(), id));
    read().await;
    let version = origin.change();
    from.cache().invalidate(reached(format!("rate:{id}"))).await;
    until("what is published later is heard", async || read().await.1 == version).await;
}

#[tokio::test]
async fn all_processes_load_a_refreshed_entry_again_once() {
    let (nodes, origin) = (pair().await, Arc::new(Origin::default()));
    for node in &nodes {
        with_cache(node, rate(origin.clone(), 7)).await;
        stored(&nodes[0], 1).await;
    }
    assert_eq!(origin.loads(), 1);
    let version = origin.change();
    assert_eq!(with_cache(&nodes[0], rates_entry(&7).refresh()).await, Reach::Announced);
    assert_eq!(with_cache(&nodes[0], rates_entry(&7).get()).await, None, "neither tier serves it");
    assert_eq!(with_cache(&nodes[0], rate(origin.clone(), 7)).await, (7, version));
    stored(&nodes[0], 2).await;
    heard(&nodes).await;
    assert_eq!(
        with_cache(&nodes[1], rate(origin.clone(), 7)).await,
        (7, version),
        "the value that the other node has loaded since"
    );
    assert_eq!(origin.loads(), 2);
}

#[tokio::test]
async fn an_absence_is_refreshed_in_both_tiers() {
    let (nodes, origin) = (pair().await, Arc::new(Origin::default()));
    for node in &nodes {
        assert_eq!(with_cache(node, guest(origin.clone(), 7)).await, None);
        stored(&nodes[0], 1).await;
    }
    assert_eq!(origin.loads(), 1);
    origin.change();
    with_cache(&nodes[0], guests_entry(&7).refresh()).await;
    heard(&nodes).await;
    assert_eq!(with_cache(&nodes[1], guest(origin.clone(), 7)).await, Some(7));
    assert_eq!(with_cache(&nodes[0], guest(origin.clone(), 7)).await, Some(7));
}

/// A process that starts after a refresh reads it in the log.
#[tokio::test]
async fn a_process_that_starts_after_a_refresh_knows_of_it() {
    let (server, prefix, origin) = (shared_redis().await, prefix(), Arc::new(Origin::default()));
    let one = node(&server.url(), &prefix).await;
    for id in [7, 8] {
        with_cache(&one, rate(origin.clone(), id)).await;
    }
    stored(&one, 2).await;
    let version = origin.change();
    with_cache(&one, rates_entry(&7).refresh()).await;
    let two = node(&server.url(), &prefix).await;
    assert_eq!(with_cache(&two, rate(origin.clone(), 8)).await, (8, 0), "nothing concerned it");
    assert_eq!(with_cache(&two, rate(origin.clone(), 7)).await, (7, version));
}

#[tokio::test]
async fn a_refreshed_value_replaces_an_error_only_with_stale_if_error() {
    let (nodes, frail) = (pair().await, Frail::default());
    for node in &nodes {
        for answer in [
            with_cache(node, near(frail.clone(), 7)).await,
            with_cache(node, far(frail.clone(), 7)).await,
            with_cache(node, bare(frail.clone(), 7)).await,
        ] {
            assert_eq!(answer, Ok(0));
        }
        stored(&nodes[0], 3).await;
    }
    frail.0.change();
    frail.1.store(true, Ordering::SeqCst);
    with_cache(&nodes[0], async {
        [near_entry(&7).refresh().await, far_entry(&7).refresh().await, bare_entry(&7).refresh().await]
    })
    .await;
    heard(&nodes).await;
    for node in &nodes {
        assert_eq!(with_cache(node, near(frail.clone(), 7)).await, Ok(0), "from memory");
        assert_eq!(with_cache(node, far(frail.clone(), 7)).await, Ok(0), "from the shared tier");
        assert_eq!(
            with_cache(node, bare(frail.clone(), 7)).await,
            Err(Down),
            "nothing says that an error may be replaced"
        );
    }
    assert_eq!(
        with_cache(&nodes[1], async { (near_entry(&7).get().await, far_entry(&7).get().await) }).await,
        (None, None)
    );
    // A refresh does not make the entry invalid, and an invalidation does, also after a refresh.
    for pattern in ["near:7", "far:7"] {
        nodes[0].cache().invalidate(reached(pattern)).await;
    }
    heard(&nodes).await;
    for node in &nodes {
        assert_eq!(with_cache(node, near(frail.clone(), 7)).await, Err(Down));
        assert_eq!(with_cache(node, far(frail.clone(), 7)).await, Err(Down));
    }
}

/// The refresh or the invalidation comes first, and both are announced.
#[tokio::test]
async fn a_refresh_and_an_invalidation_of_two_processes_both_count_in_either_order() {
    for refresh_first in [true, false] {
        let (nodes, frail) = (pair().await, Frail::default());
        for node in &nodes {
            with_cache(node, near(frail.clone(), 7)).await.unwrap();
        }
        frail.1.store(true, Ordering::SeqCst);
        let refresh = async { with_cache(&nodes[0], near_entry(&7).refresh()).await };
        let invalidate = async { nodes[1].cache().invalidate(reached("near:7")).await };
        let reached = if refresh_first {
            [refresh.await, invalidate.await]
        } else {
            let reach = invalidate.await;
            [reach, refresh.await]
        };
        assert_eq!(reached, [Reach::Announced; 2]);
        heard(&nodes).await;
        let [one, two] = nodes;
        heard(&[two.clone(), one.clone()]).await;
        for node in [one, two] {
            assert_eq!(with_cache(&node, near(frail.clone(), 7)).await, Err(Down), "it is invalid: {refresh_first}");
        }
    }
}

/// A load whose answer comes once the gate is open.
#[cacheable(ttl = 60, key = "slow:{id}", handle = slow_entry, skip(origin, gate, begun))]
async fn slow(origin: Arc<Origin>, gate: Arc<Notify>, begun: Arc<Notify>, id: u64) -> (u64, usize) {
    let read = origin.load();
    begun.notify_one();
    gate.notified().await;
    (id, read)
}

#[tokio::test]
async fn a_load_under_way_in_another_process_brings_no_fresh_value() {
    let (nodes, origin) = (pair().await, Arc::new(Origin::default()));
    let (gate, begun) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let call = || slow(origin.clone(), gate.clone(), begun.clone(), 7);
    let load = tokio::spawn({
        let (node, call) = (nodes[1].clone(), call());
        async move { with_cache(&node, call).await }
    });
    begun.notified().await;
    let version = origin.change();
    with_cache(&nodes[0], slow_entry(&7).refresh()).await;
    heard(&nodes).await;
    let before = nodes[1].shared().unwrap().stores;
    gate.notify_one();
    assert_eq!(load.await.unwrap(), (7, 0), "the caller from before the refresh");
    stored(&nodes[1], before + 1).await;
    gate.notify_one();
    assert_eq!(with_cache(&nodes[1], call()).await, (7, version));
    gate.notify_one();
    assert_eq!(with_cache(&nodes[0], call()).await, (7, version), "nor from the shared tier");
}

#[tokio::test]
async fn a_refresh_without_redis_counts_here_and_is_announced_later() {
    let (server, prefix, origin) = (Redis::start().await, prefix(), Arc::new(Origin::default()));
    let proxy = Proxy::start(server.port()).await;
    let nodes = [node(&proxy.url(), &prefix).await, node(&server.url(), &prefix).await];
    for node in &nodes {
        with_cache(node, rate(origin.clone(), 7)).await;
        stored(&nodes[0], 1).await;
    }
    proxy.cut();
    until("the link is gone", async || !nodes[0].shared().unwrap().connected).await;
    let version = origin.change();
    assert_eq!(with_cache(&nodes[0], rates_entry(&7).refresh()).await, Reach::LocalOnly);
    assert_eq!(nodes[0].shared().unwrap().in_doubt, 1);
    assert_eq!(with_cache(&nodes[0], rate(origin.clone(), 7)).await, (7, version), "the refresh counts here");
    assert_eq!(with_cache(&nodes[1], rate(origin.clone(), 7)).await, (7, 0), "no other node has the refresh");
    proxy.restore();
    until("the other is told", async || with_cache(&nodes[1], rate(origin.clone(), 7)).await == (7, version)).await;
    until("nothing is in doubt", async || nodes[0].shared().unwrap().in_doubt == 0).await;
}

/// A node that lost its connection reads the records that it has missed.
#[tokio::test]
async fn a_process_that_was_cut_off_learns_of_a_refresh_when_it_is_back() {
    let (server, prefix, origin) = (Redis::start().await, prefix(), Arc::new(Origin::default()));
    let proxy = Proxy::start(server.port()).await;
    let nodes = [node(&server.url(), &prefix).await, node(&proxy.url(), &prefix).await];
    for node in &nodes {
        with_cache(node, rate(origin.clone(), 7)).await;
        stored(&nodes[0], 1).await;
    }
    proxy.cut();
    until("the link is gone", async || !nodes[1].shared().unwrap().connected).await;
    let version = origin.change();
    assert_eq!(with_cache(&nodes[0], rates_entry(&7).refresh()).await, Reach::Announced);
    assert_eq!(with_cache(&nodes[1], rate(origin.clone(), 7)).await, (7, 0), "within the bound");
    proxy.restore();
    until("it is back", async || with_cache(&nodes[1], rate(origin.clone(), 7)).await == (7, version)).await;
}

#[cacheable(ttl = 60, key = "costly:{id}", single_flight = fleet, handle = costly_entry, skip(origin, gate, begun))]
async fn costly(origin: Arc<Origin>, gate: Arc<Notify>, begun: Arc<Notify>, id: u64) -> (u64, usize) {
    let read = origin.load();
    begun.notify_one();
    gate.notified().await;
    (id, read)
}

#[tokio::test]
async fn one_process_loads_a_refreshed_entry_for_all() {
    let (nodes, origin) = (pair().await, Arc::new(Origin::default()));
    let (gate, begun) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let call = |node: &Fastness| {
        let (node, call) = (node.clone(), costly(origin.clone(), gate.clone(), begun.clone(), 7));
        tokio::spawn(async move { with_cache(&node, call).await })
    };
    gate.notify_one();
    call(&nodes[0]).await.unwrap();
    stored(&nodes[0], 1).await;
    begun.notified().await;
    let version = origin.change();
    with_cache(&nodes[0], costly_entry(&7).refresh()).await;
    heard(&nodes).await;
    let first = call(&nodes[1]);
    begun.notified().await;
    let second = call(&nodes[0]);
    let before = nodes[0].shared().unwrap().misses;
    until("it looks whether the other has ended", async || nodes[0].shared().unwrap().misses > before + 2).await;
    gate.notify_one();
    assert_eq!([first.await.unwrap(), second.await.unwrap()], [(7, version); 2]);
    assert_eq!(origin.loads(), 2);
}

/// Direct refreshes, and refreshes of values that direct calls have stored.
#[tokio::test]
async fn a_prefix_is_refreshed_in_all_processes() {
    let nodes = pair().await;
    for (key, value) in [("fee:1", 1_u64), ("fee:2", 2), ("toll:1", 3)] {
        nodes[0].cache().set(&named(key), value, MINUTE).await;
    }
    stored(&nodes[0], 3).await;
    let read = || async { nodes[1].cache().mget::<u64>(&["fee:1", "fee:2", "toll:1"].map(named)).await };
    assert_eq!(read().await, [Some(1), Some(2), Some(3)]);
    assert_eq!(nodes[0].cache().refresh(reached("fee:*")).await, Reach::Announced);
    heard(&nodes).await;
    assert_eq!(read().await, [None, None, Some(3)]);
}
