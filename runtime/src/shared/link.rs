//! One connection to the server of the log: made, kept, and made again.
//!
//! Every link is RESP3 and subscribed to the log's channel. A server writes pushes and replies of one connection in the
//! order of execution, and the driver hands a push to [`Pushes`] before it delivers the next reply: so when the reply of a
//! read is here, every invalidation that was executed before that read has been folded.
//!
//! Making a link: who the server is (run id; only a master will do), subscribe, then the *delta*, which is everything from
//! the known position on; the link is used when all of it was folded. If the delta does not begin with the very entry that
//! is the known position, or the server is another one, everything begins anew.
//!
//! A command that runs into its timeout *suspends* the link: nobody uses it until a heartbeat is answered. So a server that
//! hangs delays those who are waiting for it at that moment once, and nobody after them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::catch_up::catch_up;
use super::hub::Hub;
use super::pushes::{Pushes, Receiver};
use crate::clock::pause;
use crate::sync::{Mutex, lock};

/// Between heartbeats while the link is suspended.
const PROBE: Duration = Duration::from_millis(100);
/// Heartbeats in a row without an answer after which the link is given up.
const LOST: u32 = 8;
/// Between attempts to connect: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

#[derive(Default)]
pub(crate) struct Link {
    live: Mutex<Option<Arc<Live>>>,
}

/// A connection in use.
pub(crate) struct Live {
    pub(crate) connection: MultiplexedConnection,
    /// Who the server is; see [`identify`].
    pub(crate) server: u64,
    history: Arc<str>,
    state: Arc<State>,
}

/// What all who use a connection tell each other.
#[derive(Default)]
pub(super) struct State {
    suspended: AtomicBool,
    broken: AtomicBool,
    /// Wakes the link's own task.
    changed: Notify,
}

impl Live {
    /// Takes what a failed command says about the link into account. True if that suspends it.
    pub(crate) fn heed(&self, error: &RedisError) -> bool {
        if !error.is_timeout() {
            if ends_link(error) {
                self.state.break_off();
            }
            return false;
        }
        let suspends = !self.state.suspended.swap(true, Release);
        if suspends {
            self.state.changed.notify_one();
        }
        suspends
    }
}

impl State {
    pub(super) fn break_off(&self) {
        self.broken.store(true, Release);
        self.changed.notify_one();
    }
}

/// Whether the server is gone, or no longer the one that may be talked to.
fn ends_link(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly};
    error.is_unrecoverable_error()
        || error.is_io_error()
        || matches!(error.kind(), ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | Moved | ReadOnly))
}

impl Link {
    /// The connection, if there is one that answers.
    pub(crate) fn live(&self) -> Option<Arc<Live>> {
        let live = lock(&self.live).clone()?;
        let usable = !live.state.suspended.load(Acquire) && !live.state.broken.load(Acquire);
        usable.then_some(live)
    }

