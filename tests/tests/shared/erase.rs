//! Functions that say `erase`: an invalidation of a key leaves no bytes of its values in Redis.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use fastness::{
    CacheTransaction, Clock, Fastness, Reach, Redis as Settings, cache_invalidate, cache_put, cacheable, with_cache,
};
use fastness_tests::servers::{Cluster, PATIENCE, Proxy, Redis, Sentinel, prefix, shared_redis, until};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::{connected, node, node_with, stored};
use fastness_tests::names::reached;

/// The text of every value, which is to be found nowhere.
const SECRET: &str = "SECRET-OF-A-PERSON";
/// The longest time for which a value is stored before it is confirmed, in milliseconds.
const UNCONFIRMED: i64 = 10_000;

#[cacheable(ttl = 600, key = "person:{id}", erase, negative_ttl = 600)]
async fn person(id: u64) -> Option<String> {
    (id < 1_000).then(|| format!("{SECRET} {id}"))
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The macro cannot see whether the alias is a future.
#[cacheable(ttl = 600, key = "boxed:{id}", erase)]
fn boxed(id: u64) -> Boxed<String> {
    Box::pin(async move { format!("{SECRET} {id}") })
}

#[cacheable(ttl = 600, key = "person:{id}", erase, tier = shared)]
pub(crate) async fn person_and_age(id: u64) -> (String, u64) {
    (format!("{SECRET} {id}"), id)
}

#[cacheable(ttl = 600, key = "person:{ids}", batch(ids), erase, tier = shared)]
async fn people(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, format!("{SECRET} {id}"))).collect()
}

#[cache_put(key = "person:{id}", ttl = 600, erase)]
async fn rename(id: u64, name: &str) -> Option<String> {
    let _ = id;
    Some(format!("{SECRET} {name}"))
}

#[cache_invalidate("person:{id}")]
pub(crate) async fn forget(id: u64) {}

/// A load that waits for the test.
#[derive(Default)]
struct Gate {
    loads: AtomicU64,
    open: Notify,
}

#[cacheable(ttl = 600, key = "person:{id}", erase, tier = shared, skip(gate))]
async fn slow(gate: &Gate, id: u64) -> String {
    gate.loads.fetch_add(1, Ordering::SeqCst);
    gate.open.notified().await;
    format!("{SECRET} {id}")
}

/// The addresses of all erasable values under this prefix, on the nodes of one server or a cluster, with their times to live in milliseconds.
/// All other bytes there are searched for the secret.
pub(crate) async fn left(servers: &[&Redis], prefix: &str) -> HashMap<String, i64> {
    let mut found = HashMap::new();
    for server in servers {
        let Ok(keys) = server.ask::<Vec<String>>(&["KEYS", &format!("{prefix}*")]).await else { continue };
        for key in keys {
            // A replica of a cluster redirects; its master is asked too.
            let Ok(kind) = server.ask::<String>(&["TYPE", &key]).await else { continue };
            if kind != "string" {
                continue;
            }
            let bytes: Vec<u8> = server.command(&["GET", &key]).await;
            if key.starts_with(&format!("{prefix}~")) && !bytes.is_empty() {
                found.insert(key.clone(), server.command(&["PTTL", &key]).await);
            } else {
                assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "{key} holds the value");
            }
        }
    }
    found
}

/// Waits until this many values are there, all of them confirmed.
pub(crate) async fn confirmed(servers: &[&Redis], prefix: &str, count: usize) {
    until("the values are confirmed", async || {
        let left = left(servers, prefix).await;
        left.len() == count && left.values().all(|ttl| *ttl > UNCONFIRMED)
    })
    .await;
}

async fn erased(servers: &[&Redis], prefix: &str) {
    until("nothing is left", async || left(servers, prefix).await.is_empty()).await;
}

