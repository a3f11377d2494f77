//! Commands that the shared tier sends to its server, counted by the server itself: an operation costs only the commands that it needs, and
//! the heartbeat's.
//!
//! Each test has a server of its own, because `INFO commandstats` counts for all of a server's clients.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use fastness::{Fastness, Reach, cache_invalidate, cache_put, cacheable, with_cache};
use fastness_tests::names::{named, reached, tagged};
use fastness_tests::servers::{PATIENCE, Redis, until};
use redis::aio::MultiplexedConnection;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const MINUTE: Duration = Duration::from_secs(60);

#[cacheable(ttl = 60, key = "far:{id}", tier = shared)]
async fn far(id: u64) -> Arc<u64> {
    Arc::new(id)
}

#[cacheable(ttl = 60, key = "far:{ids}", batch(ids), tier = shared)]
async fn all_far(ids: &[u64]) -> HashMap<u64, Arc<u64>> {
    ids.iter().map(|&id| (id, Arc::new(id))).collect()
}

#[cacheable(ttl = 60, key = "both:{id}", tags = ["all"])]
async fn both(id: u64) -> u64 {
    id
}

#[cache_invalidate("far:{id}")]
async fn change(id: u64) {
    let _ = id;
}

#[cache_put(key = "both:{id}", ttl = 60)]
async fn save(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn a_read_is_one_get_and_a_store_after_a_load_is_one_script() {
    let (server, node, mut counts) = server_and_node().await;
    for id in 0..50 {
        with_cache(&node, far(id)).await;
    }
    stored(&node, 50).await;
    assert_eq!(counts.take().await, calls([("get", 50), ("eval", 50), ("getrange", 50), ("set", 50)]), "cold");
    for id in 0..50 {
        with_cache(&node, far(id)).await;
    }
    assert_eq!(counts.take().await, calls([("get", 50)]), "warm");
    assert_eq!(node.stats().total.shared_hits, 50);
    drop(server);
}

#[tokio::test]
async fn a_local_hit_sends_no_command() {
    let (server, node, mut counts) = server_and_node().await;
    with_cache(&node, both(1)).await;
    stored(&node, 1).await;
    counts.take().await;
    for _ in 0..50 {
        with_cache(&node, both(1)).await;
    }
    assert_eq!(counts.take().await, calls([]));
    assert_eq!(node.stats().total.hits, 50);
    drop(server);
}

#[tokio::test]
async fn reads_at_once_are_a_few_mgets() {
    let (server, node, mut counts) = server_and_node().await;
    with_cache(&node, all_far(&(0..200).collect::<Vec<_>>())).await;
    stored(&node, 200).await;
    counts.take().await;
    let mut reads = JoinSet::new();
    for id in 0..200 {
        let node = node.clone();
        reads.spawn(async move { assert_eq!(*with_cache(&node, far(id)).await, id) });
    }
    reads.join_all().await;
    // The first ones find few under way; the scheduler decides how many of the others go together, up to 32.
    let counted = counts.take().await;
    assert_eq!(counted.get("get"), Some(&8));
    assert!((6..=20).contains(&counted["mget"]), "{counted:?}");
    assert_eq!(node.stats().total.shared_hits, 200);
    drop(server);
}

#[tokio::test]
async fn a_batch_is_one_mget() {
    let (server, node, mut counts) = server_and_node().await;
    let ids: Vec<u64> = (0..100).collect();
    with_cache(&node, all_far(&ids)).await;
    stored(&node, 100).await;
    assert_eq!(counts.take().await, calls([("mget", 1), ("eval", 100), ("getrange", 100), ("set", 100)]), "cold");
    with_cache(&node, all_far(&ids)).await;
    assert_eq!(counts.take().await, calls([("mget", 1)]), "warm");
    assert_eq!(node.stats().total.shared_hits, 100);
    drop(server);
}

#[tokio::test]
async fn every_invalidation_is_one_script() {
    let (server, node, mut counts) = server_and_node().await;
    // The script gets a flag: without it, no function that says `erase` has stored a value.
    let script = [("evalsha", 1), ("xrevrange", 1), ("xtrim", 1), ("xadd", 1), ("get", 1), ("publish", 1)];
    with_cache(&node, change(1)).await;
    assert_eq!(counts.take().await, calls(script), "a key, by an attribute");
    for id in 0..500 {
        with_cache(&node, far(id)).await;
    }
    stored(&node, 500).await;
    for pattern in ["far:1", "far:*"] {
        counts.take().await;
        assert_eq!(node.cache().invalidate(reached(pattern)).await, Reach::Announced);
        assert_eq!(counts.take().await, calls(script), "{pattern}, directly");
    }
    assert_eq!(node.cache().invalidate(tagged("all")).await, Reach::Announced);
    assert_eq!(counts.take().await, calls(script), "a tag, directly");
    drop(server);
}

#[tokio::test]
async fn no_command_searches_the_keys() {
    let (server, node, _) = server_and_node().await;
    let mut monitor = Monitor::start(&server).await;
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        tasks.spawn(busy(node.clone(), task));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let seen = monitor.names_until_now(&server).await;
    let allowed = ["GET", "MGET", "EVAL", "GETRANGE", "SET", "EVALSHA", "XREVRANGE", "XTRIM", "XADD", "PUBLISH"];
    assert_eq!(seen, allowed.map(str::to_owned).into());
}

/// Makes calls of every kind.
async fn busy(node: Fastness, task: u64) {
    let cache = node.cache();
    for round in 0..20 {
        let id = task * 3 + round % 5;
        with_cache(&node, far(id)).await;
        with_cache(&node, both(id)).await;
        with_cache(&node, all_far(&[id, id + 1, id + 2])).await;
        with_cache(&node, save(id)).await;
        with_cache(&node, change(id)).await;
        let key = format!("direct:{id}");
        cache.set(&named(&key), id, MINUTE).await;
        cache.get::<u64>(&named(&key)).await;
        cache.mget::<u64>(&[&key, "direct:none"].map(named)).await;
        cache.invalidate(reached("direct:*")).await;
        cache.invalidate(tagged("all")).await;
    }
}

/// A server, the only process of its fleet, and the server's counts, at zero.
async fn server_and_node() -> (Redis, Fastness, Counts) {
    let server = Redis::start().await;
    let settings = fastness::Redis::single(&server.url()).unwrap().command_timeout(PATIENCE);
    let node = Fastness::builder().redis(settings).build().unwrap();
    until("the node is connected", async || node.shared().unwrap().connected).await;
    let client = redis::Client::open(server.url()).unwrap();
    let mut counts = Counts(client.get_multiplexed_async_connection().await.unwrap());
    counts.take().await;
    (server, node, counts)
}

async fn stored(node: &Fastness, count: u64) {
    until("the values are stored", async || node.shared().unwrap().stores >= count).await;
}

/// Calls of each command, by its name in lower case.
type Calls = BTreeMap<String, u64>;

fn calls<const N: usize>(of: [(&str, u64); N]) -> Calls {
    of.map(|(name, count)| (name.to_owned(), count)).into()
}

/// Reads a server's own counts, over one connection that exists beforehand.
struct Counts(MultiplexedConnection);

impl Counts {
    /// The calls since the last `take`, without the heartbeat's `INFO` and `XINFO` and the commands of this connection.
    async fn take(&mut self) -> Calls {
        let mut pipe = redis::pipe();
        pipe.cmd("INFO").arg("commandstats").cmd("CONFIG").arg("RESETSTAT").ignore();
        let (info,): (String,) = pipe.query_async(&mut self.0).await.unwrap();
        let lines = info.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
        lines
            .map(|(name, rest)| (name.to_owned(), rest.split(',').next().unwrap().parse().unwrap()))
            .filter(|(name, _)| {
                !["info", "xinfo", "xinfo|stream", "config", "config|resetstat"].contains(&name.as_str())
            })
            .collect()
    }
}

/// A listener for every command that a server executes, those within scripts too.
struct Monitor(Lines<BufReader<TcpStream>>);

impl Monitor {
    async fn start(server: &Redis) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
        stream.write_all(b"MONITOR\r\n").await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), "+OK");
        Self(lines)
    }

    /// The names of all commands so far, except the heartbeat's and those of this connection.
    async fn names_until_now(&mut self, server: &Redis) -> BTreeSet<String> {
        const LAST: &str = "that was all";
        let mut names = BTreeSet::new();
        let read = async {
            // +1700000000.123456 [0 127.0.0.1:1234] "GET" "key"
            while let Some(line) = self.0.next_line().await.unwrap() {
                let name = line.split('"').nth(1).unwrap_or_else(|| panic!("no command: {line}")).to_uppercase();
                if name == "ECHO" && line.contains(LAST) {
                    return;
                }
                if !matches!(name.as_str(), "HELLO" | "CLIENT" | "INFO" | "XINFO") {
                    names.insert(name);
                }
            }
        };
        let ask = server.command::<String>(&["ECHO", LAST]);
        tokio::time::timeout(PATIENCE, async { tokio::join!(read, ask) }).await.expect("the server's own account");
        names
    }
}
