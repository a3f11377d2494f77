//! Takeover of a new master: processes use it once its predecessor is gone.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fastness::monitor::{Monitor, Status};
use fastness::{Fastness, Reach, Redis as Settings, cacheable, with_cache};
use fastness_tests::servers::{Cluster, PATIENCE, Proxy, Redis, prefix, until};

use crate::{Origin, connected, node, stored};
use fastness_tests::names::reached;

#[cacheable(ttl = 600, key = "row:{id}", early = off, skip(origin))]
async fn row(origin: Arc<Origin>, id: u64) -> usize {
    let _ = id;
    origin.load()
}

/// A wait that ends within a test.
const TAKEOVER: Duration = Duration::from_millis(200);
/// A wait that only another process ends, however busy the machine is.
const ENDLESS: Duration = Duration::from_secs(3_600);

fn built(url: &str, prefix: &str, takeover: Duration) -> Fastness {
    let settings = Settings::single(url).unwrap().prefix(prefix).command_timeout(PATIENCE).takeover(takeover);
    Fastness::builder().redis(settings).build().unwrap()
}

/// Ends the wait of all processes, because this one does not wait at all.
async fn settle(url: &str, prefix: &str) {
    connected(&built(url, prefix, Duration::ZERO)).await;
}

async fn waits(fast: &Fastness) {
    until("the new master is waited for", async || fast.shared().unwrap().settling).await;
    let stats = fast.shared().unwrap();
    assert!(!stats.connected && !stats.coherent && !stats.refused, "{stats:?}");
    let health = Monitor::builder().cache(fast).build().unwrap().health().await;
    assert_eq!(health.status, Status::Degraded);
    assert!(health.reasons[0].contains("rests"), "{:?}", health.reasons);
}

/// A server whose log began on another one, like that of a promoted replica.
async fn promoted(prefix: &str) -> Redis {
    let server = Redis::start().await;
    server.command::<String>(&["XADD", &format!("{prefix}log"), "*", "l", "00000000000000ff", "r", ""]).await;
    server
}

/// The life of the last entry of the log.
async fn life(server: &Redis, prefix: &str) -> String {
    let mut last: Vec<(String, Vec<Vec<u8>>)> =
        server.command(&["XREVRANGE", &format!("{prefix}log"), "+", "-", "COUNT", "1"]).await;
    let (_, mut fields) = last.pop().expect("an entry");
    String::from_utf8(fields.swap_remove(1)).expect("a life")
}

/// Polls a future once. Returns whether it is pending.
async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await
}

/// One process is still on the former master, and dies directly after it has announced there. The other one is on the successor.
#[tokio::test]
async fn an_announcement_on_the_former_master_holds_on_its_successor() {
    let (mut former, prefix, origin) = (Redis::start().await, prefix(), Arc::new(Origin::default()));
    let successor = Redis::with(&["--replicaof", "127.0.0.1", &former.port().to_string()]).await;
    until("the replica is in step", async || {
        successor.command::<String>(&["INFO", "replication"]).await.contains("master_link_status:up")
    })
    .await;
    let one = node(&former.url(), &prefix).await;
    with_cache(&one, row(origin.clone(), 1)).await;
    stored(&one, 1).await;

    successor.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    let two = built(&successor.url(), &prefix, ENDLESS);
    waits(&two).await;
    assert_eq!(with_cache(&two, row(origin.clone(), 1)).await, 0, "the origin answers meanwhile");
    assert_eq!(two.cache().invalidate(reached("other:1")).await, Reach::LocalOnly);

    let new = origin.change();
    assert_eq!(one.cache().invalidate(reached("row:1")).await, Reach::Announced);
    assert_eq!(with_cache(&one, row(origin.clone(), 1)).await, new);
    drop(one);
    former.kill();

    settle(&successor.url(), &prefix).await;
    connected(&two).await;
    assert_eq!(with_cache(&two, row(origin.clone(), 1)).await, new);
    until("all is announced", async || two.shared().unwrap().coherent).await;
    let stats = two.shared().unwrap();
    assert_eq!((stats.takeovers, stats.settling, stats.in_doubt), (1, false, 0));
    // A process that starts now need not wait.
    let three = node(&successor.url(), &prefix).await;
    assert_eq!(with_cache(&three, row(origin.clone(), 1)).await, new);
    assert_eq!(three.shared().unwrap().takeovers, 0);
}

