//! The shared tier of one handle on Redis: connections, tasks, and commands.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::api::{SharedEpoch, Unavailable};
#[cfg(feature = "redis-cluster")]
use super::cluster::{Barrier, Nodes};
use super::confirm::{Confirmer, StoreCommand};
use super::connection::{Connections, LiveConnection};
use super::context::Context;
use super::doubt::{Doubt, PendingRecord};
#[cfg(feature = "redis-cluster")]
use super::eraser::Eraser;
use super::feed::FeedJudge;
use super::publish::{publish, replay};
use super::reads::{Reads, ValueAddress};
use super::settings::Redis;
#[cfg(feature = "redis-cluster")]
use super::settings::Servers;
use super::stats::SharedStats;
use super::trust::Trust;
use crate::clock::{Clock, ProcessId, Tick};
use crate::error::{Error, ErrorDetail};
use crate::log::{Judgement, Log};
use crate::trace;

/// Maximum number of stores in flight. Beyond it values are not stored.
const MAX_STORES: usize = 1_024;

/// The shared tier of one handle on Redis.
pub(crate) struct RedisTier {
    pub(super) context: Arc<Context>,
    pub(super) log: Arc<Log>,
    connections: Connections,
    reads: Arc<Reads>,
    /// The nodes that hold the values, if they are not on the server of the log.
    #[cfg(feature = "redis-cluster")]
    cluster: Option<(Arc<Nodes>, Arc<Barrier>)>,
    pub(super) doubt: Arc<Doubt>,
    confirmer: Arc<Confirmer>,
    stores: Arc<Semaphore>,
    /// The process that connected; see [`Connection`](super::connection::Connection).
    process: ProcessId,
    /// The background tasks, which end with the tier.
    _tasks: JoinSet<()>,
}

/// The parts of a handle that its tier uses.
pub(crate) struct HandleContext {
    pub(crate) clock: Clock,
    pub(crate) log: Arc<Log>,
    pub(crate) max_stale: Duration,
    pub(crate) mirror_bytes: usize,
}

impl RedisTier {
    /// Starts to connect. Must be called within a tokio runtime, which then drives the connections.
    pub(crate) fn start(settings: Redis, handle: HandleContext) -> Result<Arc<Self>, Error> {
        settings.check()?;
        #[cfg(feature = "registry")]
        super::retention::note(settings.retention);
        let runtime = tokio::runtime::Handle::try_current();
        let runtime = runtime
            .map_err(|_| ErrorDetail::Setting("a shared tier needs a tokio runtime: call `build()` within one"))?;
        let HandleContext { clock, log, max_stale, mirror_bytes } = handle;
        let trust = Arc::new(Trust::new(log.clone(), max_stale, clock.now()));
        let listener: Arc<dyn Tick> = trust.clone();
        clock.listen(Arc::downgrade(&listener));
        let count = settings.log_connections();
        let context = Context::new(settings, clock, &log, trust, mirror_bytes);
        let context = Arc::new(
            context
                .map_err(|_| ErrorDetail::Setting("redis cannot connect to this kind of address: use another URL"))?,
        );
        let connections = Connections::new(count);
        let doubt = Arc::new(Doubt::new(log.clone()));
        let mut tasks = JoinSet::new();
        for connection in connections.all() {
            tasks.spawn(connection.clone().run(context.clone()));
        }
        tasks.spawn(replay(context.clone(), connections.clone(), doubt.clone()));
        #[cfg(feature = "redis-cluster")]
        let cluster = join_cluster(&context, &connections, &mut tasks);
        let stores = Arc::new(Semaphore::new(MAX_STORES));
        Ok(Arc::new(Self {
            reads: Reads::new(context.clone(), connections.clone(), runtime),
            confirmer: Arc::new(Confirmer::new(context.clone(), doubt.clone())),
            context,
            log,
            connections,
            #[cfg(feature = "redis-cluster")]
            cluster,
            doubt,
            stores,
            process: ProcessId::default(),
            _tasks: tasks,
        }))
    }

    pub(crate) fn stats(&self) -> SharedStats {
        let in_doubt = self.doubt.len();
        let (settling, refused) = (self.context.settle_wait.is_waiting(), self.context.telemetry.is_refused());
        let heard = self.context.trust.holds(self.context.clock.now());
        SharedStats {
            connected: self.is_connected(),
            coherent: self.process.is_this() && heard && in_doubt == 0 && !settling && !refused,
            settling,
            refused,
            latency: self.context.telemetry.latency(),
            in_doubt,
            ..self.context.telemetry.counts.snapshot()
        }
    }

    fn is_connected(&self) -> bool {
        if !self.process.is_this() {
            return false;
        }
        #[cfg(feature = "redis-cluster")]
        if self.cluster.as_ref().is_some_and(|(nodes, _)| !nodes.is_connected()) {
            return false;
        }
        self.context.telemetry.is_connected()
    }

