//! Plain functions on the shared tier: they block their thread, and never wait for a runtime that they stand on.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use fastness::stats::observe_sync;
use fastness::{Fastness, Reach, Redis as Settings, cache_put, cacheable, with_cache, with_cache_sync};
use fastness_tests::names::{named, reached};
use fastness_tests::servers::{Cluster, PATIENCE, Redis, Sentinel, prefix, until};
use tokio::time::Instant;

use crate::{MINUTE, Origin, node, node_with, stored};

/// The function that another process has.
#[cacheable(ttl = 60, key = "plain:{id}", handle = awaited)]
async fn writer(id: u64) -> String {
    format!("awaited {id}")
}

#[cacheable(ttl = 60, key = "plain:{id}", tier = shared, handle = blocking)]
fn reader(id: u64) -> String {
    format!("blocking {id}")
}

#[cacheable(ttl = 60, key = "loads:{id}", tier = both, single_flight = fleet, skip(origin))]
fn loads(origin: &Origin, id: u64) -> usize {
    origin.load()
}

#[cacheable(ttl = 60, key = "plain:{ids}", tier = shared, batch(ids))]
fn many(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, format!("batch {id}"))).collect()
}

#[cache_put(ttl = 60, key = "plain:{id}", tier = both)]
fn write(id: u64, text: &str) -> String {
    text.to_owned()
}

#[cacheable(ttl = 60, key = "local:{id}")]
fn local(id: u64) -> u64 {
    id
}

/// Stores these values by the node of another process.
async fn write_all(node: &Fastness, ids: std::ops::Range<u64>) {
    let before = node.shared().unwrap().stores;
    let count = ids.end - ids.start;
    with_cache(node, async {
        for id in ids {
            writer(id).await;
        }
    })
    .await;
    stored(node, before + count).await;
}

/// Waits until callers that block have a connection of their own, without awaiting anything in between.
fn blocks_on(fast: &Fastness, id: u64) {
    let until = Instant::now() + PATIENCE;
    while with_cache_sync(fast, || blocking(&id).get_sync()).is_none() {
        assert!(Instant::now() < until, "the value of another process never came");
        std::thread::yield_now();
    }
}

/// A node that other processes have stored values for, and these values' ids.
async fn beside(settings: impl Fn() -> Settings) -> (Fastness, Fastness) {
    let (other, fast) = (node_with(settings()).await, node_with(settings()).await);
    write_all(&other, 0..20).await;
    (other, fast)
}

fn settings(url: &str, prefix: &str) -> Settings {
    Settings::single(url).unwrap().prefix(prefix).command_timeout(PATIENCE)
}

#[tokio::test]
async fn a_plain_function_finds_the_values_of_others_on_the_only_thread_of_the_runtime() {
    let (server, prefix) = (Redis::start().await, prefix());
    let (other, fast) = beside(|| settings(&server.url(), &prefix)).await;
    blocks_on(&fast, 0);
    with_cache_sync(&fast, || {
        let (text, observed) = observe_sync(|| reader(1));
        assert_eq!((&*text, observed.hits, observed.misses), ("awaited 1", 1, 0));
        assert_eq!(reader(99), "blocking 99");
        let found = many(&[2, 98, 3]);
        assert_eq!([2, 98, 3].map(|id| &*found[&id]), ["awaited 2", "batch 98", "awaited 3"]);
    });
    until("others find what it loaded", async || {
        with_cache(&other, async { (awaited(&99).get().await, awaited(&98).get().await) }).await
            == (Some("blocking 99".into()), Some("batch 98".into()))
    })
    .await;
}

