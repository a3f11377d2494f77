//! Faults of servers and networks: in each case the caller gets the body's own result.

use std::sync::Arc;
use std::time::Duration;

use fastness::{Fastness, Reach, Redis as Settings, cache_put, cacheable, with_cache};
use fastness_tests::servers::{Cluster, Proxy, Redis, prefix, until};
use tokio::time::Instant;

use crate::{Origin, are_stored, connected, node, node_with, stored};
use fastness_tests::names::reached;

#[cacheable(ttl = 60, key = "thing:{id}", skip(origin))]
async fn thing(origin: Arc<Origin>, id: u64) -> (u64, usize) {
    (id, origin.load())
}

/// A node whose commands have the default time limit.
async fn hasty(url: &str, prefix: &str) -> Fastness {
    node_with(Settings::single(url).unwrap().prefix(prefix)).await
}

fn built(settings: Settings) -> Fastness {
    Fastness::builder().redis(settings).build().unwrap()
}

/// Checks that another node finds a stored value.
pub(crate) async fn works(fast: &Fastness, url: &str, prefix: &str) {
    let other = node(url, prefix).await;
    until("a value gets from one node to another", async || {
        let (origin, id) = (Arc::new(Origin::default()), fastrand::u64(..));
        let before = fast.shared().unwrap().stores;
        with_cache(fast, thing(origin.clone(), id)).await;
        let stored = are_stored(fast, before + 1).await;
        with_cache(&other, thing(origin.clone(), id)).await;
        stored && origin.loads() == 1
    })
    .await;
}

/// Checks that calls are answered, and that the tier stores no value.
async fn works_alone(fast: &Fastness) {
    let origin = Arc::new(Origin::default());
    assert_eq!(with_cache(fast, thing(origin.clone(), 7)).await, (7, 0));
    assert_eq!(with_cache(fast, thing(origin.clone(), 7)).await, (7, 0));
    assert_eq!(origin.loads(), 1, "from memory");
    assert_eq!(fast.shared().unwrap().stores, 0);
}