    /// Makes the connection and keeps it, for ever.
    pub(crate) async fn keep(self: Arc<Self>, hub: Arc<Hub>) {
        let mut retry = RETRY.0;
        loop {
            match timeout(hub.settings.connect_timeout * 3, connect(&hub)).await.unwrap_or_else(|_| Err(too_slow())) {
                Ok(live) => {
                    let live = Arc::new(live);
                    retry = RETRY.0;
                    *lock(&self.live) = Some(live.clone());
                    hub.connected();
                    let why = tend(&hub, &live).await;
                    *lock(&self.live) = None;
                    hub.disconnected(&why);
                }
                Err(error) => hub.cannot_connect(&error),
            }
            pause(retry.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            retry = (retry * 2).min(RETRY.1);
        }
    }
}

/// Sends heartbeats until the link is lost, and says why.
async fn tend(hub: &Hub, live: &Live) -> RedisError {
    let mut unanswered = 0;
    let mut pause = Duration::ZERO;
    loop {
        // Whatever wakes it, it asks the server.
        let _ = timeout(pause, live.state.changed.notified()).await;
        if live.state.broken.load(Acquire) {
            return RedisError::from((ErrorKind::Io, "the connection was closed or is no longer with the master"));
        }
        let sent = hub.clock.now();
        match heartbeat(hub, live).await {
            Ok(()) if hub.feed.server() != Some(live.server) => {
                // Another link has found its successor: what this one says proves nothing any more.
                return RedisError::from((ErrorKind::Io, "another server has taken this one's place"));
            }
            Ok(()) => {
                unanswered = 0;
                hub.heard(sent);
                if live.state.suspended.swap(false, Release) {
                    hub.resumed();
                }
                pause = hub.trust.heartbeat();
            }
            Err(error) if error.is_timeout() && unanswered < LOST => {
                unanswered += 1;
                if !live.state.suspended.swap(true, Release) {
                    hub.suspended();
                }
                pause = PROBE;
            }
            Err(error) => return error,
        }
    }
}

/// Is the server there, and still the master that it was?
async fn heartbeat(hub: &Hub, live: &Live) -> RedisResult<()> {
    let mut connection = live.connection.clone();
    let mut command = redis::cmd("INFO");
    let info = command.arg("replication").query_async::<String>(&mut connection);
    let info = timeout(hub.settings.command_timeout, info).await.unwrap_or_else(|_| Err(too_slow()))?;
    must_be_master(&info)?;
    if field(&info, "master_replid")? == &*live.history {
        return Ok(());
    }
    Err(RedisError::from((ErrorKind::Io, "the server became another one's replica and a master again")))
}

fn must_be_master(replication: &str) -> RedisResult<()> {
    match field(replication, "role")? {
        "master" => Ok(()),
        _ => Err(RedisError::from((ErrorKind::Server(ServerErrorKind::ReadOnly), "this server is a replica"))),
    }
}

fn field<'a>(info: &'a str, name: &'static str) -> RedisResult<&'a str> {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value
        .map(str::trim)
        .ok_or_else(|| RedisError::from((ErrorKind::UnexpectedReturnType, "INFO lacks a field", name.to_owned())))
}

pub(super) fn too_slow() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

async fn connect(hub: &Hub) -> RedisResult<Live> {
    // One at a time: a link that finds the log unknown begins anew for all.
    let _one = hub.connecting.lock().await;
    let settings = &hub.settings;
    let client = timeout(settings.connect_timeout, hub.source.client()).await.unwrap_or_else(|_| Err(too_slow()))?;
    let state = Arc::new(State::default());
    let pushes = Arc::new(Pushes::new(hub.feed.clone(), state.clone(), hub.channel.clone()));
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_timeout))
        // Nobody waits for it yet, and a long log takes longer to read than a command may.
        .set_response_timeout(Some(settings.connect_timeout))
        .set_push_sender(Receiver(pushes.clone()));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let (server, history) = identify(hub, &mut connection).await?;
    connection.subscribe(hub.channel.as_str()).await?;
    catch_up(hub, &mut connection, server).await?;
    connection.set_response_timeout(settings.command_timeout);
    if !pushes.begin(server) {
        return Err(RedisError::from((ErrorKind::Client, "the log moved on while it was read")));
    }
    Ok(Live { connection, server, history: history.into(), state })
}

/// A hash of who the server is (its run id, which every start draws anew, and the id of its history, which every promotion
/// does), and the latter. Learns the server's time on the way.
async fn identify(hub: &Hub, connection: &mut MultiplexedConnection) -> RedisResult<(u64, String)> {
    let sent = hub.clock.now();
    let mut pipe = redis::pipe();
    pipe.cmd("TIME").cmd("INFO").arg("server").cmd("INFO").arg("replication");
    let (time, server, replication): ((u64, u64), String, String) = pipe.query_async(connection).await?;
    hub.learn_time(sent, time);
    must_be_master(&replication)?;
    let history = field(&replication, "master_replid")?;
    let identity = format!("{} {history}", field(&server, "run_id")?);
    let server = xxhash_rust::xxh3::xxh3_64(identity.as_bytes());
    if hub.feed.is_superseded(server) {
        let why = "this server was the master before another one took over";
        return Err(RedisError::from((ErrorKind::Server(ServerErrorKind::ReadOnly), why)));
    }
    Ok((server, history.to_owned()))
}
