//! One connection to the server of the log: made, kept, and made again.
//!
//! Every link is RESP3 and subscribed to the log's channel. A server writes pushes and replies of one connection in the
//! order of execution, and the driver hands a push to [`Pushes`] before it delivers the next reply: so when the reply of a
//! read is here, every invalidation that was executed before that read has been folded.
//!
//! Making a link: who the server is (run id; only a master will do), whether its log is [settled](super::settle), subscribe, then the
//! *delta*, which is everything from the known position on; the link is used when all of it was folded. If the delta does not begin
//! with the very entry that is the known position, or the server is another one, everything begins anew.
//!
//! A command that runs into its timeout *suspends* the link: nobody uses it until a heartbeat is answered. So a server that
//! hangs delays those who are waiting for it at that moment once, and nobody after them.
//!
//! Where Sentinels name the master, a link is used only under a *lease*: a heartbeat counts if most of them named this server when it
//! was sent, and without such a heartbeat the link rests after a while. A process that is alone with a former master would otherwise
//! go on for as long as that lasts.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::catch_up::catch_up;
use super::hub::Hub;
use super::pushes::{Pushes, Receiver};
use super::server::{Heartbeat, Identity, heartbeat, identify};
use super::settle::settle;
use super::source::Target;
use crate::clock::{Clock, Process, nanos, pause};
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
    /// A forked child must not write into its parent's connections, nor read from them.
    process: Process,
}

/// A connection in use.
pub(crate) struct Live {
    pub(crate) connection: MultiplexedConnection,
    /// The server's identity.
    pub(crate) server: u64,
    history: String,
    target: Target,
    lease: Option<Lease>,
    state: Arc<State>,
}

/// The right to use a master, which its Sentinels have to confirm again and again.
struct Lease {
    clock: Clock,
    /// The time for which a confirmation lasts, in nanoseconds.
    lasts: u64,
    /// The time of the last question that was answered with a confirmation.
    confirmed: AtomicU64,
}

/// The result of an attempt to connect.
enum Connected {
    Live(Arc<Live>),
    /// A server whose log is not settled; it may be after this time.
    Unsettled(Duration),
}

/// What all who use a connection tell each other.
#[derive(Default)]
pub(super) struct State {
    suspended: AtomicBool,
    broken: AtomicBool,
    /// Wakes the link's own task.
    changed: Notify,
}

impl Lease {
    fn holds(&self) -> bool {
        self.clock.now().saturating_sub(self.confirmed.load(Acquire)) <= self.lasts
    }
}

impl Live {
    /// Returns whether commands may be sent over it.
    fn is_usable(&self) -> bool {
        let answers = !self.state.suspended.load(Acquire) && !self.state.broken.load(Acquire);
        answers && self.is_confirmed()
    }

    /// Returns whether the server is confirmed as the master at this moment. This process may have stood still since the last confirmation,
    /// also between a look and a command, so a reply counts only if this holds when it is here.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.lease.as_ref().is_none_or(Lease::holds)
    }

    /// Has the log looked at, because something was heard that does not fit it.
    pub(crate) fn look(&self) {
        self.state.look();
    }

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
    /// Has the link's own task look at the log.
    pub(super) fn look(&self) {
        self.changed.notify_one();
    }

    pub(super) fn break_off(&self) {
        self.broken.store(true, Release);
        self.changed.notify_one();
    }
}

/// Returns whether the server is gone, or no longer the one that may be talked to.
pub(super) fn ends_link(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly};
    error.is_unrecoverable_error()
        || error.is_io_error()
        || matches!(error.kind(), ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | Moved | ReadOnly))
}

impl Link {
    /// The connection, if there is one that answers.
    pub(crate) fn live(&self) -> Option<Arc<Live>> {
        if !self.process.is_this() {
            return None;
        }
        lock(&self.live).clone().filter(|live| live.is_usable())
    }