#[tokio::test]
async fn an_invalidation_of_a_key_removes_its_bytes_before_it_returns() {
    let (server, prefix) = (shared_redis().await, prefix());
    let (one, two) = (node(&server.url(), &prefix).await, node(&server.url(), &prefix).await);
    assert_eq!(with_cache(&one, person(7)).await.unwrap(), format!("{SECRET} 7"));
    assert_eq!(with_cache(&one, person(8)).await.unwrap(), format!("{SECRET} 8"));
    confirmed(&[server], &prefix, 2).await;
    assert_eq!(with_cache(&two, person(7)).await.unwrap(), format!("{SECRET} 7"));
    assert_eq!(two.stats().total.loads, 0, "it is read from there");
    // The process that invalidates calls no such function.
    with_cache(&node(&server.url(), &prefix).await, forget(7)).await;
    assert_eq!(left(&[server], &prefix).await.len(), 1, "the other one stays");
    with_cache(&two, forget(8)).await;
    assert_eq!(left(&[server], &prefix).await.len(), 0);
    with_cache(&two, person(7)).await;
    confirmed(&[server], &prefix, 1).await;
}

#[tokio::test]
async fn values_of_all_types_batches_puts_and_absences_are_erased() {
    let (server, prefix) = (shared_redis().await, prefix());
    let fast = node(&server.url(), &prefix).await;
    with_cache(&fast, person(7)).await;
    with_cache(&fast, person_and_age(7)).await;
    with_cache(&fast, people(&[7, 8, 9])).await;
    with_cache(&fast, person(1_000)).await;
    until("they are stored", async || left(&[server], &prefix).await.len() >= 5).await;
    for id in [7, 8, 9, 1_000] {
        with_cache(&fast, forget(id)).await;
    }
    assert_eq!(left(&[server], &prefix).await, HashMap::new());

    with_cache(&fast, person(7)).await;
    confirmed(&[server], &prefix, 1).await;
    with_cache(&fast, rename(7, "Ada")).await;
    confirmed(&[server], &prefix, 1).await;
    let reader = node(&server.url(), &prefix).await;
    assert_eq!(with_cache(&reader, person(7)).await.unwrap(), format!("{SECRET} Ada"));
    with_cache(&fast, forget(7)).await;
    assert_eq!(left(&[server], &prefix).await, HashMap::new());
}

#[tokio::test]
async fn values_of_a_function_that_returns_an_alias_of_a_future_are_erased() {
    let (server, prefix) = (shared_redis().await, prefix());
    let fast = node(&server.url(), &prefix).await;
    with_cache(&fast, async { boxed(7).await }).await;
    confirmed(&[server], &prefix, 1).await;
    assert_eq!(fast.cache().invalidate(reached("boxed:7")).await, Reach::Announced);
    assert_eq!(left(&[server], &prefix).await, HashMap::new());
}

#[tokio::test]
async fn prefixes_and_refreshes_erase_nothing() {
    let (server, prefix) = (shared_redis().await, prefix());
    let fast = node(&server.url(), &prefix).await;
    with_cache(&fast, person(7)).await;
    confirmed(&[server], &prefix, 1).await;
    assert_eq!(fast.cache().invalidate(reached("person:*")).await, Reach::Announced);
    assert_eq!(fast.cache().refresh(reached("person:7")).await, Reach::Announced);
    assert_eq!(left(&[server], &prefix).await.len(), 1);
}

#[tokio::test]
async fn a_transaction_erases_when_it_commits() {
    let (server, prefix) = (shared_redis().await, prefix());
    let fast = node(&server.url(), &prefix).await;
    with_cache(&fast, person(7)).await;
    confirmed(&[server], &prefix, 1).await;
    for is_committed in [false, true] {
        let cached = CacheTransaction::new();
        cached.run(with_cache(&fast, forget(7))).await;
        assert_eq!(left(&[server], &prefix).await.len(), 1, "not yet");
        if is_committed {
            cached.commit().await;
        } else {
            cached.rollback();
        }
    }
    assert_eq!(left(&[server], &prefix).await.len(), 0);
}

#[tokio::test]
async fn an_invalidation_whose_caller_leaves_erases_all_the_same() {
    let (server, prefix) = (shared_redis().await, prefix());
    let fast = node(&server.url(), &prefix).await;
    with_cache(&fast, person(7)).await;
    confirmed(&[server], &prefix, 1).await;
    {
        let mut forgets = pin!(with_cache(&fast, forget(7)));
        poll_fn(|cx| Poll::Ready(forgets.as_mut().poll(cx).is_pending())).await;
    }
    erased(&[server], &prefix).await;
}

