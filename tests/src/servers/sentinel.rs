//! A master, two replicas, and three Sentinels that watch them.

use std::fs;
use std::path::PathBuf;

use super::process::Process;
use super::{Redis, binary, free_port, until};

/// The name under which the Sentinels know the master.
const MASTER: &str = "mymaster";
/// The password of a node that is hidden from the Sentinels.
const PASSWORD: &str = "unknown-to-sentinels";

/// A group that survives the loss of its master.
#[derive(Debug)]
pub struct Sentinel {
    nodes: Vec<Redis>,
    sentinels: Vec<(u16, Process)>,
}

impl Sentinel {
    /// Starts all six servers, and waits until each knows all others.
    pub async fn start() -> Self {
        Self::with(2, 3).await
    }

    /// Starts a group with this many replicas and Sentinels.
    pub async fn with(replicas: usize, sentinels: usize) -> Self {
        let master = Redis::start().await;
        let port = master.port().to_string();
        let mut nodes = vec![master];
        for _ in 0..replicas {
            nodes.push(Redis::with(&["--replicaof", "127.0.0.1", &port]).await);
        }
        let sentinels = (0..sentinels).map(|_| start_sentinel(&port, sentinels / 2 + 1)).collect();
        let group = Self { nodes, sentinels };
        group.settled(replicas).await;
        group
    }

    /// The master's name.
    pub fn master_name(&self) -> &'static str {
        MASTER
    }

    /// The addresses of the Sentinels.
    pub fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(|(port, _)| format!("redis://127.0.0.1:{port}")).collect()
    }

    /// Kills the master, and waits until the Sentinels name another that takes writes.
    pub async fn kill_master(&mut self) {
        let old = self.master_port().await.expect("a master");
        for node in &mut self.nodes {
            if node.port() == old {
                node.kill();
            }
        }
        until("the Sentinels name another master", async || {
            let Some(port) = self.master_port().await.filter(|port| *port != old) else { return false };
            let node = self.nodes.iter().find(|node| node.port() == port).expect("one of ours");
            node.ask::<()>(&["SET", "taken", "1"]).await.is_ok()
        })
        .await;
    }

    /// Lets a replica take over while the master is well, and waits until all Sentinels name the replica. Returns the port of the
    /// former master, which goes on taking writes: the Sentinels make it a replica 8 s later at the earliest.
    pub async fn plan_failover(&self) -> u16 {
        let old = self.master_port().await.expect("a master");
        self.tell(0, &["FAILOVER", MASTER]).await;
        for index in 0..self.sentinels.len() {
            until("the Sentinel names another master", async || {
                self.named_by(index).await.is_some_and(|port| port != old)
            })
            .await;
        }
        old
    }

    /// Makes the last Sentinel watch another master under the same name, and the other Sentinels forget it.
    pub async fn lose_one_to(&self, master: &Redis) {
        let port = master.port().to_string();
        let last = self.sentinels.len() - 1;
        self.tell(last, &["REMOVE", MASTER]).await;
        for index in 0..last {
            self.tell(index, &["RESET", MASTER]).await;
        }
        self.tell(last, &["MONITOR", MASTER, "127.0.0.1", &port, "1"]).await;
    }

    async fn tell(&self, index: usize, arguments: &[&str]) {
        let mut sentinel = self.connection(index).await.expect("a Sentinel");
        let mut command = redis::cmd("SENTINEL");
        command.arg(arguments).query_async::<()>(&mut sentinel).await.expect("a Sentinel that obeys");
    }

    /// Hides a node from the Sentinels behind a password that they do not know, so that they cannot demote it. Other open connections stay.
    pub async fn keep_sentinels_out(&self, port: u16) {
        let clients: String = self.node(port).command(&["CLIENT", "LIST"]).await;
        self.node(port).command::<()>(&["CONFIG", "SET", "requirepass", PASSWORD]).await;
        for client in clients.lines().filter(|client| client.contains(" name=sentinel-")) {
            let id = client.split_once(' ').and_then(|(id, _)| id.strip_prefix("id=")).expect("an id");
            ask_with_password::<u64>(port, &["CLIENT", "KILL", "ID", id]).await;
        }
    }

    /// Returns whether a node that is hidden from the Sentinels is a master.
    pub async fn is_master_still(&self, port: u16) -> bool {
        ask_with_password::<String>(port, &["INFO", "replication"]).await.contains("role:master")
    }

    /// The node with this port.
    pub fn node(&self, port: u16) -> &Redis {
        self.nodes.iter().find(|node| node.port() == port).expect("one of ours")
    }

    /// The node that is the present master.
    pub async fn master(&self) -> &Redis {
        self.node(self.master_port().await.expect("a master"))
    }

    async fn master_port(&self) -> Option<u16> {
        self.named_by(0).await
    }

    async fn named_by(&self, index: usize) -> Option<u16> {
        let mut sentinel = self.connection(index).await?;
        let mut command = redis::cmd("SENTINEL");
        let reply: Vec<String> =
            command.arg("GET-MASTER-ADDR-BY-NAME").arg(MASTER).query_async(&mut sentinel).await.ok()?;
        reply.get(1)?.parse().ok()
    }

    /// Returns whether every Sentinel knows all others and this many replicas.
    async fn settled(&self, replicas: usize) {
        for index in 0..self.sentinels.len() {
            until("the Sentinels know each other", async || {
                let Some(mut sentinel) = self.connection(index).await else { return false };
                let mut command = redis::cmd("INFO");
                let info: String = command.arg("sentinel").query_async(&mut sentinel).await.unwrap_or_default();
                info.contains(&format!(
                    "status=ok,address=127.0.0.1:{},slaves={replicas},sentinels={}",
                    self.nodes[0].port(),
                    self.sentinels.len()
                ))
            })
            .await;
        }
    }

    async fn connection(&self, index: usize) -> Option<redis::aio::MultiplexedConnection> {
        let url = self.urls().swap_remove(index);
        redis::Client::open(url).ok()?.get_multiplexed_async_connection().await.ok()
    }
}

async fn ask_with_password<T: redis::FromRedisValue>(port: u16, command: &[&str]) -> T {
    let client = redis::Client::open(format!("redis://:{PASSWORD}@127.0.0.1:{port}")).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let (name, arguments) = command.split_first().expect("a command");
    redis::cmd(name).arg(arguments).query_async(&mut connection).await.expect("an answer")
}

fn start_sentinel(master: &str, quorum: usize) -> (u16, Process) {
    let port = free_port();
    let folder: PathBuf = std::env::temp_dir().join(format!("fastness-sentinel-{}-{port}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let config = folder.join("sentinel.conf");
    let settings = format!(
        "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {MASTER} 127.0.0.1 {master} {quorum}\n\
         sentinel down-after-milliseconds {MASTER} 500\nsentinel failover-timeout {MASTER} 2000\n",
        folder.display()
    );
    fs::write(&config, settings).expect("a configuration");
    let arguments = [config.display().to_string(), "--sentinel".to_owned()];
    (port, Process::start(&binary("redis-server"), &arguments, folder))
}
