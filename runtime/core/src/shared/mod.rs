//! The tier that all processes share: Redis, and the log that keeps them coherent.
//!
//! May use: `clock`, `codec`, `error`, `log`, `sync`.
//!
//! | part | what it does |
//! |---|---|
//! | `settings`, `source`, `sentinels` | where the server is |
//! | `server`, `settle` | who the server is, and whether it may be used yet |
//! | `link`, `catch_up`, `pushes` | one connection: made, subscribed, caught up, watched, made again |
//! | `stream`, `append` | the log in Redis, and the script that appends to it |
//! | `feed` | the fold of the log, and the judgement of what comes from the tier |
//! | `doubt` | invalidations of which nobody knows whether the log has them |
//! | `lease` | one load of a key at a time among all processes |
//! | `trust` | how long this process may go on without word from the log |
//! | `values` | values to bytes and back, judged |
//! | `order` | of two values of a key the one whose load began later |
//! | `reads` | commands that read, many at once together |
//! | `cluster` | values on the nodes of a cluster |
//! | `notices` | what people are told about the log |
//! | `hub` | what these share |
//!
//! Nothing here fails towards a caller: a read that cannot be made is a miss, and an invalidation that cannot be announced
//! counts in this process and is announced later.

use std::sync::Arc;
use std::time::Duration;

use redis::{ErrorKind, RedisResult, Value};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::clock::{Clock, Process, Tick, pause};
use crate::error::{Error, Kind};
use crate::log::{Epoch, Judgement, Log, Reach, Record};

mod append;
mod catch_up;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod doubt;
mod feed;
mod hub;
mod lease;
mod link;
mod notices;
mod order;
mod pushes;
mod reads;
#[cfg(feature = "redis-sentinel")]
mod sentinels;
mod server;
mod settings;
mod settle;
mod source;
mod stats;
mod stream;
mod trust;
mod values;

use doubt::{Doubt, Pending};
use feed::{Folded, Putting};
pub(crate) use feed::{Mark, Placed};
use hub::Hub;
pub(crate) use lease::Lease;
use link::{Link, Live, ends_link};
use reads::{Address, Reads};
pub use settings::Redis;
#[cfg(feature = "redis-cluster")]
use settings::Servers;
pub use stats::SharedStats;
use stream::MAX_TOKEN;
use trust::Trust;
pub(crate) use values::{Fetched, Kept, Place, Seat};

/// Stores on their way at a time; beyond it values are not stored.
const MAX_STORES: usize = 1_024;
/// The wait between attempts to replay what is in doubt: at first, and at most.
const REPLAY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The shared tier of one handle.
pub(crate) struct Tier {
    hub: Arc<Hub>,
    log: Arc<Log>,
    links: Arc<[Arc<Link>]>,
    reads: Arc<Reads>,
    /// Where values are, if not on the server of the log.
    #[cfg(feature = "redis-cluster")]
    cluster: Option<(Arc<cluster::Nodes>, Arc<cluster::Barrier>)>,
    doubt: Arc<Doubt>,
    stores: Arc<Semaphore>,
    /// That which connected; see [`Link`].
    process: Process,
    /// Ends with the tier.
    _tasks: JoinSet<()>,
}

/// The shared tier cannot be asked now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unavailable;

/// What a handle says of itself to its tier.
pub(crate) struct Around {
    pub(crate) clock: Clock,
    pub(crate) log: Arc<Log>,
    pub(crate) max_stale: Duration,
    pub(crate) mirror_bytes: usize,
}

impl Tier {
    /// Starts to connect. Call within a tokio runtime, which then drives the connections.
    pub(crate) fn start(settings: Redis, around: Around) -> Result<Arc<Self>, Error> {
        settings.check()?;
        let runtime = tokio::runtime::Handle::try_current();
        let runtime =
            runtime.map_err(|_| Kind::Setting("a shared tier needs a tokio runtime: call `build()` within one"))?;
        let Around { clock, log, max_stale, mirror_bytes } = around;
        let trust = Arc::new(Trust::new(log.clone(), max_stale, clock.now()));
        let listener: Arc<dyn Tick> = trust.clone();
        clock.listen(Arc::downgrade(&listener));
        let count = settings.log_connections();
        let hub = Hub::new(settings, clock, &log, trust, mirror_bytes);
        let hub = Arc::new(hub.map_err(|_| Kind::Setting("this address is of no kind that redis can connect to"))?);
        let links: Arc<[Arc<Link>]> = (0..count).map(|_| Arc::default()).collect();
        let doubt = Arc::new(Doubt::new(log.clone()));
        let mut tasks = JoinSet::new();
        for link in links.iter() {
            tasks.spawn(link.clone().keep(hub.clone()));
        }
        tasks.spawn(replay(hub.clone(), links.clone(), doubt.clone()));
        #[cfg(feature = "redis-cluster")]
        let cluster = join_cluster(&hub, &links, &mut tasks);
        let stores = Arc::new(Semaphore::new(MAX_STORES));
        Ok(Arc::new(Self {
            reads: Reads::new(hub.clone(), links.clone(), runtime),
            hub,
            log,
            links,
            #[cfg(feature = "redis-cluster")]
            cluster,
            doubt,
            stores,
            process: Process::default(),
            _tasks: tasks,
        }))
    }