#[tokio::test]
async fn an_invalidation_while_the_server_is_away_erases_when_it_is_back() {
    let (server, prefix) = (Redis::start().await, prefix());
    let settings = Settings::single(&server.url()).unwrap().prefix(&prefix).command_timeout(Duration::from_millis(100));
    let fast = node_with(settings).await;
    until("the value is stored", async || {
        with_cache(&fast, person(7)).await;
        with_cache(&fast, person_and_age(7)).await;
        !left(&[&server], &prefix).await.is_empty()
    })
    .await;
    server.pause();
    assert_eq!(fast.cache().invalidate(reached("person:7")).await, Reach::LocalOnly);
    server.resume();
    erased(&[&server], &prefix).await;
}

/// The load begins, its key is invalidated by another process, and the value is stored before its own process hears of that.
#[tokio::test]
async fn a_value_that_is_stored_after_the_invalidation_is_removed() {
    let (server, prefix) = (shared_redis().await, prefix());
    let (proxy, gate) = (Proxy::start(server.port()).await, Gate::default());
    let (one, two) = (node(&proxy.url(), &prefix).await, node(&server.url(), &prefix).await);
    let mut load = pin!(with_cache(&one, slow(&gate, 7)));
    until("it loads", async || {
        poll_fn(|cx| Poll::Ready(load.as_mut().poll(cx).is_pending())).await && gate.loads.load(Ordering::SeqCst) > 0
    })
    .await;
    // Another value raises the flag, so that the invalidation has something to look for.
    with_cache(&two, person_and_age(8)).await;
    confirmed(&[server], &prefix, 1).await;
    proxy.hold_replies();
    with_cache(&two, forget(7)).await;
    gate.open.notify_one();
    load.await;
    until("the value is stored", async || left(&[server], &prefix).await.len() == 2).await;
    let left_over = left(&[server], &prefix).await;
    assert_eq!(
        left_over.values().filter(|ttl| **ttl <= UNCONFIRMED).count(),
        1,
        "it would expire by itself: {left_over:?}"
    );
    proxy.restore();
    until("the value is removed", async || left(&[server], &prefix).await.len() == 1).await;
}

#[tokio::test]
async fn a_value_whose_process_dies_before_it_is_confirmed_expires_within_seconds() {
    let (server, prefix) = (shared_redis().await, prefix());
    let proxy = Proxy::start(server.port()).await;
    let fast = node(&proxy.url(), &prefix).await;
    let gate = Gate::default();
    let mut load = pin!(with_cache(&fast, slow(&gate, 7)));
    until("it loads", async || {
        poll_fn(|cx| Poll::Ready(load.as_mut().poll(cx).is_pending())).await && gate.loads.load(Ordering::SeqCst) > 0
    })
    .await;
    proxy.hold_replies();
    gate.open.notify_one();
    load.await;
    until("the value is stored", async || left(&[server], &prefix).await.len() == 1).await;
    // No reply reaches the process any more.
    proxy.cut();
    let left = left(&[server], &prefix).await;
    assert!(left.values().all(|ttl| *ttl <= UNCONFIRMED), "{left:?}");
}

/// Checks that values are found and erased, also those of many keys at once.
pub(crate) async fn erases(settings: Settings, servers: &[&Redis], prefix: &str) {
    let settings = settings.prefix(prefix).command_timeout(PATIENCE).takeover(Duration::ZERO);
    let (one, two) = (node_with(settings.clone()).await, node_with(settings.clone()).await);
    let ids: Vec<u64> = (0..40).collect();
    with_cache(&one, people(&ids)).await;
    stored(&one, 40).await;
    confirmed(servers, prefix, 40).await;
    assert_eq!(with_cache(&two, people(&ids)).await.len(), 40);
    assert_eq!(two.stats().total.loads, 0, "they are read from there");
    // A process that calls no such function.
    let writer = node_with(settings).await;
    for id in &ids[..20] {
        with_cache(&writer, forget(*id)).await;
    }
    until("the half is left", async || left(servers, prefix).await.len() == 20).await;
    for id in &ids[20..] {
        with_cache(&two, forget(*id)).await;
    }
    erased(servers, prefix).await;
}