#[tokio::test]
async fn a_process_that_has_waited_ends_the_wait_of_all() {
    let prefix = prefix();
    let server = promoted(&prefix).await;
    let mut nodes = Vec::new();
    for _ in 0..5 {
        nodes.push(built(&server.url(), &prefix, TAKEOVER));
    }
    nodes.push(built(&server.url(), &prefix, ENDLESS));
    for node in &nodes {
        connected(node).await;
        assert_eq!(node.shared().unwrap().takeovers, 1);
    }
    assert_eq!(server.command::<u64>(&["XLEN", &format!("{prefix}log")]).await, 1, "one node began the new life");
    let origin = Arc::new(Origin::default());
    for node in &nodes {
        with_cache(node, row(origin.clone(), 1)).await;
    }
    assert_eq!(nodes[0].cache().invalidate(reached("row:1")).await, Reach::Announced);
    let new = origin.change();
    for node in &nodes {
        until("all follow one log", async || with_cache(node, row(origin.clone(), 1)).await == new).await;
    }
}

#[tokio::test]
async fn a_server_that_was_left_is_used_again_under_a_new_life() {
    let (first, second, prefix) = (Redis::start().await, Redis::start().await, prefix());
    let proxy = Proxy::start(first.port()).await;
    let fast = built(&proxy.url(), &prefix, TAKEOVER);
    let origin = Arc::new(Origin::default());
    connected(&fast).await;
    with_cache(&fast, row(origin.clone(), 1)).await;
    stored(&fast, 1).await;
    let old = life(&first, &prefix).await;

    proxy.redirect(second.port());
    until("the other server is used", async || second.ask::<u8>(&["EXISTS", &format!("{prefix}log")]).await == Ok(1))
        .await;
    connected(&fast).await;
    let new = origin.change();
    until("it is announced there", async || fast.cache().invalidate(reached("row:1")).await == Reach::Announced).await;

    let before = fast.shared().unwrap().takeovers;
    proxy.redirect(first.port());
    until("the first is waited for", async || fast.shared().unwrap().takeovers > before).await;
    fast.cache().invalidate(reached("row:2")).await;
    connected(&fast).await;
    until("nothing is in doubt", async || fast.shared().unwrap().coherent).await;
    assert_ne!(life(&first, &prefix).await, old);
    // Values that were stored there before are used neither by this process nor by one that starts.
    assert_eq!(with_cache(&fast, row(origin.clone(), 1)).await, new);
    assert_eq!(with_cache(&node(&first.url(), &prefix).await, row(origin.clone(), 1)).await, new);
}

#[tokio::test]
async fn a_wait_ends_with_its_server() {
    let prefix = prefix();
    let (mut first, second) = (promoted(&prefix).await, promoted(&prefix).await);
    let proxy = Proxy::start(first.port()).await;
    let fast = built(&proxy.url(), &prefix, ENDLESS);
    waits(&fast).await;
    // Another master appears.
    proxy.redirect(second.port());
    until("it is waited for anew", async || fast.shared().unwrap().takeovers == 2).await;
    assert_eq!(life(&first, &prefix).await, "00000000000000ff", "the first was not settled");
    // It is restarted, empty: nothing can have been announced to it.
    first.restart().await;
    proxy.redirect(first.port());
    connected(&fast).await;
    assert_eq!(life(&second, &prefix).await, "00000000000000ff", "the second was not settled either");
    assert_eq!(fast.shared().unwrap().takeovers, 2);
}

#[tokio::test]
async fn an_unreachable_server_is_not_reported_as_waited_for() {
    let prefix = prefix();
    let server = promoted(&prefix).await;
    let proxy = Proxy::start(server.port()).await;
    let fast = built(&proxy.url(), &prefix, ENDLESS);
    waits(&fast).await;
    proxy.cut();
    until("the wait is not what holds it up", async || !fast.shared().unwrap().settling).await;
    proxy.restore();
    waits(&fast).await;
    assert_eq!(fast.shared().unwrap().takeovers, 1, "this is the same wait");
}

#[tokio::test]
async fn a_wait_ends_although_the_log_has_no_id_left() {
    let prefix = prefix();
    let server = promoted(&prefix).await;
    let last = "18446744073709551615-18446744073709551615";
    server.command::<String>(&["XADD", &format!("{prefix}log"), last, "a", "b"]).await;
    let fast = built(&server.url(), &prefix, TAKEOVER / 2);
    connected(&fast).await;
    until("it is announced", async || fast.cache().invalidate(reached("row:1")).await == Reach::Announced).await;
}

