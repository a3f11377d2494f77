//! What the model knows of the world: servers, links, nodes and the operations that run on them.
//!
//! Everything is small and comparable, because a state is hashed a million times. Versions, ids, positions and times are
//! `u8`: no scenario gets near the limit.

pub(crate) use crate::message::{
    ALL, Delivery, Incarnation, KEY, OTHER, PREFIX, REFRESH, Record, Request, Scopes, Stored, Token,
};

/// One server process: a primary, now or formerly.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Server {
    pub(crate) run: u8,
    pub(crate) reachable: bool,
    /// When it became the primary.
    pub(crate) since: u8,
    /// The last tick at which a former primary executes anything; `None` for the present one, and for one that is never demoted.
    pub(crate) until: Option<u8>,
    /// It was promoted, or began with another server's data.
    pub(crate) promoted: bool,
    /// The id that was given out last, whatever became of the entry.
    pub(crate) clock: u8,
    pub(crate) log: Vec<Record>,
    pub(crate) l2: Option<Stored>,
    /// Requests of links that were cut: they may still be executed, in this order.
    pub(crate) orphans: Vec<Request>,
    /// For the contract: when each node sent the last PING that was answered, or got a value.
    pub(crate) answered: [u8; 2],
}

/// How far a connection is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Link {
    /// Not connected.
    Down,
    /// Subscribed, the delta is under way; nothing else may use it.
    Syncing,
    /// In use.
    Ready,
    /// Connected to a server whose log is not settled for it.
    Waiting,
}

/// One connection of a node. Both queues are first in, first out.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Conn {
    pub(crate) server: u8,
    pub(crate) link: Link,
    pub(crate) requests: Vec<Request>,
    pub(crate) deliveries: Vec<Delivery>,
}

/// What a node knows of the log.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Feed {
    /// `None` while a reset is under way.
    pub(crate) incarnation: Option<Incarnation>,
    pub(crate) position: u8,
    /// The last folded id of `KEY` and of `PREFIX`.
    pub(crate) scopes: [u8; 2],
    /// The same of refreshes.
    pub(crate) refreshed: [u8; 2],
    pub(crate) floor: u8,
    /// Incarnations that the node has left for good.
    pub(crate) retired: Vec<Incarnation>,
    /// For the contract: the server that the feed follows.
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

/// What happens when a fold has ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum After {
    /// Nothing: it was a push.
    Nothing,
    /// The connection may be used: it was a delta.
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
    /// The first record begins a new incarnation.
    pub(crate) reset: Option<Incarnation>,
    /// Something before the first record is missing.
    pub(crate) gap: bool,
    /// The current record was folded already.
    pub(crate) seen: bool,
    /// The id of the record before.
    pub(crate) last: u8,
    pub(crate) after: After,
}

/// An invalidation that is not known to be in the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct RingEntry {
    /// The operations that it stands for, as bits.
    pub(crate) ops: u8,
    pub(crate) scopes: Scopes,
    pub(crate) doubt: bool,
    /// The connection on which the replay was sent.
    pub(crate) replay: Option<u8>,
}

/// A value in L1, or a flight: both carry the local position at which their load began.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Placed {
    /// The version, or for a flight the operation that leads it.
    pub(crate) what: u8,
    pub(crate) local: u8,
    /// A value of the shared tier that was expired there.
    pub(crate) expired: bool,
}

/// One process.
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
    /// The local counter at each time, as the node recorded it.
    pub(crate) samples: Vec<u8>,
    /// The unsettled server that it waits for.
    pub(crate) sight: Option<Sight>,
    /// The last tick at which it may ask the shared tier by its lease; `None` before the first heartbeat that counts.
    pub(crate) leased: Option<u8>,
}

/// The first sight of a server whose log is not settled for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Sight {
    pub(crate) server: u8,
    pub(crate) since: u8,
    /// The life of the log's last entry.
    pub(crate) life: Option<u8>,
    /// The wait is over, and the log is entered as it is: a mistake.
    pub(crate) over: bool,
}

/// What an operation does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Kind {
    /// Reads the key.
    Read,
    /// Reads the key, and is served an expired value where there is one.
    StaleRead,
    /// Writes the origin, then invalidates or refreshes these scopes.
    Invalidate(Scopes),
    /// Writes the origin and stores what it wrote.
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
pub(crate) struct Began {
    pub(crate) local: u8,
    pub(crate) incarnation: Option<Incarnation>,
    pub(crate) id: u8,
}

/// What GET brought, and on which connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Reply {
    pub(crate) stored: Option<Stored>,
    pub(crate) conn: u8,
    /// The connection was lost since.
    pub(crate) stale: bool,
}

/// Where an operation stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Phase {
    /// Not started.
    Idle,
    /// A read that waits for another's flight.
    Joined(u8),
    /// A read that leads a flight and has not asked the shared tier.
    Boarded,
    /// GET was sent on this connection; the local position was taken before.
    Asked(u8, u8),
    /// The reply lies in the reader's mailbox.
    Received(Reply, u8),
    /// The shared tier's value was found valid.
    Judged(u8, u8),
    /// A miss: nothing was noted yet.
    Missed,
    /// The local position was noted.
    NotedLocal(u8),
    /// So was the incarnation.
    NotedIncarnation(u8, Option<Incarnation>),
    /// So was the feed's position: the origin may be asked.
    Began(Began),
    /// The origin answered.
    Loaded(Began, u8),
    /// A put whose body is about to write.
    Writing,
    /// A write whose origin was written.
    Written,
    /// The script was sent on this connection.
    Sent(u8),
    /// It was lost, or took too long.
    Lost,
    /// The first of two steps was taken: the ring entry is in doubt, the scopes are raised next.
    Doubted,
    /// The own record was folded, in this incarnation, with this id, by this server's log.
    Folded(Incarnation, u8, u8),
    /// Returned.
    Done,
}

/// What the fold of a put's own record found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Verdict {
    /// It was not folded yet.
    Open,
    /// Something else concerned the key since the body began.
    Overtaken,
    /// The value may be stored; in L1 under this local position, if the clock has not ticked since the script was sent.
    Valid(Option<u8>),
}

/// One call of a cached, invalidating or putting function.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Op {
    pub(crate) node: u8,
    pub(crate) kind: Kind,
    pub(crate) phase: Phase,
    /// A read: the oldest version that it may return, fixed at its start. A write: the version that it wrote.
    pub(crate) version: u8,
    /// A read: the same for a value from the shared tier, fixed when GET was sent.
    pub(crate) shared: u8,
    /// A read: the same for a value of a former primary, fixed at its start: what its own node said.
    pub(crate) own: u8,
    /// A put: the local position before its body.
    pub(crate) began: u8,
    /// A put: the time at which the script was sent.
    pub(crate) sent: u8,
    /// A put: whether its own record was folded, and what that said.
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

/// How often each fault may still happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Faults {
    /// Links that are cut.
    pub(crate) cuts: u8,
    /// Writes that give up waiting although the link is whole.
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
    /// What the replica has: a former state of the last server's data.
    pub(crate) replica: Option<(Vec<Record>, Option<Stored>)>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) ops: Vec<Op>,
    pub(crate) announced: Vec<Announcement>,
    pub(crate) faults: Faults,
    /// The first broken promise.
    pub(crate) violation: Option<String>,
}