    /// What is the same for all processes that share this tier.
    #[cfg(feature = "mongodb")]
    pub(crate) fn identity(&self) -> String {
        self.hub.settings.identity()
    }

    pub(crate) fn stats(&self) -> SharedStats {
        let in_doubt = self.doubt.len();
        let (settling, refused) = (self.hub.settling.is_waiting(), self.hub.is_refused());
        let heard = self.hub.trust.holds(self.hub.clock.now());
        SharedStats {
            connected: self.is_connected(),
            coherent: self.process.is_this() && heard && in_doubt == 0 && !settling && !refused,
            settling,
            refused,
            latency: self.hub.latency(),
            in_doubt,
            ..self.hub.counts.snapshot()
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
        self.hub.is_connected()
    }

    /// How long a read may take at most.
    pub(crate) fn longest_answer(&self) -> Duration {
        self.hub.settings.command_timeout.saturating_mul(2)
    }

    /// Where a load that begins now stands, for what it will store.
    pub(crate) fn mark(&self) -> Option<Mark> {
        self.hub.feed.mark()
    }

    /// The judge of what was read over a connection to this server; `None` if the log is another one's by now. What is folded
    /// waits while it is held.
    fn judge(&self, server: u64) -> Option<Judge<'_>> {
        let feed = self.hub.feed.judge(server)?;
        Some(Judge { feed, doubt: &self.doubt })
    }

    /// Gets an invalidation or a refresh to all processes.
    ///
    /// # Cancel safety
    ///
    /// Dropping it is as if the server had not answered: it counts here, and is announced in the background.
    pub(crate) async fn announce(&self, record: Record) -> Reach {
        if self.send(self.doubt.pending(record), 0).await.is_ok() { Reach::Announced } else { Reach::LocalOnly }
    }

    /// Invalidates here; others are told in the background.
    pub(crate) fn announce_later(&self, record: Record) {
        drop(self.doubt.pending(record));
    }

    /// Announces what a new value replaces. The place of the new value, if it may be stored: in this process only, where the others
    /// cannot be told.
    pub(crate) async fn put(&self, record: Record, began: Epoch, scopes: &[u64]) -> Option<Placed> {
        let token = fastrand::u64(1..=MAX_TOKEN);
        let expected = Expected { tier: self, token };
        self.hub.feed.expect(token, Putting { began, scopes: scopes.into() });
        let sent = self.send(self.doubt.pending(record), token).await;
        let placed = self.hub.feed.placed(expected.token);
        let Err(pending) = sent else { return placed };
        // The record may have come as a push, though its reply did not.
        let began = placed.map_or(began, |placed| placed.local);
        pending.put(began, scopes).map(|local| Placed { local, shared: None })
    }

    /// Invalidates here what a new value replaces, and tells others in the background. Where the new value stands in this process, if it
    /// may be stored.
    pub(crate) fn put_here(&self, record: Record, began: Epoch, scopes: &[u64]) -> Option<Epoch> {
        self.doubt.pending(record).put(began, scopes)
    }

    /// Appends a record, or gives it back.
    async fn send(&self, pending: Pending, token: u64) -> Result<(), Pending> {
        let announced = match pending.record() {
            Some(record) => append_and_fold(&self.hub, &self.links, record, token).await.is_ok(),
            None => true,
        };
        if !announced {
            self.hub.counts.local_only.add();
            return Err(pending);
        }
        self.hub.counts.announced.add();
        pending.settle();
        Ok(())
    }