#[tokio::test]
async fn values_behind_sentinels_are_erased() {
    let (group, prefix) = (Sentinel::start().await, prefix());
    let settings = Settings::sentinel(group.urls(), group.master_name()).unwrap();
    erases(settings, &[group.master().await], &prefix).await;
}

#[tokio::test]
async fn values_in_a_cluster_are_erased() {
    let (cluster, prefix) = (Cluster::start().await, prefix());
    let nodes: Vec<_> = cluster.nodes().iter().collect();
    erases(Settings::cluster(cluster.urls()).unwrap(), &nodes, &prefix).await;
}

/// More keys than a sweep reads at once.
#[tokio::test]
async fn a_sweep_erases_whatever_was_invalidated_since_the_last() {
    const KEYS: usize = 900;
    let (cluster, prefix, clock) = (Cluster::start().await, prefix(), Clock::manual());
    let settings = Settings::cluster(cluster.urls()).unwrap().prefix(&prefix).takeover(Duration::ZERO);
    let settings = settings.command_timeout(PATIENCE);
    let nodes: Vec<_> = cluster.nodes().iter().collect();
    let fast = Fastness::builder().redis(settings.clone()).clock(clock.clone()).build().unwrap();
    connected(&fast).await;
    let ids: Vec<u64> = (0..KEYS as u64).collect();
    with_cache(&fast, people(&ids)).await;
    confirmed(&nodes, &prefix, KEYS).await;
    let writer = node_with(settings).await;
    for id in ids {
        with_cache(&writer, forget(id)).await;
    }
    until("nothing is left", async || {
        clock.advance(Duration::from_secs(1));
        left(&nodes, &prefix).await.is_empty()
    })
    .await;
}

/// A key of the last argument's, on a node of the cluster that does not have the log.
async fn key_apart_from_the_log(cluster: &Cluster, fast: &Fastness, prefix: &str) -> (u64, String, u16) {
    let log = cluster.master_of(&format!("{prefix}log")).await;
    let nodes: Vec<_> = cluster.nodes().iter().collect();
    for id in 0..100 {
        with_cache(fast, person_and_age(id)).await;
        confirmed(&nodes, prefix, 1).await;
        let address = left(&nodes, prefix).await.into_keys().next().expect("one");
        let master = cluster.master_of(&address).await;
        if let Some(master) = master.filter(|_| master != log) {
            return (id, address, master);
        }
        with_cache(fast, forget(id)).await;
        erased(&nodes, prefix).await;
    }
    unreachable!("all keys lie on the node of the log")
}

#[tokio::test]
async fn a_node_of_a_cluster_that_is_away_erases_when_it_is_back() {
    let (cluster, prefix) = (Cluster::start().await, prefix());
    // The node must not be replaced while it is away.
    for node in cluster.nodes() {
        node.command::<()>(&["CONFIG", "SET", "cluster-node-timeout", "60000"]).await;
    }
    let settings = Settings::cluster(cluster.urls()).unwrap().prefix(&prefix).takeover(Duration::ZERO);
    let fast = Fastness::builder().redis(settings.command_timeout(Duration::from_millis(500))).build().unwrap();
    connected(&fast).await;
    let (id, _, port) = key_apart_from_the_log(&cluster, &fast, &prefix).await;
    let node = cluster.nodes().iter().find(|node| node.port() == port).unwrap();
    node.pause();
    until("it is announced", async || {
        fast.cache().invalidate(reached(format!("person:{id}"))).await == Reach::Announced
    })
    .await;
    node.resume();
    erased(&[node], &prefix).await;
}

#[tokio::test]
async fn an_erasure_in_a_cluster_whose_process_dies_is_done_by_another() {
    let (cluster, prefix) = (Cluster::start().await, prefix());
    let settings = Settings::cluster(cluster.urls()).unwrap().prefix(&prefix).takeover(Duration::ZERO);
    let fast = node_with(settings.clone().command_timeout(PATIENCE)).await;
    let (id, _, port) = key_apart_from_the_log(&cluster, &fast, &prefix).await;
    let writer = node_with(settings.command_timeout(PATIENCE)).await;
    with_cache(&writer, forget(id)).await;
    drop(writer);
    let node = cluster.nodes().iter().find(|node| node.port() == port).unwrap();
    erased(&[node], &prefix).await;
}

