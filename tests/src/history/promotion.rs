//! Planned failovers: for a while two masters take writes, and nodes are connected to either.

use std::time::Duration;

use fastness::Redis as Settings;
use fastrand::Rng;
use tokio::time::Instant;

use super::run::{Control, run_controlled};
use super::{Ours, Report, Subject as _, pause};
use crate::servers::{Proxy, Redis, Sentinel, prefix, until};

/// Nodes of a run.
const NODES: usize = 3;

/// A history with planned failovers between two servers, each node behind one address that leads to either.
#[derive(Clone, Copy, Debug)]
pub struct Promotions {
    /// The seed of all random choices.
    pub seed: u64,
    /// Promotions of the replica.
    pub rounds: usize,
    /// The longest time for which a former master goes on.
    pub goes_on: Duration,
    /// The time for which nodes wait for a new master.
    pub takeover: Duration,
}

struct Pair {
    master: Redis,
    replica: Redis,
    proxies: Vec<Proxy>,
}

impl Promotions {
    /// Runs and judges the history. Returns the number of failovers too.
    pub async fn run(&self) -> (Report, usize) {
        let (mut pair, prefix) = (Pair::start().await, prefix());
        let mut nodes = Vec::new();
        for proxy in &pair.proxies {
            let settings = Settings::single(&proxy.url()).expect("an address").prefix(&prefix).takeover(self.takeover);
            nodes.push(Ours::with(settings).await);
        }
        let mut rng = Rng::with_seed(self.seed);
        let alive = nodes.clone();
        run_controlled(self.seed, nodes, async move |control| {
            let mut alive = alive;
            for round in 0..self.rounds {
                pause(Duration::from_millis(rng.u64(200..500))).await;
                pair.fail_over(&mut rng, self.goes_on, async || {
                    // The other nodes are bound by the last announcement of a process that ends on the former master.
                    if round + 1 == self.rounds && alive.len() == NODES {
                        alive.remove(0);
                        control.end(0);
                    }
                })
                .await;
                for node in &alive {
                    until("the node is on the new master", async || {
                        node.cache().shared().is_some_and(|shared| shared.connected && shared.coherent)
                    })
                    .await;
                }
                pause(Duration::from_millis(300)).await;
            }
            self.rounds
        })
        .await
    }
}

impl Pair {
    async fn start() -> Self {
        let master = Redis::start().await;
        let replica = Redis::with(&["--replicaof", "127.0.0.1", &master.port().to_string()]).await;
        let mut proxies = Vec::new();
        for _ in 0..NODES {
            proxies.push(Proxy::start(master.port()).await);
        }
        let pair = Self { master, replica, proxies };
        pair.in_step().await;
        pair
    }

    async fn in_step(&self) {
        until("the replica is in step", async || {
            self.replica.command::<String>(&["INFO", "replication"]).await.contains("master_link_status:up")
        })
        .await;
    }

    /// Promotes the replica; the former master goes on for a while beside it, and the first node stays connected to the former master to
    /// its end.
    async fn fail_over(&mut self, rng: &mut Rng, goes_on: Duration, meanwhile: impl AsyncFnOnce()) {
        self.replica.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
        std::mem::swap(&mut self.master, &mut self.replica);
        let (end, port) = (Instant::now() + goes_on, self.master.port());
        for proxy in &self.proxies[1..] {
            pause(goes_on.mul_f64(rng.f64() / 3.0)).await;
            proxy.redirect(port);
        }
        pause(end.saturating_duration_since(Instant::now()) * 4 / 5).await;
        meanwhile().await;
        pause(end.saturating_duration_since(Instant::now())).await;
        // A Sentinel demotes it in this way.
        self.replica.command::<()>(&["REPLICAOF", "127.0.0.1", &port.to_string()]).await;
        for kind in ["normal", "pubsub"] {
            self.replica.command::<u64>(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]).await;
        }
        self.proxies[0].redirect(port);
        self.in_step().await;
    }
}

/// A history with one failover that Sentinels were asked for. One node is cut off from them and stays with the former master, which no
/// Sentinel can reach, so that only the node itself ends its use of that master.
pub async fn alone_with_the_former_master(seed: u64, takeover: Duration) -> (Report, usize) {
    let (group, prefix) = (Sentinel::with(1, 3).await, prefix());
    let mut proxies = Vec::new();
    for url in group.urls() {
        let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
        proxies.push(Proxy::start(port).await);
    }
    let settings = |urls: &[String]| {
        Settings::sentinel(urls, group.master_name()).expect("addresses").prefix(&prefix).takeover(takeover)
    };
    let through: Vec<_> = proxies.iter().map(Proxy::url).collect();
    // The first master has no predecessor.
    drop(Ours::with(settings(&through).takeover(Duration::ZERO)).await);
    let mut nodes = vec![Ours::with(settings(&through)).await];
    for _ in 1..NODES {
        nodes.push(Ours::with(settings(&group.urls())).await);
    }
    let (first, others) = (nodes[0].clone(), nodes[1..].to_vec());
    run_controlled(seed, nodes, async move |_: Control| {
        pause(Duration::from_millis(500)).await;
        proxies.iter().for_each(Proxy::silence);
        let former = group.plan_failover().await;
        group.keep_sentinels_out(former).await;
        for node in &others {
            until("the node is on the new master", async || {
                node.cache().shared().is_some_and(|shared| shared.connected && shared.takeovers > 0)
            })
            .await;
        }
        assert!(group.is_master_still(former).await, "the former master was not demoted");
        pause(Duration::from_secs(1)).await;
        proxies.iter().for_each(Proxy::restore);
        until("all is announced", async || first.is_clear()).await;
        pause(Duration::from_millis(300)).await;
        1
    })
    .await
}

/// A history with failovers that Sentinels were asked for, and that they end themselves some ten seconds later.
pub async fn asked_of_sentinels(seed: u64, rounds: usize, takeover: Duration) -> (Report, usize) {
    let (group, prefix) = (Sentinel::start().await, prefix());
    let settings =
        || Settings::sentinel(group.urls(), group.master_name()).expect("addresses").prefix(&prefix).takeover(takeover);
    drop(Ours::with(settings().takeover(Duration::ZERO)).await);
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(Ours::with(settings()).await);
    }
    let alive = nodes.clone();
    run_controlled(seed, nodes, async move |_: Control| {
        for _ in 0..rounds {
            pause(Duration::from_secs(1)).await;
            group.plan_failover().await;
            // Waits longer than the Sentinels take to demote the former master, and longer than `takeover`.
            pause(takeover + Duration::from_secs(3)).await;
            for node in &alive {
                until("the node is on the new master", async || node.is_clear()).await;
            }
        }
        rounds
    })
    .await
}
