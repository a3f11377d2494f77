//! The shared log in Redis: a stream, its entries, and the messages that are published when it grows.
//!
//! An entry has two fields: `l`, the *life* of the log (a random name of 16 hexadecimal digits, chosen for the first entry and copied by
//! every later one), and `r`, the bytes of a [`Record`]. Further fields are ignored. Any other entry is *foreign*, of another program: its
//! meaning is unknown, so it counts as an invalidation of everything.
//!
//! A message on the log's channel is `life id previous token record`. The token is 16 hexadecimal digits. A plus sign before them says that
//! the first four are the number of the database, because all databases of a server share its channels. Builds of record format 1 write no
//! sign and read both.

use redis::Value;

use crate::log::Record;

/// The position of an entry in the stream: milliseconds of the server's clock, and a number within the millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamId {
    milliseconds: u64,
    number: u64,
}

/// The name of one life of the log: 32 random bits, and 32 bits of the identity of the server on which it began. A log that was lost
/// (flushed, evicted, deleted) starts another life, and so does the log of a server that was [promoted](super::settle).
pub(crate) type Life = u64;

/// Returns the name of a new life of the log on this server.
pub(super) fn new_life(server: u64) -> Life {
    (u64::from(fastrand::u32(1..)) << 32) | (server & 0xFFFF_FFFF)
}

/// Returns whether a life of the log began on this server.
pub(super) fn names_server(life: Life, server: u64) -> bool {
    life << 32 == server << 32
}

/// A life of the log on one server. Positions are comparable only within one incarnation: after a failover or a flush an id may be used
/// a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incarnation {
    /// The identity of the server.
    pub(crate) server: u64,
    pub(crate) life: Life,
}

impl Incarnation {
    pub(crate) fn hash(self) -> u64 {
        xxhash_rust::xxh3::xxh3_64_with_seed(&self.life.to_le_bytes(), self.server)
    }
}

/// An entry that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) life: Life,
    pub(crate) id: StreamId,
}

impl StreamId {
    pub(crate) const ZERO: Self = Self { milliseconds: 0, number: 0 };

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (milliseconds, number) = std::str::from_utf8(text).ok()?.split_once('-')?;
        Some(Self { milliseconds: milliseconds.parse().ok()?, number: number.parse().ok()? })
    }

    /// Packs the id into 64 bits that have the same order. Numbers that do not fit (65 535 and more in one millisecond) become the last of
    /// their millisecond. For invalidations: rounds up.
    pub(crate) fn packed_up(self) -> u64 {
        self.packed(0xFFFF)
    }

    /// Does what [`packed_up`](Self::packed_up) does for loads: rounds down.
    pub(crate) fn packed_down(self) -> u64 {
        self.packed(0xFFFE)
    }

    /// Returns whether no other id packs to the same number.
    pub(crate) fn is_exact(self) -> bool {
        self.number < 0xFFFF && self.milliseconds < (1 << 48) - 1
    }

    fn packed(self, last: u64) -> u64 {
        (self.milliseconds.min((1 << 48) - 1) << 16) | self.number.min(last)
    }
}

impl std::fmt::Display for StreamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.milliseconds, self.number)
    }
}

/// An entry as it is published.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) entry: Appended,
    pub(crate) previous: StreamId,
    pub(crate) token: u64,
    /// `None` if the record cannot be read.
    pub(crate) record: Option<Record>,
}

impl Published {
    /// Parses a message, if it may be of the log in this database.
    pub(crate) fn parse(message: &[u8], database: Database) -> Option<Self> {
        let mut parts = message.splitn(5, |byte| *byte == b' ');
        let life = hex(parts.next()?)?;
        let id = StreamId::parse(parts.next()?)?;
        let previous = StreamId::parse(parts.next()?)?;
        let (theirs, token) = parse_token(parts.next()?)?;
        let record = parts.next()?;
        let may_be_ours = theirs.is_none_or(|theirs| theirs == database);
        may_be_ours.then(|| Self { entry: Appended { life, id }, previous, token, record: Record::from_bytes(record) })
    }
}

/// The number of a database. Numbers that do not fit become the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Database(u16);

