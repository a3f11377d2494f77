//! The shared log as it is in Redis: a stream, the script that appends to it, and what the script publishes.
//!
//! One entry has two fields: `l`, the *life* of the log (a random name that the first entry gets and every later one copies),
//! and `r`, the bytes of a [`Record`]. The script does all of it in one step: it reads the last entry, appends, publishes
//! `life id previous token record` on the log's channel, and trims what is older than the retention. It removes no value: who
//! invalidates does not know of which types values there are, and those that are stale are replaced or expire.

use std::sync::LazyLock;

use redis::{Script, Value};

use crate::log::Record;

/// The place of an entry in the stream: milliseconds of the server's clock, and a number within the millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamId {
    milliseconds: u64,
    number: u64,
}

/// The name of one life of the log: a log that was lost (flushed, evicted, deleted) begins another, and so does one whose server was
/// [promoted](super::settle). 32 random bits, and 32 bits of the identity of the server that it began on.
pub(crate) type Life = u64;

/// One life of the log on one server. Places are comparable within one incarnation only: after a failover or a flush an id
/// may be given out a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incarnation {
    /// A hash of the server's run id.
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

    /// In 64 bits, in the same order; numbers that do not fit (65 535 and more in one millisecond) count as the last of their
    /// millisecond. For invalidations: never before where it is.
    pub(crate) fn packed_up(self) -> u64 {
        self.packed(0xFFFF)
    }

    /// The same for what is judged: never after where it is.
    pub(crate) fn packed_down(self) -> u64 {
        self.packed(0xFFFE)
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

/// A published entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) entry: Appended,
    pub(crate) previous: StreamId,
    pub(crate) token: u64,
    pub(crate) record: Record,
}

impl Published {
    pub(crate) fn parse(message: &[u8]) -> Option<Self> {
        let mut parts = message.splitn(5, |byte| *byte == b' ');
        let life = hex(parts.next()?)?;
        let id = StreamId::parse(parts.next()?)?;
        let previous = StreamId::parse(parts.next()?)?;
        let token = hex(parts.next()?)?;
        Some(Self { entry: Appended { life, id }, previous, token, record: Record::from_bytes(parts.next()?) })
    }
}

fn hex(text: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}

/// `KEYS[1]` the stream; `ARGV`: channel, record, token, a name for a new life, and the
/// retention in milliseconds.
static APPEND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local life, previous
if last then
    previous, life = last[1], last[2][2]
else
    life = ARGV[4]
    previous = redis.call('XADD', KEYS[1], '*', 'l', life, 'r', '')
end
local oldest = tonumber(string.match(previous, '^%d+')) - tonumber(ARGV[5])
local id = redis.call('XADD', KEYS[1], 'MINID', '~', string.format('%.0f', math.max(oldest, 0)), '*', 'l', life, 'r', ARGV[2])
redis.call('PUBLISH', ARGV[1], life .. ' ' .. id .. ' ' .. previous .. ' ' .. ARGV[3] .. ' ' .. ARGV[2])
return {life, id}
",
    )
});

/// One append, as a command to be sent.
pub(crate) struct Append<'a> {
    pub(crate) stream: &'a str,
    pub(crate) channel: &'a str,
    pub(crate) record: &'a Record,
    pub(crate) token: u64,
    /// The life that begins should the log be empty.
    pub(crate) new_life: Life,
    pub(crate) retention_millis: u64,
}

impl Append<'_> {
    /// Sends it; the script is loaded where the server does not know it yet.
    pub(crate) async fn send(&self, connection: &mut impl redis::aio::ConnectionLike) -> redis::RedisResult<Appended> {
        let mut script = APPEND.prepare_invoke();
        script
            .key(self.stream)
            .arg(self.channel)
            .arg(self.record.to_bytes())
            .arg(format!("{:016x}", self.token))
            .arg(format!("{:016x}", self.new_life))
            .arg(self.retention_millis);
        let reply: Vec<Vec<u8>> = script.invoke_async(connection).await?;
        let parsed = match reply.as_slice() {
            [life, id] => hex(life).zip(StreamId::parse(id)),
            _ => None,
        };
        parsed.map(|(life, id)| Appended { life, id }).ok_or_else(unreadable)
    }
}

/// A part of the stream, in order, from `from` on (inclusive).
pub(crate) async fn range(
    connection: &mut impl redis::aio::ConnectionLike,
    stream: &str,
    from: Option<StreamId>,
    count: usize,
) -> redis::RedisResult<Vec<(Appended, Record)>> {
    let from = from.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let mut command = redis::cmd("XRANGE");
    command.arg(stream).arg(from).arg("+").arg("COUNT").arg(count);
    let entries: Vec<Value> = command.query_async(connection).await?;
    entries.iter().map(|entry| parse_entry(entry).ok_or_else(unreadable)).collect()
}

/// How many entries the stream has.
pub(crate) async fn len(connection: &mut impl redis::aio::ConnectionLike, stream: &str) -> redis::RedisResult<usize> {
    redis::cmd("XLEN").arg(stream).query_async(connection).await
}

/// The last entries of the stream, in order.
pub(crate) async fn tail(
    connection: &mut impl redis::aio::ConnectionLike,
    stream: &str,
    count: usize,
) -> redis::RedisResult<Vec<(Appended, Record)>> {
    let mut command = redis::cmd("XREVRANGE");
    command.arg(stream).arg("+").arg("-").arg("COUNT").arg(count);
    let entries: Vec<Value> = command.query_async(connection).await?;
    entries.iter().rev().map(|entry| parse_entry(entry).ok_or_else(unreadable)).collect()
}

/// `[id, [l, life, r, record]]`.
fn parse_entry(entry: &Value) -> Option<(Appended, Record)> {
    let [id, fields] = entry.as_sequence()? else { return None };
    let [_, life, _, record] = fields.as_sequence()? else { return None };
    let bytes = |value: &Value| redis::from_redis_value_ref::<Vec<u8>>(value).ok();
    let (id, life) = (StreamId::parse(&bytes(id)?)?, hex(&bytes(life)?)?);
    Some((Appended { life, id }, Record::from_bytes(&bytes(record)?)))
}

fn unreadable() -> redis::RedisError {
    let what = "the log holds an entry that fastness did not write: give each application a prefix of its own";
    redis::RedisError::from((redis::ErrorKind::UnexpectedReturnType, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> StreamId {
        StreamId::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn ids_keep_their_order_in_64_bits() {
        let ids = ["0-1", "5-0", "5-65534", "6-0", "1760000000000-3"].map(id);
        assert!(ids.is_sorted_by_key(|id| id.packed_up()));
        assert!(ids.iter().all(|id| id.packed_up() == id.packed_down()));
        // Beyond the number that fits, an entry is before every invalidation of its millisecond.
        assert!(id("5-70000").packed_down() < id("5-65535").packed_up());
        assert!(id("5-70000").packed_up() < id("6-0").packed_down());
    }

    #[test]
    fn messages_are_read_or_refused_whole() {
        let mut record = Record::default();
        record.push(7, 3);
        let message = [b"0f 5-1 4-0 2a ".as_slice(), &record.to_bytes()].concat();
        let entry = Appended { life: 15, id: id("5-1") };
        let published = Published { entry, previous: id("4-0"), token: 42, record };
        assert_eq!(Published::parse(&message), Some(published));
        for bad in ["", "x 5-1 4-0 0 ", "0f 5 4-0 0 ", "0f 5-1 4-0"] {
            assert_eq!(Published::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