    /// Returns the judge of values that were read over a connection to this server; `None` if the log is another server's by now. No record
    /// is folded while it is held.
    pub(super) fn judge(&self, server: u64) -> Option<TierJudge<'_>> {
        let feed = self.context.feed.judge(server)?;
        Some(TierJudge { feed, doubt: &self.doubt })
    }

    /// Publishes a record, or returns it.
    pub(super) async fn send(&self, pending: PendingRecord, token: u64) -> Result<(), PendingRecord> {
        let announced = match pending.record() {
            Some(record) => publish(&self.context, &self.connections, record, token).await.is_ok(),
            None => true,
        };
        if !announced {
            self.context.telemetry.counts.local_only.add();
            return Err(pending);
        }
        self.context.telemetry.counts.announced.add();
        pending.settle();
        Ok(())
    }

    /// Reads the bytes under an address. Returns them with the server whose [judge](Self::judge) decides on them. All invalidations that
    /// the server executed before the read are folded by then.
    pub(super) async fn get(&self, address: ValueAddress<'_>) -> Result<(Option<Vec<u8>>, u64), Unavailable> {
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, barrier)) = &self.cluster {
            self.reads.live().ok_or(Unavailable)?;
            return nodes.get(&address.text(), barrier).await.map(|(value, server)| (bytes(value), server));
        }
        self.reads.get(address).await.map(|(value, server)| (bytes(value), server))
    }

    /// Reads the bytes under several addresses, in their order.
    pub(super) async fn get_many(&self, addresses: &[ValueAddress<'_>]) -> Result<(Vec<Value>, u64), Unavailable> {
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, barrier)) = &self.cluster {
            self.reads.live().ok_or(Unavailable)?;
            let addresses: Vec<_> = addresses.iter().map(ValueAddress::text).collect();
            return nodes.get_many(&addresses, barrier).await;
        }
        self.reads.get_many(addresses).await
    }

    /// Sends a command about one address and returns its reply, which is not ordered with invalidations.
    pub(super) async fn query(&self, address: &str, command: redis::Cmd) -> Result<Value, Unavailable> {
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, _)) = &self.cluster {
            self.reads.live().ok_or(Unavailable)?;
            return nodes.query(address, command).await;
        }
        let _ = address;
        self.reads.read(&command).await.map(|(reply, _)| reply)
    }

    /// Sends commands that store values, in the background, and then confirms the values that have to be.
    pub(super) fn send_later(&self, commands: Vec<StoreCommand>) {
        if commands.is_empty() {
            return;
        }
        // Without a runtime (a function that is not async) no task can send them.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let Ok(permit) = self.stores.clone().try_acquire_owned() else {
            self.context.telemetry.counts.store_overflows.add();
            trace::shared_write(commands.len()).end("overflow");
            return;
        };
        // A cluster needs the log too, because without it the values could not be judged.
        let Some(live) = self.reads.live() else { return };
        let (span, confirmer) = (trace::shared_write(commands.len()), self.confirmer.clone());
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, barrier)) = &self.cluster {
            if commands.iter().any(|command| command.confirmation.is_some()) {
                self.context.erasures.in_cluster.begin(|| self.context.feed.position());
            }
            let stored = nodes.clone().store(commands, barrier.clone(), confirmer);
            runtime.spawn(async move {
                end_write(&span, stored.await);
                drop(permit);
            });
            return;
        }
        let context = self.context.clone();
        runtime.spawn(async move {
            let stored = store(&context, &live, &confirmer, commands).await;
            end_write(&span, stored.is_ok());
            if let Err(error) = stored {
                live.failed(&context.telemetry, &error);
            }
            drop(permit);
        });
    }
}

/// Records the end of a write in its span.
fn end_write(span: &trace::Traced, stored: bool) {
    if stored { span.end("stored") } else { span.fail("unavailable", "unavailable") }
}

/// Stores values over one connection, and confirms those that have to be.
async fn store(
    context: &Context,
    live: &LiveConnection,
    confirmer: &Confirmer,
    commands: Vec<StoreCommand>,
) -> redis::RedisResult<()> {
    let mut connection = live.connection.clone();
    let (mut pipe, mut unconfirmed) = (redis::pipe(), Vec::new());
    for StoreCommand { address, command, confirmation } in commands {
        pipe.add_command(command).ignore();
        unconfirmed.extend(confirmation.map(|confirmation| (address, confirmation)));
    }
    pipe.query_async::<()>(&mut connection).await?;
    context.telemetry.counts.stores.add_many(pipe.len());
    let mut pipe = redis::pipe();
    for (address, confirmation) in &unconfirmed {
        if let Some(command) = confirmer.command(live.server, address, confirmation) {
            pipe.add_command(command).ignore();
        }
    }
    if pipe.is_empty() { Ok(()) } else { pipe.query_async(&mut connection).await }
}

/// Judges values that are read from the tier.
pub(super) struct TierJudge<'a> {
    feed: FeedJudge<'a>,
    doubt: &'a Doubt,
}

impl TierJudge<'_> {
    /// Judges a value whose load began at this position and that has these scopes, by the log and by the records in doubt.
    pub(super) fn judge(&self, epoch: SharedEpoch, scopes: &[u64]) -> Judgement {
        self.feed.judge(epoch, scopes).min(self.doubt.judge(scopes))
    }
}

/// Starts the tasks for the nodes that hold the values, if this is a cluster.
#[cfg(feature = "redis-cluster")]
fn join_cluster(
    context: &Arc<Context>,
    connections: &Connections,
    tasks: &mut JoinSet<()>,
) -> Option<(Arc<Nodes>, Arc<Barrier>)> {
    let Servers::Cluster(seeds) = &context.settings.servers else { return None };
    let nodes = Arc::new(Nodes::new(context.clone(), seeds.clone()));
    let barrier = Arc::<Barrier>::default();
    tasks.spawn(nodes.clone().run());
    tasks.spawn(barrier.clone().run(context.clone(), connections.clone()));
    tasks.spawn(Eraser::new(context.clone(), connections.clone(), nodes.clone()).run());
    Some((nodes, barrier))
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    if let Value::BulkString(bytes) = value { Some(bytes) } else { None }
}

impl std::fmt::Debug for RedisTier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tier").field("redis", &self.context.settings).finish_non_exhaustive()
    }
}
