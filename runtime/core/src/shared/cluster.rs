//! Values in a Redis Cluster, whose log is on one of its nodes.
//!
//! The replies of a value's node are not ordered with the messages of the log's node. So a read asks both at once: the value's node for the
//! value, and the log's node for a ping (the [`Barrier`], one ping for all reads that wait for it). When both have answered, every
//! invalidation that was executed before the read began has been folded.
//!
//! A node that does not answer is not used, with all its slots, until it answers one trial read or the cluster has replaced it.

use std::collections::HashMap;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, ConnectionInfo, ProtocolVersion, RedisError, RedisResult, Value};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::timeout;

use super::api::Unavailable;
use super::confirm::{Confirmer, StoreCommand};
use super::connection::Connections;
use super::context::Context;
use super::errors::{is_split, too_slow};
use super::redirects::write;
use super::slots::{slot, slots};
use crate::clock::{ProcessId, nanos, pause};
use crate::sync::{Mutex, lock};

/// Pause between refreshes of the slot map while a node fails, and between attempts to connect.
const REFRESH_PAUSE: Duration = Duration::from_millis(500);
/// Pause before one read tries a node again that did not answer.
const TRIAL_PAUSE: Duration = Duration::from_millis(500);
const SLOTS: usize = 16_384;
/// Number of commands that may be under way to one node over one connection. While the driver asks for the slots anew, it lets no command
/// proceed, and its question has to pass the same queue as they, which has room for 50.
const UNDER_WAY: usize = 40;

/// The nodes that hold values.
pub(crate) struct Nodes {
    context: Arc<Context>,
    seeds: Vec<ConnectionInfo>,
    reader: Link,
    /// Follows no redirections by itself.
    writer: Link,
    map: RwLock<SlotMap>,
    /// Wakes the task that refreshes the map.
    wake: Notify,
    /// True once the first attempt to connect has ended.
    tried: watch::Sender<bool>,
    /// The process that connected; see [`Connection`](super::connection::Connection).
    process: ProcessId,
}

/// Connections to all nodes, as the driver keeps them together.
///
/// The driver may stop answering for good while slots move: a command that waits for its turn can hold the lock that the question for the
/// new slots waits for, and is not polled before that is answered. So a link on which nothing was answered from the sending of a command
/// until its time was up is replaced.
#[derive(Default)]
struct Link {
    connection: Mutex<Option<ClusterConnection>>,
    /// The time of the last answer, in nanoseconds of the clock.
    answered: AtomicU64,
    is_stuck: AtomicBool,
}

/// The node of each slot.
#[derive(Default)]
struct SlotMap {
    owners: Vec<Arc<ClusterNode>>,
}

/// A node, with the time at which one read may try it again, in nanoseconds of the clock; zero while it answers.
#[derive(Default)]
struct ClusterNode(AtomicU64);

impl Nodes {
    pub(crate) fn new(context: Arc<Context>, seeds: Vec<ConnectionInfo>) -> Self {
        Self {
            context,
            seeds,
            reader: Link::default(),
            writer: Link::default(),
            map: RwLock::default(),
            wake: Notify::new(),
            tried: watch::Sender::default(),
            process: ProcessId::default(),
        }
    }

    /// Waits until the first attempt to connect has ended.
    pub(crate) async fn first_attempt(&self) {
        let _ = self.tried.subscribe().wait_for(|tried| *tried).await;
    }

