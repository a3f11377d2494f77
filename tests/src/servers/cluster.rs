//! A Redis Cluster of three masters with a replica each.

use std::process::Command;

use redis::RedisResult;

use super::{Redis, binary, until};

/// Six nodes.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Redis>,
}

impl Cluster {
    /// Starts the nodes, joins them, and waits until each reports a healthy cluster and the replicas are linked.
    pub async fn start() -> Self {
        let mut nodes = Vec::new();
        while nodes.len() < 6 {
            let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
            nodes.push(Redis::with(&options).await);
        }
        let addresses: Vec<_> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        let made = Command::new(binary("redis-cli"))
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .expect("redis-cli");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        let cluster = Self { nodes };
        cluster.is_well().await;
        cluster
    }

    /// The addresses of all nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// The nodes.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// Kills the master that serves a key, and waits until another serves it.
    pub async fn kill_master_of(&mut self, key: &str) {
        let old = self.master_of(key).await.expect("a master");
        for node in &mut self.nodes {
            if node.port() == old {
                node.kill();
            }
        }
        until("a replica takes over", async || self.master_of(key).await.is_some_and(|port| port != old)).await;
    }

    /// The port of the node that serves this key.
    pub async fn master_of(&self, key: &str) -> Option<u16> {
        for node in self.nodes.iter().filter(|node| node.is_running()) {
            if node.ask::<u8>(&["EXISTS", key]).await.is_ok() {
                let role: Vec<redis::Value> = node.command(&["ROLE"]).await;
                let master = role.first().is_some_and(|role| *role == redis::Value::BulkString(b"master".to_vec()));
                if master {
                    return Some(node.port());
                }
            }
        }
        None
    }

    /// The slot of this key.
    pub async fn slot_of(&self, key: &str) -> u16 {
        self.nodes[0].command(&["CLUSTER", "KEYSLOT", key]).await
    }

    /// The port of each master, with the slots that it serves.
    pub async fn slots(&self) -> Vec<(u16, Vec<u16>)> {
        let mut masters = Vec::new();
        for node in &self.nodes {
            let lines: String = node.command(&["CLUSTER", "NODES"]).await;
            let own = lines.lines().find(|line| line.contains("myself,master"));
            let Some(ranges) = own.map(|line| line.split(' ').skip(8)) else { continue };
            let number = |text: &str| text.parse::<u16>().expect("a slot");
            let slots = ranges.flat_map(|range| match range.split_once('-') {
                Some((first, last)) => (number(first)..=number(last)).collect(),
                None => vec![number(range)],
            });
            masters.push((node.port(), slots.collect()));
        }
        masters
    }

    /// Moves a slot, with all that lies in it, between the masters at these ports.
    ///
    /// # Errors
    ///
    /// Fails with the error of the first step that a node refuses.
    pub async fn move_slot(&self, slot: u16, from: u16, to: u16) -> RedisResult<()> {
        let node = |port| self.nodes.iter().find(|node| node.port() == port).expect("a node of the cluster");
        let (source, target, slot) = (node(from), node(to), slot.to_string());
        let source_id: String = source.ask(&["CLUSTER", "MYID"]).await?;
        let target_id: String = target.ask(&["CLUSTER", "MYID"]).await?;
        target.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source_id]).await?;
        source.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target_id]).await?;
        loop {
            let keys: Vec<String> = source.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]).await?;
            if keys.is_empty() {
                break;
            }
            let port = to.to_string();
            let command = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            source.ask::<()>(&command.into_iter().chain(keys.iter().map(String::as_str)).collect::<Vec<_>>()).await?;
        }
        // The new owner first, so that no moment is without one.
        target.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &target_id]).await?;
        source.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &target_id]).await
    }

    async fn is_well(&self) {
        for node in &self.nodes {
            until("the cluster is well", async || {
                let state: String = node.command(&["CLUSTER", "INFO"]).await;
                let replication: String = node.command(&["INFO", "replication"]).await;
                let linked =
                    replication.contains("master_link_status:up") || replication.contains("connected_slaves:1");
                state.contains("cluster_state:ok") && linked
            })
            .await;
        }
    }
}
