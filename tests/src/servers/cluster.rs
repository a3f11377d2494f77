//! A Redis Cluster of three masters with a replica each.

use std::process::Command;

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
