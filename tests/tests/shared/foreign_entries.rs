//! Foreign entries under the log's key, and foreign messages on its channel: the tier stays in use, and nothing stale is served.

use std::sync::Arc;
use std::time::Duration;

use fastness::{Fastness, Reach, Redis as Settings, cacheable, with_cache};
use fastness_tests::logged::Logged;
use fastness_tests::servers::{PATIENCE, Proxy, Redis, prefix, shared_redis, until};
use tracing::Level;

use crate::{MINUTE, Origin, connected};
use fastness_tests::names::reached;

#[cacheable(ttl = 60, key = "leaf:{id}", skip(origin))]
async fn leaf(origin: Arc<Origin>, id: u64) -> (u64, usize) {
    (id, origin.load())
}

/// A process that reads the log some eight times a second.
fn watchful(url: &str, prefix: &str) -> Fastness {
    with_max_stale(url, prefix, Duration::from_millis(400))
}

fn with_max_stale(url: &str, prefix: &str, max_stale: Duration) -> Fastness {
    let settings = Settings::single(url).unwrap().prefix(prefix).command_timeout(PATIENCE);
    Fastness::builder().redis(settings).max_stale(max_stale).build().unwrap()
}

/// Two processes of one prefix, each with the same value in memory.
struct Pair {
    server: &'static Redis,
    prefix: String,
    nodes: [Fastness; 2],
    origin: Arc<Origin>,
}

impl Pair {
    async fn new() -> Self {
        Self::with_max_stale(Duration::from_millis(400)).await
    }

    async fn with_max_stale(max_stale: Duration) -> Self {
        let (server, prefix, origin) = (shared_redis().await, prefix(), Arc::new(Origin::default()));
        let node = || with_max_stale(&server.url(), &prefix, max_stale);
        let nodes = [node(), node()];
        for node in &nodes {
            until("the node is coherent", async || {
                let stats = node.shared().unwrap();
                stats.connected && stats.coherent
            })
            .await;
            with_cache(node, leaf(origin.clone(), 7)).await;
        }
        Self { server, prefix, nodes, origin }
    }

    fn log(&self) -> String {
        format!("{}log", self.prefix)
    }

    async fn write(&self, command: &[&str]) {
        let log = self.log();
        let command: Vec<_> = command.iter().map(|word| if *word == "LOG" { log.as_str() } else { word }).collect();
        self.server.command::<redis::Value>(&command).await;
    }

    /// The life of the log, as text.
    async fn life(&self) -> String {
        let last: Vec<(String, Vec<Vec<u8>>)> =
            self.server.command(&["XREVRANGE", &self.log(), "+", "-", "COUNT", "1"]).await;
        String::from_utf8(last[0].1[1].clone()).unwrap()
    }

    /// Waits until each node has counted this many unreadable entries, and has loaded its value again because of them.
    async fn everything_was_stale(&self, entries: u64) {
        let version = self.origin.change();
        for node in &self.nodes {
            until("the entry is counted", async || {
                let stats = node.shared().unwrap();
                stats.unreadable_entries >= entries && stats.connected
            })
            .await;
            until("the value is loaded again", async || {
                with_cache(node, leaf(self.origin.clone(), 7)).await.1 == version
            })
            .await;
            assert_eq!(node.shared().unwrap().unreadable_entries, entries);
        }
        self.works().await;
    }