#[tokio::test]
async fn an_absent_server_is_used_once_it_starts() {
    let (mut server, prefix) = (Redis::start().await, prefix());
    server.kill();
    let fast = built(Settings::single(&server.url()).unwrap().prefix(&prefix));
    works_alone(&fast).await;
    until("it was tried", async || fast.shared().unwrap().connect_errors > 1).await;
    assert!(!fast.shared().unwrap().connected);
    assert_eq!(fast.cache().invalidate(reached("thing:*")).await, Reach::LocalOnly);
    assert_eq!(fast.shared().unwrap().in_doubt, 1);

    server.restart().await;
    connected(&fast).await;
    works(&fast, &server.url(), &prefix).await;
    until("what was in doubt is announced", async || fast.shared().unwrap().in_doubt == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_server_delays_its_callers_once() {
    let (server, prefix) = (Redis::start().await, prefix());
    let fast = hasty(&server.url(), &prefix).await;
    let callers = async |first: u64| {
        let calls = (first..first + 64).map(|id| {
            let (fast, origin) = (fast.clone(), Arc::new(Origin::default()));
            tokio::spawn(async move {
                let began = Instant::now();
                assert_eq!(with_cache(&fast, thing(origin, id)).await, (id, 0));
                began.elapsed()
            })
        });
        let mut slowest = Duration::ZERO;
        for call in calls.collect::<Vec<_>>() {
            slowest = slowest.max(call.await.unwrap());
        }
        slowest
    };
    let mut first = 0;
    until("all calls of one round have used the server", async || {
        first += 64;
        let stores = fast.shared().unwrap().stores;
        callers(first).await;
        are_stored(&fast, stores + 64).await
    })
    .await;

    server.pause();
    let earlier = fast.shared().unwrap();
    let before = callers(1_000_000).await;
    let timeouts = fast.shared().unwrap().timeouts - earlier.timeouts;
    assert!((1..=64).contains(&timeouts), "{timeouts} of 64 calls");
    let after = callers(2_000_000).await;
    let stats = fast.shared().unwrap();
    let (late, skipped) = (stats.timeouts - earlier.timeouts - timeouts, stats.skipped - earlier.skipped);
    assert_eq!((late, skipped >= 64), (0, true), "no caller waits any more");
    println!("stopped under 64 callers: slowest {before:?} before the link was suspended, {after:?} after");

    server.resume();
    works(&fast, &server.url(), &prefix).await;
}

#[tokio::test]
async fn a_reply_that_ends_half_way_is_no_reply() {
    let (server, prefix) = (Redis::start().await, prefix());
    let proxy = Proxy::start(server.port()).await;
    let (near, far) = (node(&server.url(), &prefix).await, node(&proxy.url(), &prefix).await);
    let origin = Arc::new(Origin::default());
    for id in 0..20 {
        with_cache(&near, thing(origin.clone(), id)).await;
    }
    stored(&near, 20).await;
    for id in 0..20 {
        proxy.cut_after(20 + usize::try_from(id).unwrap() * 5);
        assert_eq!(with_cache(&far, thing(origin.clone(), id)).await.0, id);
        proxy.restore();
        connected(&far).await;
    }
    assert!(far.shared().unwrap().errors > 0);
    works(&far, &server.url(), &prefix).await;
}

#[tokio::test]
async fn a_replica_is_not_used() {
    let master = Redis::start().await;
    let replica = Redis::with(&["--replicaof", "127.0.0.1", &master.port().to_string()]).await;
    let fast = built(Settings::single(&replica.url()).unwrap().takeover(Duration::from_millis(50)));
    until("it was tried", async || fast.shared().unwrap().connect_errors > 1).await;
    works_alone(&fast).await;
    // The replica becomes the master.
    replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    connected(&fast).await;
    // It becomes a replica again, while it is in use.
    replica.command::<()>(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]).await;
    until("the link is given up", async || !fast.shared().unwrap().connected).await;
}

#[tokio::test]
async fn a_server_that_is_loading_is_waited_for_in_the_background() {
    let dir = std::env::temp_dir().join(format!("fastness-loading-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    // A server that loads its data answers once for each 2 MiB that it has read.
    let arguments = ["--dir", dir.to_str().unwrap(), "--rdbcompression", "no", "--key-load-delay", "0"];
    let mut server = Redis::with(&arguments).await;
    server.command::<()>(&["EVAL", "for i = 1, 20000 do redis.call('SET', i, string.rep('x', 1000)) end", "0"]).await;
    server.command::<()>(&["SAVE"]).await;
    server.kill();
    let slow = arguments.map(|argument| if argument == "0" { "50" } else { argument });
    let server = Redis::with(&slow).await;
    let fast = built(Settings::single(&server.url()).unwrap());
    until("it was tried", async || fast.shared().unwrap().connect_errors > 0).await;
    works_alone(&fast).await;
    connected(&fast).await;
    std::fs::remove_dir_all(&dir).unwrap();
}

/// Servers that have no room, with `noeviction`: one is full of values, the other of its log.
async fn fill([by_values, by_its_log]: &[Redis; 2]) {
    by_values.command::<()>(&["CONFIG", "SET", "maxmemory", "3mb"]).await;
    let filler = "x".repeat(10_000);
    for n in 0.. {
        if by_values.ask::<()>(&["SET", &format!("filler:{n}"), &filler]).await.is_err() {
            break;
        }
    }
    // The memory of connections must not make room.
    by_values.command::<()>(&["CONFIG", "SET", "maxmemory", "2mb"]).await;
    by_its_log.command::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await;
}

#[cache_put(ttl = 60, key = "thing:{id}")]
async fn put_thing(origin: &Arc<Origin>, id: u64) -> (u64, usize) {
    (id, origin.change())
}

#[tokio::test]
async fn a_full_server_stores_nothing_and_accepts_invalidations() {
    let (servers, prefix) = ([Redis::start().await, Redis::start().await], prefix());
    let mut pairs = Vec::new();
    for server in &servers {
        // Redis 8.6 refuses SUBSCRIBE while it is full, so they are connected before.
        pairs.push((node(&server.url(), &prefix).await, node(&server.url(), &prefix).await));
    }
    fill(&servers).await;
    for (server, (one, two)) in servers.iter().zip(pairs) {
        works_alone(&one).await;
        until("the value is refused", async || one.shared().unwrap().errors > 0).await;
        let origin = Arc::new(Origin::default());
        for id in 8..10 {
            with_cache(&two, thing(origin.clone(), id)).await;
        }
        let version = origin.change();
        assert_eq!(one.cache().invalidate(reached("thing:8")).await, Reach::Announced);
        until("the other hears of it", async || with_cache(&two, thing(origin.clone(), 8)).await == (8, version)).await;
        let announced = one.shared().unwrap().announced;
        let put = with_cache(&one, put_thing(&origin, 9)).await;
        until("the other hears of it", async || with_cache(&two, thing(origin.clone(), 9)).await == put).await;
        assert_eq!(one.shared().unwrap().announced, announced + 1);
        let loads = origin.loads();
        assert_eq!(with_cache(&one, thing(origin.clone(), 9)).await, put);
        assert_eq!(origin.loads(), loads, "the new value is in memory");
        server.command::<()>(&["DEL", &format!("{prefix}log")]).await;
        assert_eq!(one.cache().invalidate(reached("thing:*")).await, Reach::Announced);
        assert_eq!(one.shared().unwrap().local_only, 0);
    }
}

#[tokio::test]
async fn a_node_of_a_cluster_is_no_single_server() {
    let cluster = Cluster::start().await;
    let fast = built(Settings::single(&cluster.urls()[0]).unwrap().prefix(prefix()));
    // The node may have the slot of the log or not; values of other slots are not stored either way.
    for id in 0..50 {
        let origin = Arc::new(Origin::default());
        assert_eq!(with_cache(&fast, thing(origin, id)).await, (id, 0));
    }
}

#[tokio::test]
async fn a_wrong_password_counts_as_an_outage() {
    let server = Redis::with(&["--requirepass", "right"]).await;
    let url = |password| format!("redis://:{password}@127.0.0.1:{}", server.port());
    let fast = built(Settings::single(&url("wrong")).unwrap());
    until("it was tried", async || fast.shared().unwrap().connect_errors > 0).await;
    works_alone(&fast).await;
    let prefix = prefix();
    works(&node(&url("right"), &prefix).await, &url("right"), &prefix).await;
}

#[tokio::test]
async fn an_unanswered_invalidation_counts_in_its_process_and_reaches_others_later() {
    let (server, prefix) = (Redis::start().await, prefix());
    let proxy = Proxy::start(server.port()).await;
    let (one, two) = (hasty(&proxy.url(), &prefix).await, node(&server.url(), &prefix).await);
    let origin = Arc::new(Origin::default());
    with_cache(&two, thing(origin.clone(), 7)).await;
    with_cache(&one, thing(origin.clone(), 7)).await;

    proxy.silence();
    origin.change();
    assert_eq!(one.cache().invalidate(reached("thing:7")).await, Reach::LocalOnly);
    assert_eq!(with_cache(&one, thing(origin.clone(), 7)).await, (7, 1), "the invalidation counts here at once");
    assert_eq!(with_cache(&two, thing(origin.clone(), 7)).await, (7, 0), "no other node has the invalidation");
    let stats = one.shared().unwrap();
    assert_eq!((stats.in_doubt, stats.coherent), (1, false));

    proxy.restore();
    until("the others know", async || with_cache(&two, thing(origin.clone(), 7)).await == (7, 1)).await;
    until("nothing is in doubt", async || one.shared().unwrap().coherent).await;
}

#[tokio::test]
async fn a_dropped_invalidation_is_still_made() {
    let (server, prefix) = (Redis::start().await, prefix());
    // This node should answer a read while the server is paused.
    let impatient = Settings::single(&server.url()).unwrap().prefix(&prefix).command_timeout(Duration::from_secs(1));
    let (one, two) = (node_with(impatient).await, node(&server.url(), &prefix).await);
    let origin = Arc::new(Origin::default());
    for node in [&one, &two] {
        with_cache(node, thing(origin.clone(), 7)).await;
    }
    server.pause();
    origin.change();
    let cache = one.cache();
    {
        let mut invalidation = Box::pin(cache.invalidate(reached("thing:7")));
        let first = is_pending(&mut invalidation).await;
        assert!(first, "it waits for the server");
        // Dropped here.
    }
    assert_eq!(with_cache(&one, thing(origin.clone(), 7)).await, (7, 1), "the invalidation counts here at once");
    server.resume();
    until("the others know", async || with_cache(&two, thing(origin.clone(), 7)).await == (7, 1)).await;
}

/// Polls once; true if it is not ready.
async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())).await
}

