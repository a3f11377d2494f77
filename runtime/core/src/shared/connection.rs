//! One connection to the server of the log: made, watched, and made again.
//!
//! Every connection is RESP3 and subscribed to the log's channel. A server writes the pushes and replies of one connection in the order of
//! execution, and the driver passes a push to [`Pushes`] before it delivers the next reply. So when the reply to a read has arrived, every
//! invalidation that was executed before that read has been folded.
//!
//! Steps of connecting: identify the server, which must be a master; check that its log is [settled](super::settle); subscribe; read and
//! fold the *delta*, all entries from the known position on. Then the connection is used. If the delta does not begin with the entry at the
//! known position, or the server is another one, everything starts over.
//!
//! A command that runs into its timeout *suspends* the connection: it is not used until a heartbeat is answered. So a server that hangs
//! delays the callers that are waiting for it at that moment, and none after them.
//!
//! With Sentinels, a connection is used only under a *lease*: a heartbeat counts only if most Sentinels named this server as the master
//! when it was sent, and without such a heartbeat the connection is suspended after a while. Otherwise a process that is cut off together
//! with a former master would go on using it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, RedisResult};
use tokio::sync::watch;
use tokio::time::timeout;

use super::catch_up::catch_up;
use super::context::Context;
use super::errors::{ends_connection, too_slow};
use super::pushes::{PushReceiver, Pushes};
use super::server::{Heartbeat, Identity, heartbeat, identify};
use super::server_source::ServerTarget;
use super::settle::settle;
use super::signals::Signals;
use super::telemetry::Telemetry;
use crate::clock::{Clock, ProcessId, nanos, pause};
use crate::sync::{Mutex, lock};

/// Pause between heartbeats while the connection is suspended.
const PROBE: Duration = Duration::from_millis(100);
/// Number of heartbeats in a row without an answer after which the connection is given up.
const LOST: u32 = 8;
/// Pause between attempts to connect: the first, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// A connection that is made again whenever it is lost.
#[derive(Default)]
pub(crate) struct Connection {
    live: Mutex<Option<Arc<LiveConnection>>>,
    /// True once the first attempt to connect has ended.
    tried: watch::Sender<bool>,
    /// The process that connects. A forked child must neither write to its parent's connections nor read from them.
    process: ProcessId,
}

/// The connections to the server of the log.
#[derive(Clone)]
pub(crate) struct Connections(Arc<[Arc<Connection>]>);

impl Connections {
    /// Creates this many connections, of which none is made yet.
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).map(|_| Arc::default()).collect())
    }

    /// Returns all connections.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.0.iter()
    }

    /// Returns the first connection in use, beginning with the one at this index.
    pub(crate) fn live(&self, first: usize) -> Option<Arc<LiveConnection>> {
        (0..self.0.len()).find_map(|offset| self.0[(first + offset) % self.0.len()].live())
    }
}

/// A connection in use.
pub(crate) struct LiveConnection {
    pub(crate) connection: MultiplexedConnection,
    /// The server's identity.
    pub(crate) server: u64,
    history: String,
    target: ServerTarget,
    lease: Option<MasterLease>,
    signals: Arc<Signals>,
}

/// The right to use a master, which its Sentinels have to confirm regularly.
struct MasterLease {
    clock: Clock,
    /// The time for which a confirmation lasts, in nanoseconds.
    lasts: u64,
    /// The time at which the last confirmed question was sent.
    confirmed: AtomicU64,
}

/// The result of an attempt to connect.
enum Connected {
    Live(Arc<LiveConnection>),
    /// A server whose log is not settled. Try again after this time.
    Unsettled(Duration),
}

impl MasterLease {
    fn holds(&self) -> bool {
        self.clock.now().saturating_sub(self.confirmed.load(Acquire)) <= self.lasts
    }
}

impl LiveConnection {
    /// Returns whether commands may be sent over it.
    fn is_usable(&self) -> bool {
        let answers = !self.signals.suspended.load(Acquire) && !self.signals.broken.load(Acquire);
        answers && self.is_confirmed()
    }

