//! What nodes and servers send each other, and what is stored.

/// A set of scopes as bits. There is one key.
pub(crate) type Scopes = u8;
/// A scope that does not cover the key.
pub(crate) const OTHER: Scopes = 8;
/// The key's own scope.
pub(crate) const KEY: Scopes = 1;
/// The prefix that holds the key.
pub(crate) const PREFIX: Scopes = 2;
/// Everything: what the replay appends after the ring overflowed.
pub(crate) const ALL: Scopes = 4;

/// The scopes are refreshed: what began before is expired, and not invalid.
pub(crate) const REFRESH: Scopes = 16;

/// The name of one life of one server's log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Incarnation {
    /// Which server process.
    pub(crate) run: u8,
    /// Which life of the log; copied from entry to entry.
    pub(crate) nonce: u8,
}

/// Whose append a record is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Token {
    /// The first entry of a log that was empty, or one that only asks for the log's end.
    Genesis,
    /// An invalidation's or a put's own append, by the number of the operation.
    Own(u8),
    /// The replay of a ring entry, by the operations that it stands for.
    Replay(u8),
}

/// One entry of the log, and the push that tells of it.
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

/// What a node sends.
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
    /// Gives the log a new life that names the server, if the life that was seen is still its last, or if it is still empty.
    Settle(Option<u8>),
}

/// What a node gets, in the order in which the server executed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Delivery {
    /// A published record.
    Push(Record),
    /// The reply of GET.
    Value(u8, Option<Stored>),
    /// The reply of the append script.
    Appended(Record),
    /// The reply of XRANGE, the position that was asked for, and the log's last entry.
    Delta(u8, Vec<Record>, Option<Record>),
    /// The reply of PING.
    Pong(u8),
}
