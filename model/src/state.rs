//! The state of the modelled system: servers, links, nodes, and the operations that run on them.
//!
//! States are small and comparable, because each is hashed millions of times. Versions, ids, positions and times are `u8`: no scenario gets
//! near the limit.

pub(crate) use crate::message::{
    ALL, Delivery, Incarnation, KEY, OTHER, PREFIX, REFRESH, Record, Request, Scopes, Stored, Token,
};

/// A server process: a present or former primary.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Server {
    pub(crate) run: u8,
    pub(crate) reachable: bool,
    /// The time at which it became the primary.
    pub(crate) since: u8,
    /// The last tick at which a former primary executes requests; `None` for the present one, and for one that is never demoted.
    pub(crate) until: Option<u8>,
    /// True if it was promoted, or started with another server's data.
    pub(crate) promoted: bool,
    /// The last id that was used, even if its entry is gone.
    pub(crate) clock: u8,
    pub(crate) log: Vec<Record>,
    pub(crate) l2: Option<Stored>,
    /// Requests of links that were cut, which may still be executed, in this order.
    pub(crate) orphans: Vec<Request>,
    /// The time at which each node sent the last PING that was answered, or received a value. Used by the contract.
    pub(crate) answered: [u8; 2],
}

/// The state of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Link {
    /// Not connected.
    Down,
    /// Subscribed, and waiting for the delta; not in use yet.
    Syncing,
    /// Used by all operations.
    Ready,
    /// Connected to a server whose log is not settled for it.
    Waiting,
}

/// A connection of a node. Both queues are first in, first out.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Conn {
    pub(crate) server: u8,
    pub(crate) link: Link,
    pub(crate) requests: Vec<Request>,
    pub(crate) deliveries: Vec<Delivery>,
}

/// The log as far as a node has folded it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Feed {
    /// `None` during a reset.
    pub(crate) incarnation: Option<Incarnation>,
    pub(crate) position: u8,
    /// The last folded id of `KEY` and of `PREFIX`.
    pub(crate) scopes: [u8; 2],
    /// The last folded id of a refresh of `KEY` and of `PREFIX`.
    pub(crate) refreshed: [u8; 2],
    pub(crate) floor: u8,
    /// Incarnations that the node has left for good.
    pub(crate) retired: Vec<Incarnation>,
    /// The server that the feed follows. Used by the contract.
    pub(crate) server: u8,
}

/// The local log: a counter, and the positions at which scopes were raised last.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Local {
    pub(crate) counter: u8,
    pub(crate) scopes: [u8; 2],
    pub(crate) refreshed: [u8; 2],
    pub(crate) floor: u8,
}

/// The effect of the end of a fold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum After {
    /// None, after a push.
    Nothing,
    /// The connection may be used, after a delta.
    Ready,
    /// The operation may return `Announced`.
    Return(u8),
    /// The ring entry of these operations and scopes is removed.
    Replayed(u8, Scopes),
}

/// Records on their way into a node's tables. One fold at a time, in steps that readers can see.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Fold {
    pub(crate) conn: u8,
    pub(crate) records: Vec<Record>,
    pub(crate) stage: u8,
    /// The incarnation that the first record starts, if it starts one.
    pub(crate) reset: Option<Incarnation>,
    /// True if records before the first one are missing.
    pub(crate) gap: bool,
    /// True if the current record was folded already.
    pub(crate) seen: bool,
    /// The id of the previous record.
    pub(crate) last: u8,
    pub(crate) after: After,
}

/// An invalidation that is not known to be in the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct RingEntry {
    /// The operations that the entry stands for, as bits.
    pub(crate) ops: u8,
    pub(crate) scopes: Scopes,
    pub(crate) doubt: bool,
    /// The connection on which the replay was sent.
    pub(crate) replay: Option<u8>,
}

/// A value in L1, or an in-flight load. Both carry the local position at which their load began.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Placed {
    /// The version of a value, or the leading operation of an in-flight load.
    pub(crate) what: u8,
    pub(crate) local: u8,
    /// True for a value of the shared tier that was expired there.
    pub(crate) expired: bool,
}

/// A process.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Node {
    pub(crate) local: Local,
    pub(crate) feed: Feed,
    pub(crate) conns: Vec<Conn>,
    pub(crate) fold: Option<Fold>,
    pub(crate) l1: Option<Placed>,
    pub(crate) flight: Option<Placed>,
    pub(crate) ring: Vec<RingEntry>,
    pub(crate) trusted: u8,
    /// The local counter at each time, as the node has sampled it.
    pub(crate) samples: Vec<u8>,
    /// The unsettled server that the node waits for.
    pub(crate) sight: Option<Sight>,
    /// The last tick at which the lease allows requests; `None` before the first heartbeat that counts.
    pub(crate) leased: Option<u8>,
}

/// The first sight of a server whose log is not settled for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Sight {
    pub(crate) server: u8,
    pub(crate) since: u8,
    /// The life of the log's last entry.
    pub(crate) life: Option<u8>,
    /// True if the wait is over and the log is entered without a new life, which is a mistake.
    pub(crate) over: bool,
}