    /// Returns whether the server is confirmed as the master now. The process may have been suspended since the last confirmation, even
    /// between this check and a command, so a reply counts only if this holds after it has arrived.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.lease.as_ref().is_none_or(MasterLease::holds)
    }

    /// Requests a check of the log, because a message did not fit it.
    pub(crate) fn check_log(&self) {
        self.signals.check_log();
    }

    /// Counts a failed command, and suspends or ends the connection if the error says so.
    pub(crate) fn failed(&self, telemetry: &Telemetry, error: &RedisError) {
        telemetry.counts.failed(error);
        if self.note_failure(error) {
            telemetry.suspended();
        }
    }

    /// Suspends or ends the connection if the error of a command says so. Returns true if this suspended it.
    fn note_failure(&self, error: &RedisError) -> bool {
        if !error.is_timeout() {
            if ends_connection(error) {
                self.signals.break_off();
            }
            return false;
        }
        let suspends = !self.signals.suspended.swap(true, Release);
        if suspends {
            self.signals.changed.notify_one();
        }
        suspends
    }
}

impl Connection {
    /// Returns the connection if it is in use.
    pub(crate) fn live(&self) -> Option<Arc<LiveConnection>> {
        if !self.process.is_this() {
            return None;
        }
        lock(&self.live).clone().filter(|live| live.is_usable())
    }

    /// Waits until the first attempt to connect has ended.
    pub(crate) async fn first_attempt(&self) {
        let _ = self.tried.subscribe().wait_for(|tried| *tried).await;
    }