/// A process that came after the invalidation has the lease on the sweep, and has done all that concerns its own values. The value of the
/// other process is from the former life of the log, so that process sweeps the new one itself, once.
#[tokio::test]
async fn each_process_sweeps_once_after_the_log_has_started_over() {
    let (cluster, prefix, clock) = (Cluster::start().await, prefix(), Clock::manual());
    let settings = Settings::cluster(cluster.urls()).unwrap().prefix(&prefix).takeover(Duration::ZERO);
    let settings = settings.command_timeout(PATIENCE);
    let log = format!("{prefix}log");
    let log_node = cluster.master_of(&log).await.expect("a master");
    let log_node = cluster.nodes().iter().find(|node| node.port() == log_node).unwrap();
    let mark = async || log_node.command::<Option<String>>(&["GET", &format!("{prefix}{{{log}}}erased")]).await;

    // It sweeps when its clock moves, and gives up its lease while the clock stands.
    let first = Fastness::builder().redis(settings.clone()).clock(clock.clone()).build().unwrap();
    connected(&first).await;
    let (id, address, port) = key_apart_from_the_log(&cluster, &first, &prefix).await;
    until("it has swept the log", async || {
        clock.advance(Duration::from_secs(1));
        mark().await.is_some()
    })
    .await;
    let (former, resets) = (mark().await, first.shared().unwrap().resets);

    log_node.command::<()>(&["DEL", &log]).await;
    let writer = node_with(settings.clone()).await;
    with_cache(&writer, forget(id)).await;
    let second = node_with(settings).await;
    with_cache(&second, person_and_age(id + 500)).await;
    stored(&second, 1).await;
    let life = |mark: Option<String>| mark.map(|mark| mark.split(' ').next().unwrap_or_default().to_owned());
    until("the second has the lease", async || life(mark().await) != life(former.clone())).await;
    until("the first knows the new log", async || first.shared().unwrap().resets > resets).await;
    let node = cluster.nodes().iter().find(|node| node.port() == port).unwrap();
    assert!(left(&[node], &prefix).await.contains_key(&address), "the second leaves it: it began later");
    until("the first erases it", async || {
        clock.advance(Duration::from_secs(1));
        !left(&[node], &prefix).await.contains_key(&address)
    })
    .await;
}

/// The driver may stop answering for good when a slot moves while many commands are under way; the process then connects again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_erased_while_slots_move() {
    const WRITERS: u64 = 200;
    const MOVES: usize = 40;
    let (cluster, prefix) = (Cluster::start().await, prefix());
    let settings = Settings::cluster(cluster.urls()).unwrap().prefix(&prefix).takeover(Duration::ZERO);
    let fast = node_with(settings.command_timeout(Duration::from_millis(500))).await;
    let nodes: Vec<_> = cluster.nodes().iter().collect();
    for id in 0..WRITERS {
        with_cache(&fast, person_and_age(id)).await;
    }
    confirmed(&nodes, &prefix, 200).await;
    let mut slots = HashSet::new();
    for address in left(&nodes, &prefix).await.into_keys() {
        slots.insert(cluster.slot_of(&address).await);
    }
    slots.remove(&cluster.slot_of(&format!("{prefix}log")).await);

    let (ends, mut writers) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
    for id in 0..WRITERS {
        let (fast, ends) = (fast.clone(), ends.clone());
        writers.spawn(async move {
            while !ends.load(Ordering::Relaxed) {
                with_cache(&fast, person_and_age(id)).await;
                with_cache(&fast, forget(id)).await;
            }
        });
    }
    let owners = cluster.slots().await;
    for slot in slots.into_iter().take(MOVES) {
        let from = owners.iter().find(|(_, served)| served.contains(&slot)).expect("a master").0;
        let to = owners.iter().find(|(port, _)| *port != from).expect("another master").0;
        cluster.move_slot(slot, from, to).await.expect("the slot moves");
    }
    ends.store(true, Ordering::Relaxed);
    writers.join_all().await;
    erased(&nodes, &prefix).await;
}