/// The kind of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Kind {
    /// Reads the key.
    Read,
    /// Reads the key, and accepts an expired value.
    StaleRead,
    /// Writes the origin, then invalidates or refreshes these scopes.
    Invalidate(Scopes),
    /// Writes the origin, and stores the new value.
    Put,
}

impl Kind {
    pub(crate) fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::StaleRead)
    }

    pub(crate) fn is_refresh(self) -> bool {
        matches!(self, Self::Invalidate(scopes) if scopes & REFRESH != 0)
    }
}

/// The position at which a load began.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct LoadStart {
    pub(crate) local: u8,
    pub(crate) incarnation: Option<Incarnation>,
    pub(crate) id: u8,
}

/// The reply of GET, and its connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Reply {
    pub(crate) stored: Option<Stored>,
    pub(crate) conn: u8,
    /// True if the connection was lost after the reply arrived.
    pub(crate) stale: bool,
}

/// The progress of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Phase {
    /// Not started.
    Idle,
    /// A read that waits for another one's load.
    Joined(u8),
    /// A read that leads, before it sends GET.
    Leading,
    /// GET was sent on this connection, after this local position was read.
    Asked(u8, u8),
    /// The reply is in the reader's mailbox.
    Received(Reply, u8),
    /// The value of the shared tier was found valid.
    Judged(u8, u8),
    /// A miss, before the start of the load is noted.
    Missed,
    /// The local position was noted.
    NotedLocal(u8),
    /// The local position and the incarnation were noted.
    NotedIncarnation(u8, Option<Incarnation>),
    /// The start of the load was noted in full: the origin may be read.
    Started(LoadStart),
    /// The origin answered.
    Loaded(LoadStart, u8),
    /// A put whose body is about to write.
    Writing,
    /// A write whose origin was written.
    Written,
    /// The script was sent on this connection.
    Sent(u8),
    /// The script was lost, or took too long.
    Lost,
    /// The ring entry is in doubt, and the scopes are raised next.
    Doubted,
    /// The operation's own record was folded, in this incarnation, with this id, from this server's log.
    Folded(Incarnation, u8, u8),
    /// The call has returned.
    Done,
}

/// The result of folding a put's own record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Verdict {
    /// The record was not folded yet.
    Open,
    /// Another record concerned the key since the body began.
    Overtaken,
    /// The value may be stored: in L1 under this local position, if the clock has not ticked since the script was sent.
    Valid(Option<u8>),
}

/// A call of a cached, invalidating or putting function.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Op {
    pub(crate) node: u8,
    pub(crate) kind: Kind,
    pub(crate) phase: Phase,
    /// The oldest version that a read may return, fixed at its start; the version that a write wrote.
    pub(crate) version: u8,
    /// The oldest version that the shared tier may return to a read, fixed when GET was sent.
    pub(crate) shared: u8,
    /// The oldest version that a former primary may return to a read, fixed at its start by its own node's announcements.
    pub(crate) own: u8,
    /// The local position before the body of a put.
    pub(crate) began: u8,
    /// The time at which the script of a put was sent.
    pub(crate) sent: u8,
    /// The result of folding the own record of a put.
    pub(crate) verdict: Verdict,
}

/// An invalidation or a refresh that returned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Announcement {
    pub(crate) version: u8,
    pub(crate) node: u8,
    pub(crate) time: u8,
    /// The server whose log has it; `None` for `LocalOnly`.
    pub(crate) server: Option<u8>,
    /// Nodes, as bits, that had left that server's incarnation before.
    pub(crate) ahead: u8,
    pub(crate) refresh: bool,
}

/// The number of times that each fault may still happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Faults {
    /// Links that are cut.
    pub(crate) cuts: u8,
    /// Writes that time out although the link works.
    pub(crate) timeouts: u8,
    /// Log heads that are trimmed.
    pub(crate) trims: u8,
    /// Times that all data is lost.
    pub(crate) flushes: u8,
    /// Times that a replica takes over.
    pub(crate) failovers: u8,
    /// Times that a replica is promoted while the former primary goes on.
    pub(crate) handovers: u8,
    /// Table pairs that are evicted.
    pub(crate) evictions: u8,
    /// Reads that are dropped while they lead.
    pub(crate) cancels: u8,
    /// Ticks of the clock.
    pub(crate) ticks: u8,
}

/// A moment of the whole system.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct State {
    pub(crate) now: u8,
    pub(crate) origin: u8,
    pub(crate) nonces: u8,
    pub(crate) servers: Vec<Server>,
    /// The data of the replica, a former state of the last server's data.
    pub(crate) replica: Option<(Vec<Record>, Option<Stored>)>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) ops: Vec<Op>,
    pub(crate) announced: Vec<Announcement>,
    pub(crate) faults: Faults,
    /// The first violation of the contract.
    pub(crate) violation: Option<String>,
}