    /// Makes the connection, watches it, and makes it again. Never returns.
    pub(crate) async fn run(self: Arc<Self>, context: Arc<Context>) {
        let mut retry = RETRY.0;
        loop {
            let connected = timeout(context.settings.connect_timeout.saturating_mul(4), connect(&context)).await;
            let connected = connected.unwrap_or_else(|_| Err(too_slow()));
            if let Ok(Connected::Live(live)) = &connected {
                *lock(&self.live) = Some(live.clone());
            }
            self.tried.send_replace(true);
            match connected {
                Ok(Connected::Live(live)) => {
                    let since = context.clock.now();
                    context.telemetry.connected(context.settle_wait.end());
                    let why = watch(&context, &live, self.process).await;
                    *lock(&self.live) = None;
                    context.telemetry.disconnected(&why);
                    // A connection that was lost soon is made again as slowly as one that could not be made.
                    if context.clock.now().saturating_sub(since) > nanos(RETRY.1) {
                        retry = RETRY.0;
                    }
                }
                Ok(Connected::Unsettled(wait)) => {
                    retry = RETRY.0;
                    pause(wait.min(context.trust.heartbeat())).await;
                    continue;
                }
                Err(error) => {
                    context.settle_wait.pause();
                    context.telemetry.cannot_connect(&error);
                }
            }
            pause(retry.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            retry = (retry * 2).min(RETRY.1);
        }
    }
}

/// The result of a heartbeat that was answered.
enum Beat {
    /// All entries appended before this time are folded, and the server was the master then.
    Counts(u64),
    /// The master is not confirmed, but the last confirmation still holds.
    Pending,
    /// The server may have a successor, for this reason.
    Withheld(&'static str),
}

/// Sends heartbeats until the connection is lost, and returns the reason.
async fn watch(context: &Context, live: &LiveConnection, process: ProcessId) -> RedisError {
    let mut unanswered = 0;
    let mut pause = Duration::ZERO;
    loop {
        // Every wake-up is followed by a heartbeat.
        let _ = timeout(pause, live.signals.changed.notified()).await;
        if live.signals.broken.load(Acquire) {
            return RedisError::from((ErrorKind::Io, "the connection was closed or is no longer with the master"));
        }
        if !process.is_this() {
            // A forked child that continues in its parent's runtime. Closing the connection would close the parent's too.
            std::future::pending::<()>().await;
        }
        pause = context.trust.heartbeat();
        match beat(context, live).await {
            Ok(beat) => {
                unanswered = 0;
                if has_successor(context, live) {
                    return RedisError::from((ErrorKind::Io, "another server has taken this one's place"));
                }
                apply_beat(context, live, &beat);
            }
            Err(error) if error.is_timeout() && unanswered < LOST => {
                unanswered += 1;
                if !live.signals.suspended.swap(true, Release) {
                    context.telemetry.suspended();
                }
                pause = PROBE;
            }
            Err(error) => return error,
        }
    }
}

fn apply_beat(context: &Context, live: &LiveConnection, beat: &Beat) {
    match *beat {
        Beat::Counts(sent) => {
            context.trust.answered(sent);
            if live.signals.suspended.swap(false, Release) {
                context.telemetry.resumed();
            }
        }
        Beat::Pending => {}
        Beat::Withheld(why) => {
            if !live.signals.suspended.swap(true, Release) {
                context.telemetry.withheld(why);
            }
        }
    }
}

/// Returns whether another connection has found a successor of this server, so that its heartbeats no longer count.
fn has_successor(context: &Context, live: &LiveConnection) -> bool {
    context.feed.server() != Some(live.server) || context.settle_wait.is_another(live.server)
}

/// Sends one heartbeat to the server, and asks the Sentinels to confirm that it is the master.
async fn beat(context: &Context, live: &LiveConnection) -> RedisResult<Beat> {
    let sent = context.clock.now();
    let answer = heartbeat(context, &mut live.connection.clone(), live.server, &live.history).await?;
    context.telemetry.note_latency(context.clock.now().saturating_sub(sent));
    if answer == Heartbeat::Alone {
        return Ok(Beat::Withheld("no replica of the master keeps up, so it refuses writes (`min-replicas-to-write`)"));
    }
    let Some(lease) = &live.lease else { return Ok(Beat::Counts(sent)) };
    if context.source.confirms(&live.target, context.settings.command_timeout).await? {
        lease.confirmed.fetch_max(sent, Release);
        return Ok(Beat::Counts(sent));
    }
    Ok(if lease.holds() { Beat::Pending } else { Beat::Withheld("most Sentinels do not name this master") })
}

async fn connect(context: &Context) -> RedisResult<Connected> {
    // Connections are made one at a time, because one that does not know the log starts it over for all. The wait is bounded, because
    // another runtime may have the lock and be blocked.
    let _one = timeout(context.settings.connect_timeout, context.connecting.lock()).await;
    let settings = &context.settings;
    let asked = context.clock.now();
    let target = context.source.target(settings.connect_timeout).await?;
    let signals = Arc::new(Signals::default());
    let pushes = Arc::new(Pushes::new(context, signals.clone()));
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_timeout))
        // No call waits for it yet, and reading a long log takes longer than a command may.
        .set_response_timeout(Some(settings.connect_timeout))
        .set_push_sender(PushReceiver(pushes.clone()));
    let mut connection = target.client.get_multiplexed_async_connection_with_config(&config).await?;
    let identity = identify(context, &mut connection).await?;
    if let Some(wait) = settle(context, &mut connection, &identity).await? {
        return Ok(Connected::Unsettled(wait));
    }
    let Identity { server, history, .. } = identity;
    connection.subscribe(context.channel.as_str()).await?;
    catch_up(context, &mut connection, server).await?;
    connection.set_response_timeout(settings.command_timeout);
    if !pushes.begin(server) {
        return Err(RedisError::from((ErrorKind::Client, "the log moved on while it was read")));
    }
    let lease = context.source.needs_lease().then(|| MasterLease {
        clock: context.clock.clone(),
        lasts: context.trust.lease(),
        confirmed: AtomicU64::new(asked),
    });
    Ok(Connected::Live(Arc::new(LiveConnection { connection, server, history, target, lease, signals })))
}
