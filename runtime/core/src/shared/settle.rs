//! The wait until a new master's predecessor is gone.
//!
//! After a failover two masters take writes for a while. A value that is loaded while an invalidation can still be announced on the former
//! master must not be used later. So a server is used only once its log is *settled*: the log's life names the server, and this process has
//! not left that life for another server. A promoted replica inherits its predecessor's log, whose life names the predecessor; so no
//! process has to notice the failover itself. A process that has seen a server with an unsettled log for
//! [`takeover`](super::settings::Redis::takeover) gives the log a new life that names the server, which settles it for all others.
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

/// Number of entries at the end of the log that are searched for its life: entries of other programs have none.
const LOOK_BACK: usize = 16;

/// Script that gives the log a new life, unless its life has changed since it was read. `KEYS[1]`: the stream. `ARGV`: channel, the life
/// that was read, the new one, the number of entries to search, and the token of a message. The log is deleted: its entries concern no
/// process that uses the new life, and former versions expect one life in a log. Trimming would keep its last id, which may be the largest
/// possible one. A full server runs the script, because `UNLINK` takes no memory.
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

/// Returns `None` if the log of this server is settled, else the time to wait before the next attempt.
pub(super) async fn settle(
    context: &Context,
    connection: &mut MultiplexedConnection,
    identity: &Identity,
) -> RedisResult<Option<Duration>> {
    let server = identity.server;
    // A process that uses the server already goes on, whatever happened to the log.
    if context.feed.server() == Some(server) {
        return Ok(None);
    }
    // The second round finds the new life, whether this process or another one has started it.
    for _ in 0..2 {
        let seen = last_life(connection, &context.stream).await?;
        if is_settled(context, server, &seen) {
            return Ok(None);
        }
        if seen.is_empty() && !may_have_predecessor(context, identity) {
            // Catching up creates the log, and with it the first life.
            return Ok(None);
        }
        let wait = remaining(context, server);
        if !wait.is_zero() {
            return Ok(Some(wait));
        }
        renew(context, connection, server, &seen).await?;
    }
    Err(RedisError::from((ErrorKind::Client, "the log started over while it was read")))
}

/// Returns whether another server may still take invalidations for this server's empty log. Behind a single address that is possible if the
/// server was promoted, or was up already when this process last heard of another one. Servers report their uptime in whole seconds; so a
/// server that was started up to two seconds before that counts as new, because a quick restart looks the same.
fn may_have_predecessor(context: &Context, identity: &Identity) -> bool {
    !context.settings.is_single() || !identity.is_original || context.trust.last_answered() > identity.started
}

fn is_settled(context: &Context, server: u64, seen: &str) -> bool {
    parse_life(seen.as_bytes())
        .is_some_and(|life| names_server(life, server) && !context.feed.has_left(Incarnation { server, life }))
}

/// Returns the rest of the wait.
fn remaining(context: &Context, server: u64) -> Duration {
    let now = context.clock.now();
    let (first, is_new) = context.settle_wait.note(server, now);
    if is_new {
        context.telemetry.waits_for_new_master(context.settings.takeover);
    }
    let until = first.saturating_add(nanos(context.settings.takeover));
    Duration::from_nanos(until.saturating_sub(now))
}

/// Returns the text of the life of the log's last entry; empty if there is none.
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
