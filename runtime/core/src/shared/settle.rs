//! Waiting until a new master's predecessor is gone.
//!
//! After a failover two masters take writes for a while. Nothing that is loaded while an invalidation can still be announced on the former one
//! may be believed later. So a server is used only once its log is *settled*: the log's life names the server, and this process has not left
//! that life for another server. A promoted replica inherits its predecessor's log, and with it a life that names another server, so
//! no process has to notice the failover. A process that has seen a server with an unsettled log for [`takeover`](super::settings::Redis::takeover)
//! gives the log a new life that names the server; for all the others, the log is settled then.
//!
//! During the wait there is no connection: the tier works as if the server were down.

use std::sync::LazyLock;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult, Script, Value};

use super::context::Context;
use super::server::Identity;
use super::stream::{Incarnation, names_server, new_life, parse_life};
use crate::clock::nanos;

/// Entries from the end of the log among which its life is looked for: an entry of another program's has none.
const LOOK_BACK: usize = 16;

/// Gives the log a new life, unless it has got another one than the one that was seen. `KEYS[1]` the stream; `ARGV`: channel, the life
/// that was seen, the new one, how many entries to look at, and the token of a message. What came before concerns no process that believes the new
/// life, and programs of former versions take a log for one life only, so the log is deleted. To trim it would leave its last id, behind which
/// there may be none. A full server lets the script go on, because `UNLINK` takes no memory.
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local seen = ''
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[4])) do
    local life = entry[2][2]
    if entry[2][1] == 'l' and #life == 16 and not string.find(life, '%X') then
        seen = life
        break
    end
end
if seen ~= ARGV[2] then
    return 0
end
redis.call('UNLINK', KEYS[1])
local id = redis.call('XADD', KEYS[1], '*', 'l', ARGV[3], 'r', '')
redis.call('PUBLISH', ARGV[1], ARGV[3] .. ' ' .. id .. ' ' .. id .. ' ' .. ARGV[5] .. ' ')
return 1
",
    )
});

/// Returns `None` if the log of this server is settled, else the time for which the server has to be waited for at least.
pub(super) async fn settle(
    context: &Context,
    connection: &mut MultiplexedConnection,
    identity: &Identity,
) -> RedisResult<Option<Duration>> {
    let server = identity.server;
    // A process that is in stays in, whatever became of the log.
    if context.feed.server() == Some(server) {
        return Ok(None);
    }
    // The second look finds the new life, this process' own or another one's.
    for _ in 0..2 {
        let seen = last_life(connection, &context.stream).await?;
        if is_settled(context, server, &seen) {
            return Ok(None);
        }
        if seen.is_empty() && !may_have_predecessor(context, identity) {
            // Catching up begins the log, and with it the first life.
            return Ok(None);
        }
        let wait = remaining(context, server);
        if !wait.is_zero() {
            return Ok(Some(wait));
        }
        renew(context, connection, server, &seen).await?;
    }
    Err(RedisError::from((ErrorKind::Client, "the log began anew while it was looked at")))
}

/// Returns whether another server may still take what concerns this one's log, which is empty. Behind a single address that is so if the
/// server was promoted, or if it was up already when this process last heard of another. Servers say their age in whole
/// seconds: one that is older than that word by less than two seconds counts as new, because a quick restart looks the same.
fn may_have_predecessor(context: &Context, identity: &Identity) -> bool {
    !context.settings.is_single() || !identity.is_original || context.trust.last_answered() > identity.started
}

fn is_settled(context: &Context, server: u64, seen: &str) -> bool {
    parse_life(seen.as_bytes())
        .is_some_and(|life| names_server(life, server) && !context.feed.has_left(Incarnation { server, life }))
}

/// Returns how much of the wait is left.
fn remaining(context: &Context, server: u64) -> Duration {
    let now = context.clock.now();
    let (first, is_new) = context.settling.see(server, now);
    if is_new {
        context.telemetry.waits_for_new_master(context.settings.takeover);
    }
    let until = first.saturating_add(nanos(context.settings.takeover));
    Duration::from_nanos(until.saturating_sub(now))
}

/// The life of the log's last entry as its text; empty if there is none.
async fn last_life(connection: &mut MultiplexedConnection, stream: &str) -> RedisResult<String> {
    let mut command = redis::cmd("XREVRANGE");
    command.arg(stream).arg("+").arg("-").arg("COUNT").arg(LOOK_BACK);
    let entries: Vec<Value> = command.query_async(connection).await?;
    Ok(entries.iter().find_map(life_of).unwrap_or_default())
}

fn life_of(entry: &Value) -> Option<String> {
    let [_, fields] = entry.as_sequence()? else { return None };
    let [name, life, ..] = fields.as_sequence()? else { return None };
    let text = |value: &Value| redis::from_redis_value_ref::<String>(value).ok();
    if text(name)? != "l" {
        return None;
    }
    text(life).filter(|life| parse_life(life.as_bytes()).is_some())
}

async fn renew(context: &Context, connection: &mut MultiplexedConnection, server: u64, seen: &str) -> RedisResult<()> {
    let mut script = RENEW.prepare_invoke();
    script
        .key(&context.stream)
        .arg(&context.channel)
        .arg(seen)
        .arg(format!("{:016x}", new_life(server)))
        .arg(LOOK_BACK)
        .arg(context.database.token(0));
    script.invoke_async::<bool>(connection).await.map(drop)
}