#[tokio::test]
async fn an_invalidation_during_the_wait_is_announced_when_it_ends() {
    let prefix = prefix();
    let (server, origin) = (promoted(&prefix).await, Arc::new(Origin::default()));
    let one = built(&server.url(), &prefix, ENDLESS);
    waits(&one).await;
    for id in [1, 2] {
        with_cache(&one, row(origin.clone(), id)).await;
    }
    assert_eq!(one.cache().invalidate(reached("row:1")).await, Reach::LocalOnly);
    let cache = one.cache();
    {
        let mut dropped = Box::pin(cache.invalidate(reached("row:2")));
        // The future is not polled again, ready or not.
        is_pending(&mut dropped).await;
    }
    let new = origin.change();
    for id in [1, 2] {
        assert_eq!(with_cache(&one, row(origin.clone(), id)).await, new, "both count here at once");
    }
    assert_eq!((one.shared().unwrap().in_doubt, one.shared().unwrap().stores), (2, 0));
    settle(&server.url(), &prefix).await;
    connected(&one).await;
    until("nothing is in doubt", async || one.shared().unwrap().coherent).await;
    assert!(server.command::<u64>(&["XLEN", &format!("{prefix}log")]).await > 1, "they are in the log");
}

#[tokio::test]
async fn a_master_without_its_replicas_is_not_used() {
    let setting = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "10"];
    let (master, prefix) = (Redis::with(&setting).await, prefix());
    let mut replica = Redis::with(&["--replicaof", "127.0.0.1", &master.port().to_string()]).await;
    let fast = built(&master.url(), &prefix, Duration::ZERO);
    connected(&fast).await;
    until("it is used", async || fast.cache().invalidate(reached("row:1")).await == Reach::Announced).await;

    replica.kill();
    until("it is left alone", async || fast.shared().unwrap().suspensions > 0).await;
    assert_eq!(fast.cache().invalidate(reached("row:1")).await, Reach::LocalOnly);
    until("its word does not count", async || !fast.shared().unwrap().coherent).await;

    replica.restart().await;
    until("it is used again", async || fast.shared().unwrap().coherent).await;
    assert_eq!(fast.cache().invalidate(reached("row:1")).await, Reach::Announced);
}

/// A node that the cluster has left answers INFO, and refuses every command that has a key.
#[tokio::test]
async fn a_node_that_its_cluster_has_left_is_not_used() {
    let (server, prefix) = (Redis::with(&["--cluster-enabled", "yes"]).await, prefix());
    let slots: Vec<_> = (0..16_384).map(|slot| slot.to_string()).collect();
    let all: Vec<_> = ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
    server.command::<()>(&all).await;
    let settings = Settings::cluster([server.url()]).unwrap().prefix(&prefix).takeover(Duration::ZERO);
    let fast = Fastness::builder().redis(settings).max_stale(Duration::from_millis(800)).build().unwrap();
    connected(&fast).await;
    until("it is coherent", async || fast.shared().unwrap().coherent).await;
    let own: String = server.command::<u16>(&["CLUSTER", "KEYSLOT", &format!("{prefix}log")]).await.to_string();
    let unserved = slots.iter().find(|slot| **slot != own).unwrap();
    server.command::<()>(&["CLUSTER", "DELSLOTS", unserved]).await;
    until("the heartbeat notices it", async || !fast.shared().unwrap().connected).await;
    until("its word does not count", async || !fast.shared().unwrap().coherent).await;
    server.command::<()>(&["CLUSTER", "ADDSLOTS", unserved]).await;
    until("it is used again", async || fast.shared().unwrap().coherent).await;
}

#[cacheable(ttl = 60, key = "turn:{id}", single_flight = fleet)]
async fn turn(id: u64) -> u64 {
    id
}

/// A lease would not be released, and each load would wait for the one before.
#[tokio::test]
async fn no_load_takes_a_lease_during_the_wait_for_a_cluster() {
    let (cluster, prefix) = (Cluster::start().await, prefix());
    let settings = Settings::cluster(cluster.urls()).unwrap().prefix(&prefix).takeover(ENDLESS);
    let fast = Fastness::builder().redis(settings).build().unwrap();
    waits(&fast).await;
    for node in &cluster.nodes()[..3] {
        until("the nodes with values are connected", async || {
            node.command::<String>(&["CLIENT", "LIST", "TYPE", "normal"]).await.lines().count() > 1
        })
        .await;
    }
    for id in 0..50 {
        assert_eq!(with_cache(&fast, turn(id)).await, id);
    }
    for node in &cluster.nodes()[..3] {
        assert_eq!(node.command::<u64>(&["DBSIZE"]).await, 0, "no lease, and no value");
    }
}
