//! A log that is lost, or changed by another program, while processes are connected: each process notices this without another
//! invalidation, counts it in `resets`, and serves no older value.

use std::sync::Arc;
use std::time::Duration;

use fastness::{Fastness, Reach, Redis as Settings, cacheable, with_cache};
use fastness_tests::servers::{PATIENCE, Redis, prefix, until};

use crate::{Origin, connected};
use fastness_tests::names::reached;

#[cacheable(ttl = 60, key = "root:{id}", skip(origin))]
async fn root(origin: Arc<Origin>, id: u64) -> (u64, usize) {
    (id, origin.load())
}

struct Fleet {
    server: Redis,
    log: String,
    nodes: [Fastness; 2],
    origin: Arc<Origin>,
}

impl Fleet {
    async fn start() -> Self {
        let (server, prefix, origin) = (Redis::start().await, prefix(), Arc::new(Origin::default()));
        let node = async || {
            let settings = Settings::single(&server.url()).unwrap().prefix(&prefix).command_timeout(PATIENCE);
            let fast = Fastness::builder().redis(settings).max_stale(Duration::from_millis(400)).build().unwrap();
            connected(&fast).await;
            fast
        };
        let nodes = [node().await, node().await];
        nodes[0].cache().invalidate(reached("root:1")).await;
        for node in &nodes {
            with_cache(node, root(origin.clone(), 7)).await;
        }
        Self { log: format!("{prefix}log"), server, nodes, origin }
    }

    async fn command(&self, command: &[&str]) {
        self.server.command::<redis::Value>(command).await;
    }

    /// Checks that every process notices the loss, and that invalidations reach all of them again.
    async fn notices(&self, what: &str) {
        let version = self.origin.change();
        for node in &self.nodes {
            until(what, async || node.shared().unwrap().resets > 1).await;
            until("nothing older is served", async || {
                with_cache(node, root(self.origin.clone(), 7)).await.1 == version
            })
            .await;
            until("the node is coherent", async || node.shared().unwrap().coherent).await;
        }
        let [one, two] = &self.nodes;
        for (writer, reader) in [(one, two), (two, one)] {
            let version = self.origin.change();
            // A node that is just joining the log anew announces later.
            until(what, async || writer.cache().invalidate(reached("root:7")).await == Reach::Announced).await;
            until("it gets to the other", async || with_cache(reader, root(self.origin.clone(), 7)).await.1 == version)
                .await;
        }
    }
}

#[tokio::test]
async fn a_log_that_is_deleted_is_noticed() {
    let fleet = Fleet::start().await;
    fleet.command(&["DEL", &fleet.log]).await;
    fleet.notices("DEL").await;
}

#[tokio::test]
async fn a_log_that_is_trimmed_to_nothing_is_noticed() {
    let fleet = Fleet::start().await;
    fleet.command(&["XTRIM", &fleet.log, "MAXLEN", "0"]).await;
    fleet.notices("XTRIM").await;
}

#[tokio::test]
async fn a_server_that_is_flushed_is_noticed() {
    for command in ["FLUSHALL", "FLUSHDB"] {
        let fleet = Fleet::start().await;
        fleet.command(&[command]).await;
        fleet.notices(command).await;
    }
}

#[tokio::test]
async fn a_log_that_is_renamed_or_moved_is_noticed() {
    let fleet = Fleet::start().await;
    fleet.command(&["RENAME", &fleet.log, "elsewhere"]).await;
    fleet.notices("RENAME").await;
    let fleet = Fleet::start().await;
    fleet.command(&["MOVE", &fleet.log, "1"]).await;
    fleet.notices("MOVE").await;
    let fleet = Fleet::start().await;
    fleet.command(&["SWAPDB", "0", "1"]).await;
    fleet.notices("SWAPDB").await;
}

#[tokio::test]
async fn a_log_that_expires_is_noticed() {
    let fleet = Fleet::start().await;
    fleet.command(&["PEXPIRE", &fleet.log, "1"]).await;
    fleet.notices("PEXPIRE").await;
}

#[tokio::test]
async fn a_log_that_is_evicted_is_noticed() {
    let fleet = Fleet::start().await;
    fleet.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]).await;
    fleet.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    until("it is evicted", async || fleet.server.command::<u8>(&["EXISTS", &fleet.log]).await == 0).await;
    fleet.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    fleet.notices("eviction").await;
}

#[tokio::test]
async fn a_last_entry_that_is_removed_is_noticed() {
    let fleet = Fleet::start().await;
    let last: Vec<(String, Vec<Vec<u8>>)> =
        fleet.server.command(&["XREVRANGE", &fleet.log, "+", "-", "COUNT", "1"]).await;
    fleet.command(&["XDEL", &fleet.log, &last[0].0]).await;
    fleet.notices("XDEL").await;
}

#[tokio::test]
async fn a_log_in_place_of_which_an_older_copy_was_put_is_noticed() {
    let fleet = Fleet::start().await;
    fleet.command(&["COPY", &fleet.log, "copy"]).await;
    fleet.nodes[0].cache().invalidate(reached("root:2")).await;
    fleet.command(&["RENAME", "copy", &fleet.log]).await;
    fleet.notices("RENAME of a copy").await;
}

/// An invalidation is the first call that finds the log lost.
#[tokio::test]
async fn an_invalidation_into_a_log_that_was_just_lost_counts() {
    let fleet = Fleet::start().await;
    fleet.command(&["DEL", &fleet.log]).await;
    let version = fleet.origin.change();
    fleet.nodes[0].cache().invalidate(reached("root:7")).await;
    assert_eq!(with_cache(&fleet.nodes[0], root(fleet.origin.clone(), 7)).await.1, version);
    fleet.notices("DEL").await;
}