#[tokio::test]
async fn a_node_without_answers_serves_no_old_value() {
    let (server, prefix) = (Redis::start().await, prefix());
    let proxy = Proxy::start(server.port()).await;
    let one = node(&server.url(), &prefix).await;
    let settings = Settings::single(&proxy.url()).unwrap().prefix(&prefix);
    let two = Fastness::builder().redis(settings).max_stale(Duration::from_millis(500)).build().unwrap();
    connected(&two).await;
    let origin = Arc::new(Origin::default());
    with_cache(&two, thing(origin.clone(), 7)).await;
    proxy.silence();
    origin.change();
    assert_eq!(one.cache().invalidate(reached("thing:7")).await, Reach::Announced);
    until("what is older than the bound is not served", async || {
        with_cache(&two, thing(origin.clone(), 7)).await == (7, 1)
    })
    .await;
    assert!(!two.shared().unwrap().coherent);
    proxy.restore();
    until("the node is coherent", async || two.shared().unwrap().coherent).await;
    works(&two, &server.url(), &prefix).await;
}

#[tokio::test]
async fn a_log_that_was_lost_begins_anew_and_everything_is_stale() {
    let (server, prefix) = (Redis::start().await, prefix());
    let (one, two) = (node(&server.url(), &prefix).await, node(&server.url(), &prefix).await);
    let origin = Arc::new(Origin::default());
    for node in [&one, &two] {
        with_cache(node, thing(origin.clone(), 7)).await;
    }
    server.command::<()>(&["FLUSHALL"]).await;
    origin.change();
    assert_eq!(one.cache().invalidate(reached("other:1")).await, Reach::Announced);
    until("the other has noticed", async || with_cache(&two, thing(origin.clone(), 7)).await == (7, 1)).await;
    works(&two, &server.url(), &prefix).await;
}

