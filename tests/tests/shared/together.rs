//! Reads that are made at once, and are sent to the server together.

use std::sync::Arc;
use std::time::Duration;

use fastness::{Fastness, cacheable, with_cache};
use fastness_tests::servers::{Redis, prefix, shared_redis, until};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::{Origin, node, node_with, stored};
use fastness_tests::names::reached;

const KEYS: u64 = 200;

#[cacheable(ttl = 60, key = "far:{id}", tier = shared, skip(origin))]
async fn far(origin: Arc<Origin>, id: u64) -> String {
    format!("{id}, version {}", origin.load())
}

/// Starts a read of each key before any of them runs.
fn read_all(fast: &Fastness, origin: &Arc<Origin>) -> JoinSet<(u64, String)> {
    let mut tasks = JoinSet::new();
    for id in 0..KEYS {
        let (fast, origin) = (fast.clone(), origin.clone());
        tasks.spawn(async move { (id, with_cache(&fast, far(origin, id)).await) });
    }
    tasks
}

async fn filled(fast: &Fastness, origin: &Arc<Origin>) {
    read_all(fast, origin).join_all().await;
    stored(fast, KEYS).await;
    assert_eq!(origin.loads() as u64, KEYS);
}

#[tokio::test]
async fn each_concurrent_read_gets_its_own_value() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::new(Origin::default()));
    let fast = node(&redis.url(), &prefix).await;
    filled(&fast, &origin).await;
    for (id, value) in read_all(&fast, &origin).join_all().await {
        assert_eq!(value, format!("{id}, version 0"));
    }
    assert_eq!(origin.loads() as u64, KEYS, "nothing was loaded again");
    assert_eq!(fast.shared().unwrap().hits, KEYS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_read_takes_no_answer_from_the_others() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::new(Origin::default()));
    let fast = node(&redis.url(), &prefix).await;
    filled(&fast, &origin).await;
    for _ in 0..20 {
        let mut all = read_all(&fast, &origin);
        let dropped = read_all(&fast, &origin);
        tokio::task::yield_now().await;
        // Dropped at any point of their work.
        drop(dropped);
        while let Some(read) = all.join_next().await {
            let (id, value) = read.unwrap();
            assert_eq!(value, format!("{id}, version 0"));
        }
    }
    assert_eq!(origin.loads() as u64, KEYS, "nothing was loaded again");
}

#[tokio::test]
async fn invalidated_values_are_not_among_gathered_reads() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::new(Origin::default()));
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    filled(&one, &origin).await;
    origin.change();
    two.cache().invalidate(reached("far:7")).await;
    for (id, value) in read_all(&one, &origin).join_all().await {
        let version = u64::from(id == 7);
        assert_eq!(value, format!("{id}, version {version}"));
    }
}

#[tokio::test]
async fn all_gathered_reads_go_to_the_origin_when_the_server_is_gone() {
    let (mut server, prefix, origin) = (Redis::start().await, prefix(), Arc::new(Origin::default()));
    let fast = node(&server.url(), &prefix).await;
    filled(&fast, &origin).await;
    let reads = read_all(&fast, &origin);
    server.kill();
    assert_eq!(reads.join_all().await.len() as u64, KEYS);
    until("the loss is noticed", async || !fast.shared().unwrap().connected).await;
    let before = origin.loads() as u64;
    assert_eq!(read_all(&fast, &origin).join_all().await.len() as u64, KEYS);
    assert_eq!(origin.loads() as u64, before + KEYS);
}

/// A runtime on which a node was built and filled.
fn built(
    runtime: &Runtime,
    settings: impl FnOnce(fastness::Redis) -> fastness::Redis,
) -> (Redis, Fastness, Arc<Origin>) {
    runtime.block_on(async {
        let (server, origin) = (Redis::start().await, Arc::new(Origin::default()));
        let fast = node_with(settings(fastness::Redis::single(&server.url()).unwrap().prefix(prefix()))).await;
        filled(&fast, &origin).await;
        (server, fast, origin)
    })
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The connections are paused, and so is the sender of gathered reads.
#[test]
fn a_runtime_that_does_not_run_delays_no_caller_for_ever() {
    let (theirs, ours) = (runtime(), runtime());
    let (server, fast, origin) = built(&theirs, |redis| redis.command_timeout(Duration::from_secs(1)));
    let reads = ours.block_on(async { read_all(&fast, &origin).join_all().await });
    assert_eq!(reads.len() as u64, KEYS);
    assert!(origin.loads() as u64 > KEYS, "they were loaded");
    assert!(fast.shared().unwrap().suspensions > 0, "no caller waits for the server again");
    drop((server, theirs));
}

#[test]
fn a_runtime_that_is_shut_down_releases_its_waiters() {
    let (theirs, ours) = (runtime(), runtime());
    // The time limit of a command releases no caller.
    let (server, fast, origin) = built(&theirs, |redis| redis.command_timeout(Duration::from_secs(3_600)));
    ours.block_on(async {
        let reads = read_all(&fast, &origin);
        // Yields until all reads have begun.
        for _ in 0..KEYS {
            tokio::task::yield_now().await;
        }
        assert_eq!(origin.loads() as u64, KEYS, "all of them wait");
        theirs.shutdown_background();
        assert_eq!(reads.join_all().await.len() as u64, KEYS);
    });
    assert_eq!(origin.loads() as u64, 2 * KEYS, "each was loaded by itself");
    drop(server);
}

#[cacheable(ttl = 60, key = "large:{id}", tier = shared, skip(origin))]
async fn large(origin: Arc<Origin>, id: u64) -> String {
    origin.load();
    id.to_string().repeat(20_000)
}

#[tokio::test]
async fn large_values_do_not_wait_for_each_other() {
    let (server, origin) = (Redis::start().await, Arc::new(Origin::default()));
    let fast = node(&server.url(), &prefix()).await;
    let all = async || {
        let mut tasks = JoinSet::new();
        for id in 1..=40 {
            let (fast, origin) = (fast.clone(), origin.clone());
            tasks.spawn(async move {
                assert_eq!(with_cache(&fast, large(origin, id)).await, id.to_string().repeat(20_000));
            });
        }
        tasks.join_all().await;
    };
    all().await;
    stored(&fast, 40).await;
    // The size of the first value is the estimate for the others.
    with_cache(&fast, large(origin.clone(), 1)).await;
    let mgets = async || server.command::<String>(&["INFO", "commandstats"]).await.contains("cmdstat_mget");
    let before = mgets().await;
    server.command::<()>(&["CONFIG", "RESETSTAT"]).await;
    all().await;
    assert!(before && !mgets().await, "each read was sent alone");
    assert_eq!(origin.loads(), 40, "nothing was loaded again");
}