    /// The bytes under an address, and the server whose [judge](Self::judge) to ask. When they are here, all invalidations that
    /// it executed before the read were folded.
    async fn get(&self, address: Address<'_>) -> Result<(Option<Vec<u8>>, u64), Unavailable> {
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, barrier)) = &self.cluster {
            self.reads.live().ok_or(Unavailable)?;
            return nodes.get(&address.text(), barrier).await.map(|(value, server)| (bytes(value), server));
        }
        self.reads.get(address).await.map(|(value, server)| (bytes(value), server))
    }

    /// The bytes under several addresses, in their order.
    async fn get_many(&self, addresses: &[Address<'_>]) -> Result<(Vec<Value>, u64), Unavailable> {
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, barrier)) = &self.cluster {
            self.reads.live().ok_or(Unavailable)?;
            let addresses: Vec<_> = addresses.iter().map(Address::text).collect();
            return nodes.get_many(&addresses, barrier).await;
        }
        self.reads.get_many(addresses).await
    }

    /// The reply to a command about one address, as it is: it says nothing of invalidations.
    async fn ask(&self, address: &str, command: redis::Cmd) -> Result<Value, Unavailable> {
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, _)) = &self.cluster {
            self.reads.live().ok_or(Unavailable)?;
            return nodes.ask(address, command).await;
        }
        let _ = address;
        self.reads.read(&command).await.map(|(reply, _)| reply)
    }

    /// Sends commands that store something under an address, in the background.
    fn store(&self, commands: Vec<(String, redis::Cmd)>) {
        // Without a runtime (a function that is not async) there is nobody to send them.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let Ok(permit) = self.stores.clone().try_acquire_owned() else {
            self.hub.counts.store_overflows.add();
            return;
        };
        // Where the values are on other servers than the log, too: without the log they could not be believed.
        let Some(live) = self.reads.live() else { return };
        #[cfg(feature = "redis-cluster")]
        if let Some((nodes, _)) = &self.cluster {
            let stored = nodes.clone().store(commands);
            runtime.spawn(async move {
                stored.await;
                drop(permit);
            });
            return;
        }
        let hub = self.hub.clone();
        runtime.spawn(async move {
            let mut pipe = redis::pipe();
            for (_, command) in commands {
                pipe.add_command(command).ignore();
            }
            match pipe.query_async::<()>(&mut live.connection.clone()).await {
                Ok(()) => hub.counts.stores.add_many(pipe.len()),
                Err(error) => hub.failed(&live, &error),
            }
            drop(permit);
        });
    }
}

/// The judgement of what is read from the tier.
struct Judge<'a> {
    feed: feed::Judge<'a>,
    doubt: &'a Doubt,
}

impl Judge<'_> {
    /// The judgement of what began at this mark and has these scopes, as far as anybody knew when the read was made.
    fn judge(&self, mark: Mark, scopes: &[u64]) -> Judgement {
        self.feed.judge(mark, scopes).min(self.doubt.judge(scopes))
    }
}

/// The nodes that hold the values, if this is a cluster.
#[cfg(feature = "redis-cluster")]
fn join_cluster(
    hub: &Arc<Hub>,
    links: &Arc<[Arc<Link>]>,
    tasks: &mut JoinSet<()>,
) -> Option<(Arc<cluster::Nodes>, Arc<cluster::Barrier>)> {
    let Servers::Cluster(seeds) = &hub.settings.servers else { return None };
    let nodes = Arc::new(cluster::Nodes::new(hub.clone(), seeds.clone()));
    let barrier = Arc::<cluster::Barrier>::default();
    tasks.spawn(nodes.clone().keep());
    tasks.spawn(barrier.clone().keep(hub.clone(), links.clone()));
    Some((nodes, barrier))
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    if let Value::BulkString(bytes) = value { Some(bytes) } else { None }
}

/// The first link that answers, beginning with this one.
fn live(links: &[Arc<Link>], first: usize) -> Option<Arc<Live>> {
    (0..links.len()).find_map(|offset| links[(first + offset) % links.len()].live())
}

/// Appends a record, and folds it.
async fn append_and_fold(hub: &Hub, links: &[Arc<Link>], record: &Record, token: u64) -> Result<(), Unavailable> {
    let Some(live) = live(links, 0) else {
        hub.counts.skipped.add();
        return Err(Unavailable);
    };
    let appended: RedisResult<_> =
        hub.append_command(live.server, record, token).send(&mut live.connection.clone()).await;
    let (entry, was_empty) = appended.map_err(|error| {
        hub.failed(&live, &error);
        // A code that the driver does not know, as MISCONF, is of the kind `Extension`; a server that is gone refuses nothing.
        if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) && !ends_link(&error) {
            hub.notices.refused(&error);
        }
        Unavailable
    })?;
    hub.notices.accepted();
    if was_empty {
        hub.notices.lost();
    }
    match hub.feed.own(live.server, &entry, record, token).ok_or(Unavailable)? {
        Folded::Done => {}
        Folded::Gap | Folded::Rumour => live.look(),
    }
    // A master that was replaced meanwhile accepts as well.
    live.is_confirmed().then_some(()).ok_or(Unavailable)
}

/// Appends what is in doubt until nothing is. A server that refuses it is asked less and less often.
async fn replay(hub: Arc<Hub>, links: Arc<[Arc<Link>]>, doubt: Arc<Doubt>) {
    loop {
        doubt.wake.notified().await;
        let mut wait = REPLAY.0;
        while let Some(replay) = doubt.to_replay() {
            if live(&links, 0).is_none() {
                wait = REPLAY.0;
            } else if append_and_fold(&hub, &links, &replay.record, 0).await.is_ok() {
                doubt.replayed(&replay);
                continue;
            } else {
                wait = (wait * 2).min(REPLAY.1);
            }
            pause(wait).await;
        }
    }
}

/// A put that the feed expects; no longer, when this is dropped.
struct Expected<'a> {
    tier: &'a Tier,
    token: u64,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.tier.hub.feed.placed(self.token);
    }
}

impl std::fmt::Debug for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tier").field("redis", &self.hub.settings).finish_non_exhaustive()
    }
}