impl Database {
    pub(crate) fn new(number: i64) -> Self {
        Self(u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// Returns the token of a message from this database.
    pub(crate) fn token(self, token: u64) -> String {
        format!("+{:04x}{:012x}", self.0, token & MAX_TOKEN)
    }
}

/// The largest token: the database takes the other 16 bits.
pub(crate) const MAX_TOKEN: u64 = (1 << 48) - 1;

fn parse_token(text: &[u8]) -> Option<(Option<Database>, u64)> {
    let Some(digits) = text.strip_prefix(b"+") else { return Some((None, hex(text)?)) };
    let word = hex(digits)?;
    let database = u16::try_from(word >> 48).ok()?;
    Some((Some(Database(database)), word & MAX_TOKEN))
}

fn hex(text: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}

/// Parses the name of a life, which has 16 digits.
pub(super) fn parse_life(text: &[u8]) -> Option<Life> {
    let is_life = text.len() == 16 && text.iter().all(u8::is_ascii_hexdigit);
    hex(text).filter(|_| is_life)
}

/// An entry as it is read from the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StreamEntry {
    pub(crate) id: StreamId,
    /// `None` for a foreign entry.
    pub(crate) life: Option<Life>,
    /// `None` if the record cannot be read, as for a foreign entry.
    pub(crate) record: Option<Record>,
}

/// Reads up to `count` entries of the stream in order, from `from` on (inclusive).
pub(crate) async fn range(
    connection: &mut impl redis::aio::ConnectionLike,
    stream: &str,
    from: Option<StreamId>,
    count: usize,
) -> redis::RedisResult<Vec<StreamEntry>> {
    let from = from.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let mut command = redis::cmd("XRANGE");
    command.arg(stream).arg(from).arg("+").arg("COUNT").arg(count);
    let entries: Vec<Value> = command.query_async(connection).await?;
    entries.iter().map(|entry| parse_entry(entry).ok_or_else(unreadable)).collect()
}

/// Returns the number of entries of the stream.
pub(crate) async fn len(connection: &mut impl redis::aio::ConnectionLike, stream: &str) -> redis::RedisResult<usize> {
    redis::cmd("XLEN").arg(stream).query_async(connection).await
}

/// Reads the last entries of the stream, in order.
pub(crate) async fn tail(
    connection: &mut impl redis::aio::ConnectionLike,
    stream: &str,
    count: usize,
) -> redis::RedisResult<Vec<StreamEntry>> {
    let mut command = redis::cmd("XREVRANGE");
    command.arg(stream).arg("+").arg("-").arg("COUNT").arg(count);
    let entries: Vec<Value> = command.query_async(connection).await?;
    entries.iter().rev().map(|entry| parse_entry(entry).ok_or_else(unreadable)).collect()
}

/// Returns the last entry of a reply to `XINFO STREAM`; `None` if the log is empty or gone.
///
/// Only the heartbeat uses `XINFO`, so that a server's command statistics show the cost of heartbeats.
pub(crate) fn last_entry(info: &Value) -> redis::RedisResult<Option<StreamEntry>> {
    let field = |name: &[u8]| match info {
        Value::Map(fields) => fields.iter().find(|(key, _)| is_bytes(key, name)).map(|(_, value)| value),
        Value::Array(fields) => {
            fields.as_chunks::<2>().0.iter().find(|[key, _]| is_bytes(key, name)).map(|[_, value]| value)
        }
        _ => None,
    };
    match field(b"last-entry") {
        Some(Value::Nil) => Ok(None),
        Some(entry) => parse_entry(entry).map(Some).ok_or_else(unreadable),
        None => Err(unreadable()),
    }
}

/// Parses `[id, [l, life, r, record, ..]]`, or a foreign entry.
fn parse_entry(entry: &Value) -> Option<StreamEntry> {
    let [id, fields] = entry.as_sequence()? else { return None };
    let id = StreamId::parse(&redis::from_redis_value_ref::<Vec<u8>>(id).ok()?)?;
    let (life, record) = fields.as_sequence().and_then(parse_fields).unzip();
    Some(StreamEntry { id, life, record: record.flatten() })
}

fn parse_fields(fields: &[Value]) -> Option<(Life, Option<Record>)> {
    let [l, Value::BulkString(life), r, Value::BulkString(record), ..] = fields else { return None };
    let is_ours = is_bytes(l, b"l") && is_bytes(r, b"r");
    let life = parse_life(life).filter(|_| is_ours)?;
    Some((life, Record::from_bytes(record)))
}

fn is_bytes(value: &Value, expected: &[u8]) -> bool {
    match value {
        Value::BulkString(bytes) => bytes == expected,
        Value::SimpleString(text) => text.as_bytes() == expected,
        _ => false,
    }
}

pub(super) fn unreadable() -> redis::RedisError {
    redis::RedisError::from((redis::ErrorKind::UnexpectedReturnType, "the server's reply about the log cannot be read"))
}

#[cfg(test)]
mod tests;