#[tokio::test]
async fn a_restarted_server_counts_as_another_one() {
    let (mut server, prefix) = (Redis::start().await, prefix());
    let (one, two) = (node(&server.url(), &prefix).await, node(&server.url(), &prefix).await);
    let origin = Arc::new(Origin::default());
    for node in [&one, &two] {
        with_cache(node, thing(origin.clone(), 7)).await;
    }
    server.restart().await;
    origin.change();
    for node in [&one, &two] {
        until("what was cached before is stale", async || with_cache(node, thing(origin.clone(), 7)).await == (7, 1))
            .await;
    }
    works(&two, &server.url(), &prefix).await;
}

#[tokio::test]
async fn a_log_that_was_trimmed_too_far_is_noticed() {
    let (server, prefix) = (Redis::start().await, prefix());
    let proxy = Proxy::start(server.port()).await;
    let (one, two) = (node(&server.url(), &prefix).await, node(&proxy.url(), &prefix).await);
    let origin = Arc::new(Origin::default());
    with_cache(&two, thing(origin.clone(), 7)).await;
    let resets = two.shared().unwrap().resets;
    proxy.cut();
    origin.change();
    one.cache().invalidate(reached("thing:7")).await;
    one.cache().invalidate(reached("other:1")).await;
    server.command::<()>(&["XTRIM", &format!("{prefix}log"), "MAXLEN", "1"]).await;
    proxy.restore();
    until("the gap is noticed", async || two.shared().unwrap().resets > resets).await;
    assert_eq!(with_cache(&two, thing(origin.clone(), 7)).await, (7, 1));
}
