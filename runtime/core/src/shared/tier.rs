//! The shared tier of one handle on Redis: connections, tasks, and commands.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::Value;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::api::{SharedEpoch, Unavailable};
use super::confirm::{Confirmer, StoreCommand};
use super::connection::LiveConnection;
use super::context::Context;
use super::doubt::{Doubt, PendingRecord};
use super::driven::DrivenConnections;
#[cfg(feature = "redis-cluster")]
use super::eraser::Eraser;
use super::feed::FeedJudge;
use super::publish::{publish, replay};
use super::reads::ValueAddress;
use super::runtime_thread::{BlockingContext, RuntimeThread};
use super::settings::Redis;
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
    /// The connections of callers that await.
    main: DrivenConnections,
    /// The connections of callers that block, made for the first of them; `None` if the system refuses their thread.
    blocking: OnceLock<Option<DrivenConnections>>,
    pub(super) doubt: Arc<Doubt>,
    confirmer: Arc<Confirmer>,
    stores: Arc<Semaphore>,
    /// The process that connected; see [`Connection`](super::connection::Connection).
    process: ProcessId,
}

/// The parts of a handle that its tier uses.
pub(crate) struct HandleContext {
    pub(crate) clock: Clock,
    pub(crate) log: Arc<Log>,
    pub(crate) max_stale: Duration,
    pub(crate) mirror_bytes: usize,
}

impl RedisTier {
    /// Starts to connect. The tokio runtime in which it is called drives the connections; without one, a thread of the tier does.
    pub(crate) fn start(settings: Redis, handle: HandleContext) -> Result<Arc<Self>, Error> {
        settings.check()?;
        #[cfg(feature = "registry")]
        super::retention::note(settings.retention);
        let (runtime, thread) = match Handle::try_current() {
            Ok(runtime) => (runtime, None),
            Err(_) => {
                let thread = RuntimeThread::start().map_err(|_| {
                    ErrorDetail::Setting(
                        "a shared tier needs a thread, and the system refuses it: raise its limit of threads",
                    )
                })?;
                (thread.handle().clone(), Some(thread))
            }
        };
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
        let mut main = DrivenConnections::start(context.clone(), count, runtime, thread);
        let doubt = Arc::new(Doubt::new(log.clone()));
        main.tasks.spawn_on(replay(context.clone(), main.connections.clone(), doubt.clone()), &main.runtime);
        let stores = Arc::new(Semaphore::new(MAX_STORES));
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, _)) = &main.cluster {
            let eraser = Eraser::new(context.clone(), main.connections.clone(), nodes.clone());
            main.tasks.spawn_on(eraser.run(), &main.runtime);
        }
        let (blocking, process) = (OnceLock::new(), ProcessId::default());
        let confirmer = Arc::new(Confirmer::new(context.clone(), doubt.clone()));
        Ok(Arc::new(Self { context, log, main, blocking, doubt, confirmer, stores, process }))
    }

    /// Prepares this thread to block on futures of the tier. `None` if it cannot: on a thread of the tier, in a forked child, or if the
    /// system refuses the thread that drives the connections of callers that block. The first callers wait for the connection.
    pub(super) fn enter_context(&self) -> Option<BlockingContext<'_>> {
        if !self.process.is_this() {
            return None;
        }
        let driven = if self.main.thread.is_some() { &self.main } else { self.blocking_connections()? };
        let context = BlockingContext::new(&driven.runtime)?;
        driven.await_first(self.context.settings.connect_timeout);
        Some(context)
    }

    fn blocking_connections(&self) -> Option<&DrivenConnections> {
        let start = || {
            let driven = DrivenConnections::start_alone(&self.context);
            let driven = driven.inspect_err(|error| {
                tracing::warn!(
                    %error,
                    "fastness cannot start the thread of its shared tier, so plain functions use the values of this process only"
                );
            });
            driven.ok()
        };
        self.blocking.get_or_init(start).as_ref()
    }

    /// The connections for this thread. The renewal of a lease that a blocking caller has is on the thread that drives its connections.
    fn driven(&self) -> &DrivenConnections {
        let blocking = self.blocking.get().and_then(Option::as_ref);
        blocking.filter(|_| BlockingContext::is_here()).unwrap_or(&self.main)
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
        if self.main.cluster.as_ref().is_some_and(|(nodes, _)| !nodes.is_connected()) {
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
            Some(record) => publish(&self.context, &self.driven().connections, record, token).await.is_ok(),
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
        self.driven().get(address).await.map(|(value, server)| (bytes(value), server))
    }

    /// Reads the bytes under several addresses, in their order.
    pub(super) async fn get_many(&self, addresses: &[ValueAddress<'_>]) -> Result<(Vec<Value>, u64), Unavailable> {
        self.driven().get_many(addresses).await
    }

    /// Sends a command about one address and returns its reply, which is not ordered with invalidations.
    pub(super) async fn query(&self, address: &str, command: redis::Cmd) -> Result<Value, Unavailable> {
        self.driven().query(address, command).await
    }

    /// Sends commands that store values, in the background, and then confirms the values that have to be.
    pub(super) fn send_later(&self, commands: Vec<StoreCommand>) {
        if commands.is_empty() {
            return;
        }
        let driven = self.driven();
        let runtime = Handle::try_current().unwrap_or_else(|_| driven.runtime.clone());
        let Ok(permit) = self.stores.clone().try_acquire_owned() else {
            self.context.telemetry.counts.store_overflows.add();
            trace::shared_write(commands.len()).end("overflow");
            return;
        };
        // A cluster needs the log too, because without it the values could not be judged.
        let Some(live) = driven.reads.live() else { return };
        let (span, confirmer) = (trace::shared_write(commands.len()), self.confirmer.clone());
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, barrier)) = &driven.cluster {
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
    let stores = commands.iter().filter(|command| command.is_store).count();
    for StoreCommand { address, command, confirmation, .. } in commands {
        pipe.add_command(command).ignore();
        unconfirmed.extend(confirmation.map(|confirmation| (address, confirmation)));
    }
    pipe.query_async::<()>(&mut connection).await?;
    context.telemetry.counts.stores.add_many(stores);
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

fn bytes(value: Value) -> Option<Vec<u8>> {
    if let Value::BulkString(bytes) = value { Some(bytes) } else { None }
}

impl std::fmt::Debug for RedisTier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tier").field("redis", &self.context.settings).finish_non_exhaustive()
    }
}