    /// Checks that invalidations reach the other node, and that other entries stay cached.
    async fn works(&self) {
        let [one, two] = &self.nodes;
        for node in &self.nodes {
            until("the node is coherent", async || node.shared().unwrap().coherent).await;
        }
        for (writer, reader) in [(one, two), (two, one)] {
            // A node that got no answer for too long, on a busy machine, has to load again.
            until("what an invalidation does not concern stays cached", async || {
                for node in &self.nodes {
                    with_cache(node, leaf(self.origin.clone(), 7)).await;
                }
                with_cache(reader, leaf(self.origin.clone(), 8)).await;
                let version = self.origin.change();
                // A node that is just joining the log anew announces later.
                let announced = writer.cache().invalidate(reached("leaf:8")).await == Reach::Announced;
                until("it gets to the other", async || {
                    with_cache(reader, leaf(self.origin.clone(), 8)).await.1 == version
                })
                .await;
                let loads = self.origin.loads();
                for node in &self.nodes {
                    with_cache(node, leaf(self.origin.clone(), 7)).await;
                }
                announced && self.origin.loads() == loads
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_foreign_entry_counts_as_everything_once() {
    let pair = Pair::new().await;
    pair.write(&["XADD", "LOG", "*", "a", "b"]).await;
    pair.everything_was_stale(1).await;
    // An unreadable entry that is read again does not count again.
    let late = watchful(&pair.server.url(), &pair.prefix);
    connected(&late).await;
    pair.works().await;
    assert!(pair.nodes.iter().all(|node| node.shared().unwrap().unreadable_entries == 1));
}

#[tokio::test]
async fn foreign_entries_are_passed_over_by_the_next_invalidation() {
    let pair = Pair::new().await;
    for field in ["l", "r", "other"] {
        pair.write(&["XADD", "LOG", "*", field, "x"]).await;
    }
    // Mostly without a heartbeat in between.
    pair.nodes[0].cache().invalidate(reached("leaf:8")).await;
    pair.everything_was_stale(3).await;
}

#[tokio::test]
async fn a_log_that_begins_with_foreign_entries_is_joined() {
    let (server, prefix) = (shared_redis().await, prefix());
    for _ in 0..3 {
        server.command::<String>(&["XADD", &format!("{prefix}log"), "*", "not", "ours"]).await;
    }
    let nodes = [watchful(&server.url(), &prefix), watchful(&server.url(), &prefix)];
    for node in &nodes {
        connected(node).await;
        assert_eq!(node.shared().unwrap().connect_errors, 0);
    }
    let pair = Pair { server, prefix, nodes, origin: Arc::default() };
    pair.works().await;
    let first: Vec<(String, Vec<String>)> = server.command(&["XRANGE", &pair.log(), "-", "+", "COUNT", "3"]).await;
    assert!(first.iter().all(|(_, fields)| fields == &["not", "ours"]), "nothing of it is deleted");
}

#[tokio::test]
async fn a_foreign_entry_in_what_a_process_missed_is_passed_over() {
    let pair = Pair::new().await;
    let proxy = Proxy::start(pair.server.port()).await;
    let far = watchful(&proxy.url(), &pair.prefix);
    connected(&far).await;
    with_cache(&far, leaf(pair.origin.clone(), 7)).await;
    proxy.cut();
    until("the link is lost", async || !far.shared().unwrap().connected).await;
    pair.write(&["XADD", "LOG", "*", "a", "b"]).await;
    pair.everything_was_stale(1).await;
    proxy.restore();
    connected(&far).await;
    let stats = far.shared().unwrap();
    assert_eq!(
        (stats.unreadable_entries, stats.resets),
        (1, 2),
        "the log that it joined, and the life behind the foreign entry"
    );
    let version = pair.origin.change();
    pair.nodes[0].cache().invalidate(reached("leaf:7")).await;
    until("it hears of others", async || with_cache(&far, leaf(pair.origin.clone(), 7)).await.1 == version).await;
}

#[tokio::test]
async fn an_entry_of_our_life_with_invalid_content_is_foreign() {
    let pair = Pair::new().await;
    pair.write(&["XADD", "LOG", "*", "l", "junk", "r", "junk"]).await;
    pair.everything_was_stale(1).await;
    // An entry of the log's life, with an invalid record.
    let life = pair.life().await;
    pair.write(&["XADD", "LOG", "*", "l", &life, "r", "junk"]).await;
    pair.everything_was_stale(2).await;
    // An entry of another life, which is the log's life from then on.
    let resets = pair.nodes.each_ref().map(|node| node.shared().unwrap().resets);
    pair.write(&["XADD", "LOG", "*", "l", "00000000000000ab", "r", ""]).await;
    for (node, before) in pair.nodes.iter().zip(resets) {
        until("the log began anew", async || node.shared().unwrap().resets > before).await;
    }
    pair.works().await;
}

/// An entry with the highest possible id could never be trimmed, and nothing could be appended after it.
#[tokio::test]
async fn an_entry_of_the_far_future_is_no_end_of_the_log() {
    for id in ["99999999999999-0", "18446744073709551615-18446744073709551615"] {
        let pair = Pair::new().await;
        pair.write(&["XADD", "LOG", id, "a", "b"]).await;
        for node in &pair.nodes {
            until("the log began anew", async || node.shared().unwrap().resets > 1).await;
        }
        pair.works().await;
        let last: Vec<(String, Vec<Vec<u8>>)> =
            pair.server.command(&["XREVRANGE", &pair.log(), "+", "-", "COUNT", "1"]).await;
        let millis: u128 = last[0].0.split_once('-').unwrap().0.parse().unwrap();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
        assert!(millis <= now, "{millis} is later than {now}");
    }
}

#[tokio::test]
async fn a_log_of_the_wrong_type_is_an_outage_with_its_reason() {
    let (logged, _guard) = Logged::listen(Level::WARN);
    let pair = Pair::new().await;
    pair.write(&["SET", "LOG", "x"]).await;
    assert_eq!(pair.nodes[0].cache().invalidate(reached("leaf:7")).await, Reach::LocalOnly);
    for node in &pair.nodes {
        until("it is an outage", async || !node.shared().unwrap().connected).await;
        with_cache(node, leaf(pair.origin.clone(), 7)).await;
    }
    let late = watchful(&pair.server.url(), &pair.prefix);
    until("it was tried", async || late.shared().unwrap().connect_errors > 0).await;
    until("it is named", async || logged.with("is not a stream").len() == 3).await;
    assert_eq!(pair.server.command::<String>(&["GET", &pair.log()]).await, "x", "it is left alone");
    pair.write(&["DEL", "LOG"]).await;
    for node in pair.nodes.iter().chain([&late]) {
        until("the tier is back", async || node.shared().unwrap().coherent).await;
    }
    pair.works().await;
}

#[tokio::test]
async fn a_foreign_message_invalidates_nothing() {
    let pair = Pair::new().await;
    let before = pair.nodes.each_ref().map(|node| node.shared().unwrap());
    let token = "0000000000000000";
    for message in ["hello", "", "0f 5-1 4-0", &format!("00000000000000ab 99999999999999-0 0-0 {token} ")] {
        pair.write(&["PUBLISH", "LOG", message]).await;
    }
    pair.works().await;
    for (node, before) in pair.nodes.iter().zip(before) {
        let after = node.shared().unwrap();
        assert_eq!((after.resets, after.connects), (before.resets, before.connects));
    }
    // A message of the log's life that is not in the log: nodes obey it until they read the log.
    let life = pair.life().await;
    pair.write(&["PUBLISH", "LOG", &format!("{life} 99999999999999-0 0-0 {token} junk")]).await;
    for node in &pair.nodes {
        until("the log was read again", async || node.shared().unwrap().resets > 1).await;
    }
    pair.works().await;
}

#[tokio::test]
async fn a_foreign_entry_is_logged_once() {
    let (logged, _guard) = Logged::listen(Level::WARN);
    let pair = Pair::new().await;
    for entries in 1..=2 {
        pair.write(&["XADD", "LOG", "*", "a", "b"]).await;
        pair.everything_was_stale(entries).await;
    }
    assert_eq!(logged.with("an entry of the log cannot be read").len(), 2, "once for each process");
    assert_eq!(logged.with(&pair.log()).len(), 2, "the warning names the log");
}

/// Two applications that differ in the number of the database alone.
#[tokio::test]
async fn two_databases_with_one_prefix_do_not_affect_each_other() {
    let (server, prefix) = (shared_redis().await, prefix());
    let [here, there] = [0, 1].map(|database| format!("{}/{database}", server.url()));
    let nodes = [with_max_stale(&here, &prefix, MINUTE), with_max_stale(&there, &prefix, MINUTE)];
    let origins = [Arc::new(Origin::default()), Arc::new(Origin::default())];
    for (node, origin) in nodes.iter().zip(&origins) {
        connected(node).await;
        for id in 0..20 {
            with_cache(node, leaf(origin.clone(), id)).await;
        }
    }
    for n in 0..20 {
        for (node, other) in [(0, 1), (1, 0)] {
            let invalidated = nodes[node].cache().invalidate(reached(format!("leaf:{n}"))).await;
            assert_eq!(invalidated, Reach::Announced);
            let before = origins[other].loads();
            for id in 0..20 {
                with_cache(&nodes[other], leaf(origins[other].clone(), id)).await;
            }
            assert_eq!(origins[other].loads(), before, "leaf:{n} in the other database");
            with_cache(&nodes[node], leaf(origins[node].clone(), n)).await;
        }
    }
    for node in &nodes {
        let stats = node.shared().unwrap();
        assert_eq!((stats.resets, stats.connects, stats.announced), (1, 1, 20));
    }
}

/// A message of record format 1 does not name its database.
#[tokio::test]
async fn a_message_without_its_database_is_looked_up() {
    let pair = Pair::with_max_stale(MINUTE).await;
    let loads = pair.origin.loads();
    for n in 1..=20 {
        let message = format!("00000000000000cd {n}-1 {n}-0 00000000000000ff ");
        pair.write(&["PUBLISH", "LOG", &message]).await;
        with_cache(&pair.nodes[0], leaf(pair.origin.clone(), 7)).await;
    }
    assert_eq!(pair.origin.loads(), loads, "nothing in memory is stale for it");
    pair.works().await;
    assert!(pair.nodes.iter().all(|node| node.shared().unwrap().resets == 1));
}