    /// Connects, and refreshes the map whenever a node fails. Never returns.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut known = HashMap::new();
        loop {
            let refreshed = self.refresh_map(&mut known).await;
            self.tried.send_replace(true);
            match refreshed {
                Ok(()) => self.wake.notified().await,
                Err(error) => self.context.telemetry.cannot_reach_nodes(&error),
            }
            pause(REFRESH_PAUSE).await;
        }
    }

    async fn refresh_map(&self, known: &mut HashMap<String, Arc<ClusterNode>>) -> RedisResult<()> {
        let ranges = slots(&self.seeds).await?;
        let mut owners = vec![Arc::<ClusterNode>::default(); SLOTS];
        for served in ranges {
            let node = known.entry(format!("{}:{}", served.host, served.port)).or_default();
            for slot in served.range {
                owners[usize::from(slot) % SLOTS] = node.clone();
            }
        }
        self.map.write().unwrap_or_else(std::sync::PoisonError::into_inner).owners = owners;
        for (link, retries) in [(&self.reader, 2), (&self.writer, 0)] {
            if !link.is_connected() || link.is_stuck.load(Relaxed) {
                let connected = self.connect(retries).await?;
                *lock(&link.connection) = Some(connected);
                link.is_stuck.store(false, Relaxed);
            }
        }
        Ok(())
    }

    async fn connect(&self, retries: u32) -> RedisResult<ClusterConnection> {
        let settings = &self.context.settings;
        let builder = ClusterClientBuilder::new(self.seeds.clone())
            .use_protocol(ProtocolVersion::RESP3)
            .connection_timeout(settings.connect_timeout)
            .response_timeout(settings.command_timeout)
            .overall_response_timeout(Some(settings.command_timeout))
            .retries(retries)
            .connection_concurrency_limit(UNDER_WAY)
            .min_retry_wait(5)
            .max_retry_wait(20);
        let builder = match self.seeds.first() {
            Some(seed) => builder.tcp_settings(seed.tcp_settings().clone()),
            None => builder,
        };
        builder.build()?.get_async_connection().await
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.reader.is_connected() && self.writer.is_connected()
    }

    /// Returns the node of an address, if it is in use.
    fn node(&self, address: &str) -> Result<Arc<ClusterNode>, Unavailable> {
        let map = self.map.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let node = map.owners.get(usize::from(slot(address))).cloned();
        drop(map);
        node.filter(|node| self.process.is_this() && node.admits(self.context.clock.now())).ok_or_else(|| {
            self.context.telemetry.counts.skipped.add();
            Unavailable
        })
    }

    /// Sends a command that reads the values at addresses of these nodes.
    async fn read(&self, nodes: &[Arc<ClusterNode>], command: Cmd) -> Result<Value, Unavailable> {
        let (mut connection, sent) = self.connection(&self.reader)?;
        let answer = command.query_async(&mut connection).await;
        self.reader.ended(sent, self.context.clock.now(), &answer);
        self.ended(nodes, answer)
    }

    /// Sends a command that may write the value at an address, which lies on this node.
    async fn write(&self, node: &Arc<ClusterNode>, address: &str, command: &Cmd) -> Result<Value, Unavailable> {
        let answer = self.send(address, command).await?;
        self.ended(std::slice::from_ref(node), answer)
    }

    /// Sends a command that may write in the slot of an address, and returns the answer of the node.
    async fn send(&self, address: &str, command: &Cmd) -> Result<RedisResult<Value>, Unavailable> {
        let (mut connection, sent) = self.connection(&self.writer)?;
        let written = write(&mut connection, slot(address), command);
        let answer = timeout(self.context.settings.command_timeout, written).await;
        let answer = answer.unwrap_or_else(|_| Err(too_slow()));
        self.writer.ended(sent, self.context.clock.now(), &answer);
        Ok(answer)
    }

    /// Returns the connection of a link, and the time.
    fn connection(&self, link: &Link) -> Result<(ClusterConnection, u64), Unavailable> {
        let connection = lock(&link.connection).clone().ok_or_else(|| {
            self.context.telemetry.counts.skipped.add();
            Unavailable
        })?;
        Ok((connection, self.context.clock.now()))
    }

    /// Notes whether these nodes have answered.
    fn ended(&self, nodes: &[Arc<ClusterNode>], answer: RedisResult<Value>) -> Result<Value, Unavailable> {
        match answer {
            Ok(value) => {
                for node in nodes.iter().filter(|node| node.0.load(Relaxed) != 0) {
                    node.0.store(0, Release);
                    self.context.telemetry.resumed();
                }
                Ok(value)
            }
            Err(error) => Err(self.failed(nodes, &error)),
        }
    }

    fn failed(&self, nodes: &[Arc<ClusterNode>], error: &RedisError) -> Unavailable {
        let counts = &self.context.telemetry.counts;
        counts.failed(error);
        if error.is_timeout() || error.is_io_error() || error.is_cluster_error() {
            let again = self.context.clock.now().saturating_add(nanos(TRIAL_PAUSE));
            for node in nodes {
                node.0.store(again, Release);
            }
            self.context.telemetry.suspended();
            self.wake.notify_one();
        }
        Unavailable
    }

    /// Reads the value at an address. Returns it with the server whose log was folded meanwhile.
    pub(crate) async fn get(&self, address: &str, barrier: &Barrier) -> Result<(Value, u64), Unavailable> {
        let node = self.node(address)?;
        let mut command = redis::cmd("GET");
        command.arg(address);
        let nodes = [node];
        let (value, server) = tokio::join!(self.read(&nodes, command), barrier.pass());
        Ok((value?, server?))
    }

    /// Sends a command about one address, and returns the reply.
    pub(crate) async fn query(&self, address: &str, command: Cmd) -> Result<Value, Unavailable> {
        let node = self.node(address)?;
        self.write(&node, address, &command).await
    }

    /// Removes the values at several addresses of one slot, as far as there are any.
    pub(super) async fn remove(&self, addresses: &[String]) -> Result<(), Unavailable> {
        let Some(first) = addresses.first() else { return Ok(()) };
        let node = self.node(first)?;
        let mut command = redis::cmd("UNLINK");
        command.arg(addresses);
        let answer = self.send(first, &command).await?;
        if !answer.as_ref().is_err_and(is_split) {
            return self.ended(std::slice::from_ref(&node), answer).map(drop);
        }
        for address in addresses {
            let mut command = redis::cmd("UNLINK");
            command.arg(address);
            self.write(&node, address, &command).await?;
        }
        Ok(())
    }

    /// Reads the values at several addresses, in their order. Returns them with the server whose log was folded meanwhile; values of a
    /// node that is not in use are missing.
    pub(crate) async fn get_many(
        &self,
        addresses: &[String],
        barrier: &Barrier,
    ) -> Result<(Vec<Value>, u64), Unavailable> {
        let nodes: Vec<_> = addresses.iter().map(|address| self.node(address).ok()).collect();
        let mut command = redis::cmd("MGET");
        let mut asked = Vec::new();
        for (address, node) in addresses.iter().zip(&nodes) {
            if let Some(node) = node {
                command.arg(address);
                asked.push(node.clone());
            }
        }
        if asked.is_empty() {
            return Err(Unavailable);
        }
        let (values, server) = tokio::join!(self.read(&asked, command), barrier.pass());
        let Value::Array(values) = values? else { return Err(Unavailable) };
        let mut values = values.into_iter();
        let values = nodes.iter().map(|node| node.as_ref().and_then(|_| values.next()).unwrap_or(Value::Nil));
        Ok((values.collect(), server?))
    }

    /// Sends commands that store values, each to its node, all at once, and then confirms the values that have to be. Returns whether all
    /// were stored.
    pub(super) async fn store(
        self: Arc<Self>,
        commands: Vec<StoreCommand>,
        barrier: Arc<Barrier>,
        confirmer: Arc<Confirmer>,
    ) -> bool {
        let (mut sent, mut all) = (tokio::task::JoinSet::new(), true);
        for StoreCommand { address, command, is_store, confirmation } in commands {
            let Ok(node) = self.node(&address) else {
                all = false;
                continue;
            };
            let (nodes, barrier, confirmer) = (self.clone(), barrier.clone(), confirmer.clone());
            sent.spawn(async move {
                let stored = nodes.write(&node, &address, &command).await.is_ok();
                if stored && is_store {
                    nodes.context.telemetry.counts.stores.add();
                }
                // After the store, so that everything appended before it is folded.
                if let Some(confirmation) = confirmation.filter(|_| stored)
                    && let Ok(server) = barrier.pass().await
                    && let Some(command) = confirmer.command(server, &address, &confirmation)
                {
                    // If this fails, the value expires.
                    let _ = nodes.write(&node, &address, &command).await;
                }
                stored
            });
        }
        while let Some(stored) = sent.join_next().await {
            all &= stored.unwrap_or(false);
        }
        all
    }
}

