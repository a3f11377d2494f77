//! The script that appends to the shared log.
//!
//! In one step it checks the last entry, trims entries older than the retention, appends, and publishes. It removes no values but those of
//! functions that say [`erase`](super::erasures): other addresses contain the key and the type, which are unknown here, and stale values
//! are replaced or expire.
//!
//! - **A last entry that is not ours** starts a new life of the log. Every reader then invalidates everything, as it does for any
//!   foreign entry. The foreign entry stays, so that other processes see it, and so that a build of record format 1, which expects one
//!   life in a log, does not read across it.
//! - **A last entry of the far future** would keep all later ones from being trimmed, or even from being appended. The log is then
//!   deleted and starts over, as it is when its life has to be left.
//! - **A full server** (`maxmemory`, `noeviction`) rejects the first write of a script if it takes memory, but not later ones. So `XTRIM`
//!   comes before `XADD`, even if there is nothing to trim.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;

use super::context::Context;
use super::stream::{Appended, Database, Life, StreamId, new_life, parse_life, unreadable};
use crate::log::Record;

/// Maximum distance of the last entry into the future, on top of the retention. Clocks of servers differ by less.
const FAR: Duration = Duration::from_secs(24 * 60 * 60);

/// The script. `KEYS[1]`: the stream. `KEYS[2]`, if the record may erase: the key that exists once an erasable value was stored. `ARGV`:
/// channel, record, token, a name for a new life; the server's time, the retention, and the latest time that the last entry may have, in
/// milliseconds; the life to be left, if any; the beginning of the addresses to be erased; the digests of the scopes, if values may be
/// named by them.
///
/// The scopes are the last bytes of an invalidation's [record](crate::log::Record::to_bytes). Those of prefixes and tags have no values.
static APPEND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local time, life, previous = 0, nil, nil
if last then
    local fields = last[2]
    time = tonumber(string.match(last[1], '^%d+'))
    if fields[1] == 'l' and fields[3] == 'r' and #fields[2] == 16 and not string.find(fields[2], '%X') then
        previous, life = last[1], fields[2]
    end
end
if time > tonumber(ARGV[7]) or life == ARGV[8] then
    redis.call('UNLINK', KEYS[1])
    life = nil
else
    local oldest = math.min(time, tonumber(ARGV[5])) - tonumber(ARGV[6])
    redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', math.max(oldest, 0)))
end
if not life then
    life = ARGV[4]
    previous = redis.call('XADD', KEYS[1], '*', 'l', life, 'r', '')
end
local id = redis.call('XADD', KEYS[1], '*', 'l', life, 'r', ARGV[2])
if KEYS[2] and type(redis.pcall('GET', KEYS[2])) == 'string' then
    local function erase(hashes, first)
        for at = first, #hashes - 7, 8 do
            local a, b, c, d, e, f, g, h = string.byte(hashes, at, at + 7)
            local name = ARGV[9] .. string.format(string.rep('%02x', 8), h, g, f, e, d, c, b, a) .. '}'
            redis.call('UNLINK', name .. '0', name .. '1', name .. '2', name .. '3')
        end
    end
    erase(ARGV[2], 9 + 2 * (string.byte(ARGV[2], 3) + 256 * string.byte(ARGV[2], 4)))
    if ARGV[10] then erase(ARGV[10], 1) end
end
redis.call('PUBLISH', ARGV[1], life .. ' ' .. id .. ' ' .. previous .. ' ' .. ARGV[3] .. ' ' .. ARGV[2])
return {life, id, last and '' or 'none'}
",
    )
});

/// An append, ready to be sent.
pub(crate) struct Append<'a> {
    stream: &'a str,
    channel: &'a str,
    database: Database,
    record: &'a Record,
    token: u64,
    /// The name of a new life, in case one has to start.
    new_life: Life,
    /// The server's time, in milliseconds since 1970.
    now_millis: u64,
    retention: Duration,
    /// The life that the log has to leave: if it is still in this one, it starts another.
    leaving: Option<Life>,
    /// The flag of erasable values, and the beginning of their addresses, if the record may erase some.
    erases: Option<(&'a str, &'a str)>,
    /// The digests of the record's scopes, if values may be named by them.
    digests: Option<Vec<u8>>,
}

impl<'a> Append<'a> {
    /// Makes an append to the log of this server, which a new life would name.
    pub(crate) fn new(context: &'a Context, server: u64, record: &'a Record, token: u64) -> Self {
        let erases = context.erasures.by_script().filter(|_| !record.is_refresh());
        Self {
            stream: &context.stream,
            channel: &context.channel,
            database: context.database,
            record,
            token,
            new_life: new_life(server),
            now_millis: context.server_millis(context.clock.now()),
            retention: context.settings.retention,
            leaving: None,
            erases,
            digests: erases.and_then(|_| context.erasures.digests(record)),
        }
    }

    /// Makes the log leave this life if it is still in it.
    pub(crate) fn leaving(self, leaving: Option<Life>) -> Self {
        Self { leaving, ..self }
    }

    /// Sends the append, and loads the script if the server does not have it. Returns the entry, and whether the log was empty before.
    pub(crate) async fn send(
        &self,
        connection: &mut impl redis::aio::ConnectionLike,
    ) -> redis::RedisResult<(Appended, bool)> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let retention = millis(self.retention);
        let mut script = APPEND.prepare_invoke();
        script.key(self.stream);
        if let Some((flag, _)) = self.erases {
            script.key(flag);
        }
        script
            .arg(self.channel)
            .arg(self.record.to_bytes())
            .arg(self.database.token(self.token))
            .arg(format!("{:016x}", self.new_life))
            .arg(self.now_millis)
            .arg(retention)
            .arg(self.now_millis.saturating_add(retention).saturating_add(millis(FAR)))
            .arg(self.leaving.map_or_else(String::new, |life| format!("{life:016x}")))
            .arg(self.erases.map(|(_, beginning)| beginning))
            .arg(self.digests.as_deref());
        let reply: Vec<Vec<u8>> = script.invoke_async(connection).await?;
        let parsed = match reply.as_slice() {
            [life, id, found] => {
                parse_life(life).zip(StreamId::parse(id)).map(|(life, id)| (Appended { life, id }, found))
            }
            _ => None,
        };
        parsed.map(|(entry, found)| (entry, found == b"none")).ok_or_else(unreadable)
    }
}
