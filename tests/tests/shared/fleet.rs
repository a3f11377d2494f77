//! One function on every kind of server, also while the server is replaced under load.

use fastness_tests::names::named;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fastness::{Fastness, Redis, cache_invalidate, cacheable, with_cache};
use fastness_tests::servers::{Cluster, Sentinel, prefix, until};
use tokio::time::Instant;

use crate::{Origin, are_stored, node_with};

#[cacheable(ttl = 60, key = "item:{id}", skip(origin))]
async fn item(origin: Arc<Origin>, id: u64) -> Result<(u64, usize), std::io::Error> {
    Ok((id, origin.load()))
}

#[cache_invalidate("item:{id}")]
async fn change(origin: &Origin, id: u64) {
    origin.change();
}

/// Callers that read and write until the test stops them.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    slowest: Arc<AtomicU64>,
    calls: Arc<AtomicU64>,
}

impl Load {
    fn start(nodes: &[Fastness], origin: &Arc<Origin>) -> Self {
        let (stop, slowest, calls) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default(), Arc::default());
        let tasks = (0..16).map(|task| {
            let (node, origin) = (nodes[task % nodes.len()].clone(), origin.clone());
            let call = call(task as u64, origin, node, stop.clone(), slowest.clone(), Arc::clone(&calls));
            tokio::spawn(call)
        });
        Self { tasks: tasks.collect(), stop, slowest, calls }
    }

    async fn stop(self) -> (u64, Duration) {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.expect("no call failed");
        }
        (self.calls.load(Ordering::SeqCst), Duration::from_nanos(self.slowest.load(Ordering::SeqCst)))
    }
}

async fn call(
    task: u64,
    origin: Arc<Origin>,
    node: Fastness,
    stop: Arc<AtomicBool>,
    slowest: Arc<AtomicU64>,
    calls: Arc<AtomicU64>,
) {
    let mut round = 0;
    while !stop.load(Ordering::SeqCst) {
        round += 1;
        let (id, began) = (task * 100 + round % 50, Instant::now());
        if round % 10 == 0 {
            with_cache(&node, change(&origin, id)).await;
        }
        let answer = with_cache(&node, item(origin.clone(), id)).await.expect("no error of the cache's");
        assert_eq!(answer.0, id);
        slowest.fetch_max(u64::try_from(began.elapsed().as_nanos()).unwrap(), Ordering::SeqCst);
        calls.fetch_add(1, Ordering::SeqCst);
        breathe().await;
    }
}

/// Leaves the processor to the servers for a moment.
#[allow(clippy::disallowed_methods)]
async fn breathe() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

async fn work_together(nodes: &[Fastness]) {
    let (mut origin, mut id) = (Arc::new(Origin::default()), 0);
    // A server that has just become the master begins a new history once its replica is there, and with it the cache.
    until("one node finds what the other loaded", async || {
        (origin, id) = (Arc::new(Origin::default()), fastrand::u64(1_000_000..));
        let before = nodes[0].shared().unwrap().stores;
        let first = with_cache(&nodes[0], item(origin.clone(), id)).await.unwrap();
        let stored = are_stored(&nodes[0], before + 1).await;
        assert_eq!(with_cache(&nodes[1], item(origin.clone(), id)).await.unwrap(), first);
        stored && origin.loads() == 1
    })
    .await;
    with_cache(&nodes[0], change(&origin, id)).await;
    until("the other node hears of it", async || with_cache(&nodes[1], item(origin.clone(), id)).await.unwrap().1 == 1)
        .await;
}

async fn survive(what: &str, nodes: &[Fastness], disturb: impl Future<Output = ()>) {
    work_together(nodes).await;
    let origin = Arc::new(Origin::default());
    let load = Load::start(nodes, &origin);
    let began = Instant::now();
    disturb.await;
    let replaced = began.elapsed();
    for node in nodes {
        until("the node is coherent again", async || {
            let stats = node.shared().unwrap();
            stats.connected && stats.coherent && stats.in_doubt == 0
        })
        .await;
        let cache = node.cache();
        until("values are stored again", async || {
            let before = node.shared().unwrap().stores;
            // Keys on every node of a cluster.
            let keys: Vec<_> = (0..64).map(|n| format!("after:{n}")).collect();
            cache.mset(keys.iter().map(|key| (named(key), 1_u8)), crate::MINUTE).await;
            for _ in 0..50 {
                breathe().await;
            }
            node.shared().unwrap().stores >= before + 64
        })
        .await;
    }
    let recovered = began.elapsed();
    let (calls, slowest) = load.stop().await;
    work_together(nodes).await;
    println!("{what}: {calls} calls, 0 errors, slowest {slowest:?}; replaced {replaced:?}, recovered {recovered:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_of_sentinels_is_not_noticed_by_callers() {
    let mut group = Sentinel::start().await;
    let settings = || brief(Redis::sentinel(group.urls(), group.master_name()).unwrap());
    let nodes = [node_with(settings()).await, node_with(settings()).await];
    survive("Sentinel, master killed", &nodes, group.kill_master()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_master_of_a_cluster_is_not_noticed_by_callers() {
    let mut cluster = Cluster::start().await;
    let settings = || brief(Redis::cluster(cluster.urls()).unwrap());
    let nodes = [node_with(settings()).await, node_with(settings()).await];
    survive("Cluster, master of the log killed", &nodes, async {
        cluster.kill_master_of(&format!("{}log", prefix_of_test())).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_node_with_values_may_be_lost() {
    let mut cluster = Cluster::start().await;
    let settings = || brief(Redis::cluster(cluster.urls()).unwrap());
    let nodes = [node_with(settings()).await, node_with(settings()).await];
    let log = cluster.master_of(&format!("{}log", prefix_of_test())).await;
    let mut key = String::new();
    while key.is_empty() || cluster.master_of(&key).await == log {
        key = format!("k{}", fastrand::u32(..));
    }
    survive("Cluster, another master killed", &nodes, async { cluster.kill_master_of(&key).await }).await;
}

/// A killed master takes no more writes, so a short wait for its successor is enough.
fn brief(settings: Redis) -> Redis {
    settings.prefix(prefix_of_test()).takeover(Duration::from_millis(200))
}

/// The prefix of all nodes of a test, which has servers of its own.
fn prefix_of_test() -> &'static str {
    static PREFIX: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    PREFIX.get_or_init(prefix)
}