impl Link {
    fn is_connected(&self) -> bool {
        lock(&self.connection).is_some()
    }

    /// Notes the end of a command that was sent at this time.
    fn ended(&self, sent: u64, now: u64, answer: &RedisResult<Value>) {
        if !answer.as_ref().is_err_and(RedisError::is_timeout) {
            self.answered.store(now, Relaxed);
        } else if self.answered.load(Relaxed) < sent {
            self.is_stuck.store(true, Relaxed);
        }
    }
}

impl ClusterNode {
    /// Returns whether a command may be sent to it: it answers, or this command is the trial.
    fn admits(&self, now: u64) -> bool {
        let again = self.0.load(Acquire);
        let next = now.saturating_add(nanos(TRIAL_PAUSE));
        again == 0 || (now >= again && self.0.compare_exchange(again, next, Release, Relaxed).is_ok())
    }
}

/// A ping over the log's connection, shared by all reads that began to wait before it was sent.
#[derive(Default)]
pub(crate) struct Barrier {
    waiting: Mutex<Vec<oneshot::Sender<Option<u64>>>>,
    wake: Notify,
}

impl Barrier {
    /// Waits until every invalidation that was executed before this call has been folded. Returns the server of the log.
    async fn pass(&self) -> Result<u64, Unavailable> {
        let (sender, receiver) = oneshot::channel();
        lock(&self.waiting).push(sender);
        self.wake.notify_one();
        receiver.await.ok().flatten().ok_or(Unavailable)
    }

    /// Sends pings for waiting reads. Never returns.
    pub(crate) async fn run(self: Arc<Self>, context: Arc<Context>, connections: Connections) {
        loop {
            self.wake.notified().await;
            let waiting = std::mem::take(&mut *lock(&self.waiting));
            if waiting.is_empty() {
                continue;
            }
            let passed = ping(&context, &connections).await;
            for sender in waiting {
                // Fails only if the read was dropped.
                let _ = sender.send(passed);
            }
        }
    }
}

async fn ping(context: &Context, connections: &Connections) -> Option<u64> {
    let live = connections.live(0)?;
    match redis::cmd("PING").query_async::<()>(&mut live.connection.clone()).await {
        Ok(()) => Some(live.server),
        Err(error) => {
            live.failed(&context.telemetry, &error);
            None
        }
    }
}
