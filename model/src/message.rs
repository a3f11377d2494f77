//! Messages between nodes and servers, and stored values.

/// A set of scopes as bits. There is one key.
pub(crate) type Scopes = u8;
/// A scope that does not cover the key.
pub(crate) const OTHER: Scopes = 8;
/// The key's own scope.
pub(crate) const KEY: Scopes = 1;
/// The prefix that holds the key.
pub(crate) const PREFIX: Scopes = 2;
/// All scopes: the replay appends this after the ring overflowed.
pub(crate) const ALL: Scopes = 4;

/// Flag of a refresh: loads that began before are expired, not invalid.
pub(crate) const REFRESH: Scopes = 16;

/// The name of one life of one server's log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Incarnation {
    /// The server process.
    pub(crate) run: u8,
    /// The life of the log, copied from entry to entry.
    pub(crate) nonce: u8,
}

/// The origin of a record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Token {
    /// The first entry of an empty log, or an entry whose only purpose is to find the log's end.
    Genesis,
    /// The append of an invalidation or a put, by the number of the operation.
    Own(u8),
    /// The replay of a ring entry, by the operations that the entry stands for.
    Replay(u8),
}

/// An entry of the log, and the push that publishes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Record {
    pub(crate) id: u8,
    pub(crate) prev: u8,
    pub(crate) nonce: u8,
    /// The server that the life of the log names.
    pub(crate) names: u8,
    pub(crate) scopes: Scopes,
    pub(crate) token: Token,
}

/// A value in the shared tier.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Stored {
    pub(crate) value: u8,
    pub(crate) incarnation: Incarnation,
    pub(crate) id: u8,
}

/// A request of a node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Request {
    /// GET, for an operation.
    Get(u8),
    /// SET.
    Set(Stored),
    /// The append script.
    Append(Scopes, Token),
    /// XRANGE from a position, inclusive.
    Delta(u8),
    /// PING, with the time at which it was sent.
    Ping(u8),
    /// The script that gives the log a new life, which names the server, if the given life is still its last, or if it is still empty.
    Settle(Option<u8>),
}

/// A message to a node, in the order in which the server executed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Delivery {
    /// A published record.
    Push(Record),
    /// The reply of GET.
    Value(u8, Option<Stored>),
    /// The reply of the append script.
    Appended(Record),
    /// The reply of XRANGE: the requested position, the records, and the log's last entry.
    Delta(u8, Vec<Record>, Option<Record>),
    /// The reply of PING.
    Pong(u8),
}