    /// Makes the connection and keeps it, for ever.
    pub(crate) async fn keep(self: Arc<Self>, hub: Arc<Hub>) {
        let mut retry = RETRY.0;
        loop {
            let connected = timeout(hub.settings.connect_timeout.saturating_mul(4), connect(&hub)).await;
            match connected.unwrap_or_else(|_| Err(too_slow())) {
                Ok(Connected::Live(live)) => {
                    let since = hub.clock.now();
                    *lock(&self.live) = Some(live.clone());
                    hub.connected();
                    let why = tend(&hub, &live, self.process).await;
                    *lock(&self.live) = None;
                    hub.disconnected(&why);
                    // A link that does not last is made again as slowly as one that cannot be made.
                    if hub.clock.now().saturating_sub(since) > nanos(RETRY.1) {
                        retry = RETRY.0;
                    }
                }
                Ok(Connected::Unsettled(wait)) => {
                    retry = RETRY.0;
                    pause(wait.min(hub.trust.heartbeat())).await;
                    continue;
                }
                Err(error) => hub.cannot_connect(&error),
            }
            pause(retry.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            retry = (retry * 2).min(RETRY.1);
        }
    }
}

/// The proof in a heartbeat that was answered.
enum Beat {
    /// Everything that was appended before this time was folded, and the server was the master then.
    Counts(u64),
    /// No proof, but not for too long yet.
    Pending,
    /// No proof, because the server may have a successor.
    Withheld(&'static str),
}

/// Sends heartbeats until the link is lost, and says why.
async fn tend(hub: &Hub, live: &Live, process: Process) -> RedisError {
    let mut unanswered = 0;
    let mut pause = Duration::ZERO;
    loop {
        // Whatever wakes it, it asks the server.
        let _ = timeout(pause, live.state.changed.notified()).await;
        if live.state.broken.load(Acquire) {
            return RedisError::from((ErrorKind::Io, "the connection was closed or is no longer with the master"));
        }
        if !process.is_this() {
            // In a forked child that goes on in its parent's runtime. To close the connection there would take the parent's from it.
            std::future::pending::<()>().await;
        }
        pause = hub.trust.heartbeat();
        match beat(hub, live).await {
            Ok(beat) => {
                unanswered = 0;
                if has_successor(hub, live) {
                    return RedisError::from((ErrorKind::Io, "another server has taken this one's place"));
                }
                heed(hub, live, &beat);
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

fn heed(hub: &Hub, live: &Live, beat: &Beat) {
    match *beat {
        Beat::Counts(sent) => {
            hub.trust.answered(sent);
            if live.state.suspended.swap(false, Release) {
                hub.resumed();
            }
        }
        Beat::Pending => {}
        Beat::Withheld(why) => {
            if !live.state.suspended.swap(true, Release) {
                hub.withheld(why);
            }
        }
    }
}

/// Returns whether another link has found a successor of this one's server, so that this link proves nothing any more.
fn has_successor(hub: &Hub, live: &Live) -> bool {
    hub.feed.server() != Some(live.server) || hub.settling.is_another(live.server)
}

/// Sends one heartbeat: asks the server, and the Sentinels that have to confirm that it is the master.
async fn beat(hub: &Hub, live: &Live) -> RedisResult<Beat> {
    let sent = hub.clock.now();
    let answer = heartbeat(hub, &mut live.connection.clone(), live.server, &live.history).await?;
    hub.heard(sent);
    if answer == Heartbeat::Alone {
        return Ok(Beat::Withheld("no replica of the master keeps up, so it refuses writes (`min-replicas-to-write`)"));
    }
    let Some(lease) = &live.lease else { return Ok(Beat::Counts(sent)) };
    if hub.source.confirms(&live.target, hub.settings.command_timeout).await? {
        lease.confirmed.fetch_max(sent, Release);
        return Ok(Beat::Counts(sent));
    }
    Ok(if lease.holds() { Beat::Pending } else { Beat::Withheld("most Sentinels do not name this master") })
}

pub(super) fn too_slow() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

async fn connect(hub: &Hub) -> RedisResult<Connected> {
    // One at a time: a link that finds the log unknown begins anew for all.
    let _one = hub.connecting.lock().await;
    let settings = &hub.settings;
    let asked = hub.clock.now();
    let target = hub.source.target(settings.connect_timeout).await?;
    let state = Arc::new(State::default());
    let pushes = Arc::new(Pushes::new(hub, state.clone()));
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_timeout))
        // Nobody waits for it yet, and a long log takes longer to read than a command may.
        .set_response_timeout(Some(settings.connect_timeout))
        .set_push_sender(Receiver(pushes.clone()));
    let mut connection = target.client.get_multiplexed_async_connection_with_config(&config).await?;
    let identity = identify(hub, &mut connection).await?;
    if let Some(wait) = settle(hub, &mut connection, &identity).await? {
        return Ok(Connected::Unsettled(wait));
    }
    let Identity { server, history, .. } = identity;
    connection.subscribe(hub.channel.as_str()).await?;
    catch_up(hub, &mut connection, server).await?;
    connection.set_response_timeout(settings.command_timeout);
    if !pushes.begin(server) {
        return Err(RedisError::from((ErrorKind::Client, "the log moved on while it was read")));
    }
    let lease = hub.source.needs_lease().then(|| Lease {
        clock: hub.clock.clone(),
        lasts: hub.trust.lease(),
        confirmed: AtomicU64::new(asked),
    });
    Ok(Connected::Live(Arc::new(Live { connection, server, history, target, lease, state })))
}