#[tokio::test]
async fn an_invalidation_of_another_process_is_seen_by_the_next_plain_call() {
    let (server, prefix) = (Redis::start().await, prefix());
    let (other, fast) = beside(|| settings(&server.url(), &prefix)).await;
    blocks_on(&fast, 0);
    for id in 1..20 {
        with_cache_sync(&fast, || assert_eq!(reader(id), format!("awaited {id}")));
        let key = named(format!("plain:{id}"));
        other.cache().set(&key, "changed".to_owned(), MINUTE).await;
        until("the change is stored", async || other.cache().get::<String>(&key).await.is_some()).await;
        with_cache_sync(&fast, || assert_ne!(reader(id), format!("awaited {id}")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_calls_may_block_all_threads_of_the_runtime_at_once() {
    let (server, prefix) = (Redis::start().await, prefix());
    let (_other, fast) = beside(|| settings(&server.url(), &prefix)).await;
    blocks_on(&fast, 0);
    let calls = (1..20).map(|id| {
        let fast = fast.clone();
        tokio::spawn(async move { (id, with_cache_sync(&fast, || reader(id))) })
    });
    for call in calls.collect::<Vec<_>>() {
        let (id, text) = call.await.unwrap();
        assert_eq!(text, format!("awaited {id}"));
    }
}

#[tokio::test]
async fn a_plain_call_in_a_task_whose_budget_is_used_up_ends() {
    let (server, prefix) = (Redis::start().await, prefix());
    let (_other, fast) = beside(|| settings(&server.url(), &prefix)).await;
    blocks_on(&fast, 0);
    let call = tokio::spawn(async move {
        std::future::poll_fn(|cx| {
            let permits = tokio::sync::Semaphore::new(1);
            // Each poll takes from the budget, until the task is told to yield although the semaphore has a permit.
            while std::pin::pin!(permits.acquire()).poll(cx).is_ready() {}
            Poll::Ready(())
        })
        .await;
        with_cache_sync(&fast, || reader(1))
    });
    assert_eq!(call.await.unwrap(), "awaited 1");
}

#[tokio::test]
async fn a_program_without_a_runtime_has_the_shared_tier() {
    let (server, prefix) = (Redis::start().await, prefix());
    let other = node(&server.url(), &prefix).await;
    write_all(&other, 0..3).await;
    let settings = settings(&server.url(), &prefix);
    let program = std::thread::spawn(move || {
        let fast = Fastness::builder().redis(settings).build().unwrap();
        blocks_on(&fast, 0);
        with_cache_sync(&fast, || {
            assert_eq!(reader(1), "awaited 1");
            assert_eq!(write(2, "written"), "written");
            assert_eq!(blocking(&1).invalidate_sync(), Reach::Announced);
            assert_eq!(reader(1), "blocking 1");
        });
    });
    tokio::task::spawn_blocking(|| program.join().unwrap()).await.unwrap();
    assert_eq!(
        with_cache(&other, awaited(&2).get()).await.as_deref(),
        Some("written"),
        "a put has arrived when it returns"
    );
}

#[tokio::test]
async fn direct_calls_that_block_reach_other_processes() {
    let (server, prefix) = (Redis::start().await, prefix());
    let (other, fast) = beside(|| settings(&server.url(), &prefix)).await;
    blocks_on(&fast, 0);
    let (cache, key) = (fast.cache(), named("direct"));
    cache.set_sync(&key, 7_u32, MINUTE);
    assert!(cache.contains::<u32>(&key));
    until("it has arrived", async || other.cache().get::<u32>(&key).await == Some(7)).await;
    other.cache().set(&key, 8_u32, MINUTE).await;
    until("the change is stored", async || other.cache().get::<u32>(&key).await == Some(8)).await;
    until("it is found", async || cache.get_sync::<u32>(&key) == Some(8)).await;
    assert_eq!(cache.get_or_load_sync(&key, MINUTE, || Err::<u32, _>("not loaded")), Ok(8));
    assert_eq!(cache.invalidate_sync(reached("direct")), Reach::Announced);
    assert_eq!((cache.peek::<u32>(&key), cache.get_sync::<u32>(&key)), (None, None));
    assert_eq!(cache.get_or_load_sync(&key, MINUTE, || Ok::<_, &str>(9)), Ok(9));
    assert_eq!(cache.refresh_sync(&key), Reach::Announced);
    assert_eq!(cache.get_sync::<u32>(&key), None);
}

#[tokio::test]
async fn the_first_plain_call_of_a_handle_has_the_shared_tier() {
    let (mut server, prefix) = (Redis::start().await, prefix());
    let url = server.url();
    let patient = || settings(&url, &prefix).connect_timeout(PATIENCE);
    let (_other, fast) = beside(patient).await;
    assert_eq!(with_cache_sync(&fast, || reader(1)), "awaited 1");
    let fast = node_with(patient()).await;
    assert_eq!(fast.cache().invalidate_sync(reached("plain:2")), Reach::Announced);
    let alone = patient();
    let program = std::thread::spawn(move || {
        let fast = Fastness::builder().redis(alone).build().unwrap();
        assert_eq!(with_cache_sync(&fast, || reader(3)), "awaited 3", "without a runtime");
    });
    tokio::task::spawn_blocking(|| program.join().unwrap()).await.unwrap();
    server.kill();
    let fast = Fastness::builder().redis(patient()).build().unwrap();
    assert_eq!(
        fast.cache().invalidate_sync(reached("plain:4")),
        Reach::LocalOnly,
        "a server that refuses is not waited for"
    );
    assert_eq!(with_cache_sync(&fast, || reader(4)), "blocking 4");
}

/// An origin whose first load goes on until its lease was renewed for longer than one lasts, or until another process loads too.
struct SlowOrigin {
    origin: Origin,
    began: std::sync::Barrier,
    url: String,
    leases: String,
}

impl SlowOrigin {
    fn load(&self) -> usize {
        self.origin.load();
        if self.origin.loads() > 1 {
            return self.origin.loads();
        }
        self.began.wait();
        let mut server = redis::Client::open(&*self.url).unwrap().get_connection().unwrap();
        let leases: Vec<String> = redis::cmd("KEYS").arg(&self.leases).query(&mut server).unwrap();
        let (mut renewals, mut before, until) = (0, 0, Instant::now() + PATIENCE);
        while renewals < 4 && self.origin.loads() == 1 {
            assert!(Instant::now() < until, "the lease was renewed {renewals} times");
            let left: i64 = redis::cmd("PTTL").arg(&leases[0]).query(&mut server).unwrap();
            renewals += usize::from(before > 0 && left > before);
            before = left;
            std::thread::yield_now();
        }
        self.origin.loads()
    }
}

#[cacheable(ttl = 60, key = "slow:{id}", tier = both, single_flight = fleet, skip(origin))]
fn slow(origin: &SlowOrigin, id: u64) -> usize {
    let _ = id;
    origin.load()
}

#[tokio::test]
async fn a_lease_is_renewed_while_the_load_blocks_the_only_thread_of_the_runtime() {
    let (server, prefix) = (Redis::start().await, prefix());
    let patient = || settings(&server.url(), &prefix).connect_timeout(PATIENCE);
    let (first, second) = (node_with(patient()).await, node_with(patient()).await);
    let origin = Arc::new(SlowOrigin {
        origin: Origin::default(),
        began: std::sync::Barrier::new(2),
        url: server.url(),
        leases: format!("{prefix}*:lease"),
    });
    let of_second = origin.clone();
    let waits = std::thread::spawn(move || {
        of_second.began.wait();
        with_cache_sync(&second, || slow(&of_second, 1))
    });
    assert_eq!(with_cache_sync(&first, || slow(&origin, 1)), 1);
    assert_eq!(tokio::task::spawn_blocking(|| waits.join().unwrap()).await.unwrap(), 1, "from the first process");
    assert_eq!((origin.origin.loads(), first.shared().unwrap().timeouts), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_functions_of_a_fleet_load_once() {
    let (server, prefix) = (Redis::start().await, prefix());
    let (_other, first) = beside(|| settings(&server.url(), &prefix)).await;
    let second = node_with(settings(&server.url(), &prefix)).await;
    let origin = Arc::new(Origin::default());
    for fast in [&first, &second] {
        blocks_on(fast, 0);
    }
    let calls = [first, second].map(|fast| {
        let origin = origin.clone();
        std::thread::spawn(move || {
            with_cache_sync(&fast, || {
                for id in 0..20 {
                    loads(&origin, id);
                }
            });
        })
    });
    for call in calls {
        tokio::task::spawn_blocking(|| call.join().unwrap()).await.unwrap();
    }
    assert_eq!(origin.loads(), 20);
}

#[tokio::test]
async fn a_server_that_dies_makes_plain_calls_no_error() {
    let (mut server, prefix) = (Redis::start().await, prefix());
    let (_other, fast) = beside(|| settings(&server.url(), &prefix)).await;
    blocks_on(&fast, 0);
    server.kill();
    with_cache_sync(&fast, || {
        until_blocking(|| reader(1) == "blocking 1");
        assert_eq!(reader(50), "blocking 50");
        assert_eq!(blocking(&1).invalidate_sync(), Reach::LocalOnly);
        assert_eq!(write(51, "written"), "written");
    });
    drop(fast);
}

fn until_blocking(holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "it never came to hold");
    }
}

#[tokio::test]
async fn a_plain_function_that_does_not_name_the_tier_stays_in_its_process() {
    let (server, prefix) = (Redis::start().await, prefix());
    let fast = node(&server.url(), &prefix).await;
    with_cache_sync(&fast, || assert_eq!((local(1), local(1)), (1, 1)));
    assert_eq!((fast.shared().unwrap().stores, fast.shared().unwrap().connects), (0, 1), "and has no connection more");
}

#[tokio::test]
async fn plain_functions_follow_sentinels_and_clusters() {
    let group = Sentinel::with(0, 1).await;
    let prefix = prefix();
    let sentinel = || {
        let settings = Settings::sentinel(group.urls(), group.master_name()).unwrap();
        settings.prefix(&prefix).command_timeout(PATIENCE).takeover(std::time::Duration::ZERO)
    };
    let (_other, fast) = beside(sentinel).await;
    blocks_on(&fast, 0);
    with_cache_sync(&fast, || assert_eq!(reader(1), "awaited 1"));

    let cluster = Cluster::start().await;
    let settings = || {
        let settings = Settings::cluster(cluster.urls()).unwrap();
        settings.prefix(&prefix).command_timeout(PATIENCE).takeover(std::time::Duration::ZERO)
    };
    let (_other, fast) = beside(settings).await;
    blocks_on(&fast, 0);
    with_cache_sync(&fast, || {
        for id in 1..20 {
            assert_eq!(reader(id), format!("awaited {id}"));
        }
        assert_eq!(many(&[1, 2]).len(), 2);
    });
}

#[tokio::test]
async fn calls_within_a_load_may_block_too() {
    static DEPTH: AtomicUsize = AtomicUsize::new(0);

    #[cacheable(ttl = 60, key = "outer:{id}", tier = both)]
    fn outer(id: u64) -> String {
        DEPTH.fetch_add(1, SeqCst);
        format!("outer of {}", reader(id))
    }

    let (server, prefix) = (Redis::start().await, prefix());
    let (_other, fast) = beside(|| settings(&server.url(), &prefix)).await;
    blocks_on(&fast, 0);
    with_cache_sync(&fast, || {
        assert_eq!(outer(1), "outer of awaited 1");
        assert_eq!(outer(1), "outer of awaited 1");
    });
    assert_eq!(DEPTH.load(SeqCst), 1);
}
