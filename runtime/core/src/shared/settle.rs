//! Waiting until a new master's predecessor is gone.
//!
//! After a failover two masters take writes for a while. Nothing that is loaded while an invalidation can still be announced on the former one
//! may be believed later. So a server is used only once its log is *settled*: the log's life names the server, and this process has not left
//! that life for another server. A promoted replica inherits its predecessor's log, and with it a life that names another server, so
//! no process has to notice the failover. A process that has seen a server with an unsettled log for [`takeover`](super::Redis::takeover)
//! gives the log a new life that names the server; for all the others, the log is settled then.
//!
//! During the wait there is no link: the tier works as if the server were down.

use std::sync::LazyLock;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult, Script, Value};

use super::hub::Hub;
use super::server::{Identity, names, new_life};
use super::stream::{Incarnation, parse_life};
use crate::clock::nanos;
use crate::sync::{Mutex, lock};

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

/// The server that is waited for.
#[derive(Debug, Default)]
pub(super) struct Settling(Mutex<Option<FirstSight>>);

#[derive(Clone, Copy, Debug)]
struct FirstSight {
    server: u64,
    /// The time of the first sight, in nanoseconds of the clock.
    time: u64,
    /// True if the last attempt to connect reached it.
    is_reached: bool,
}

impl Settling {
    /// Returns whether a server is waited for that was reached when it was last tried.
    pub(super) fn is_waiting(&self) -> bool {
        lock(&self.0).is_some_and(|first| first.is_reached)
    }

    /// No server was reached now. The wait goes on, since the one that is waited for may be back.
    pub(super) fn pause(&self) {
        if let Some(first) = &mut *lock(&self.0) {
            first.is_reached = false;
        }
    }

    /// Returns whether another server than this one is waited for.
    pub(super) fn is_another(&self, server: u64) -> bool {
        lock(&self.0).is_some_and(|first| first.server != server)
    }

    /// Returns when the server was first seen with an unsettled log, and whether that is now. The sight of another server ends the wait.
    fn see(&self, server: u64, now: u64) -> (u64, bool) {
        let mut first = lock(&self.0);
        match &mut *first {
            Some(known) if known.server == server => {
                known.is_reached = true;
                (known.time, false)
            }
            _ => {
                *first = Some(FirstSight { server, time: now, is_reached: true });
                (now, true)
            }
        }
    }

    /// Ends the wait, because a server is in use. Returns whether one was waited for.
    pub(super) fn end(&self) -> bool {
        lock(&self.0).take().is_some()
    }
}

/// Returns `None` if the log of this server is settled, else the time for which the server has to be waited for at least.
pub(super) async fn settle(
    hub: &Hub,
    connection: &mut MultiplexedConnection,
    identity: &Identity,
) -> RedisResult<Option<Duration>> {
    let server = identity.server;
    // A process that is in stays in, whatever became of the log.
    if hub.feed.server() == Some(server) {
        return Ok(None);
    }
    // The second look finds the new life, this process' own or another one's.
    for _ in 0..2 {
        let seen = last_life(connection, &hub.stream).await?;
        if is_settled(hub, server, &seen) {
            return Ok(None);
        }
        if seen.is_empty() && !may_have_predecessor(hub, identity) {
            // Catching up begins the log, and with it the first life.
            return Ok(None);
        }
        let wait = remaining(hub, server);
        if !wait.is_zero() {
            return Ok(Some(wait));
        }
        renew(hub, connection, server, &seen).await?;
    }
    Err(RedisError::from((ErrorKind::Client, "the log began anew while it was looked at")))
}

/// Returns whether another server may still take what concerns this one's log, which is empty. Behind a single address that is so if the
/// server was promoted, or if it was up already when this process last heard of another. Servers say their age in whole
/// seconds: one that is older than that word by less than two seconds counts as new, because a quick restart looks the same.
fn may_have_predecessor(hub: &Hub, identity: &Identity) -> bool {
    !hub.settings.is_single() || !identity.is_original || hub.trust.last_answered() > identity.started
}

fn is_settled(hub: &Hub, server: u64, seen: &str) -> bool {
    parse_life(seen.as_bytes())
        .is_some_and(|life| names(life, server) && !hub.feed.has_left(Incarnation { server, life }))
}

/// Returns how much of the wait is left.
fn remaining(hub: &Hub, server: u64) -> Duration {
    let now = hub.clock.now();
    let (first, is_new) = hub.settling.see(server, now);
    if is_new {
        hub.waits_for_new_master();
    }
    let until = first.saturating_add(nanos(hub.settings.takeover));
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

async fn renew(hub: &Hub, connection: &mut MultiplexedConnection, server: u64, seen: &str) -> RedisResult<()> {
    let mut script = RENEW.prepare_invoke();
    script
        .key(&hub.stream)
        .arg(&hub.channel)
        .arg(seen)
        .arg(format!("{:016x}", new_life(server)))
        .arg(LOOK_BACK)
        .arg(hub.database.token(0));
    script.invoke_async::<bool>(connection).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_counts_from_the_first_sight_of_this_server() {
        let settling = Settling::default();
        assert!(!settling.is_waiting());
        assert_eq!(settling.see(1, 100), (100, true));
        settling.pause();
        assert!(!settling.is_waiting() && settling.is_another(2), "it is out of reach");
        assert_eq!(settling.see(1, 200), (100, false));
        assert!(settling.is_waiting());
        assert!(settling.is_another(2) && !settling.is_another(1));
        assert_eq!(settling.see(2, 300), (300, true), "another master ends it");
        assert_eq!(settling.see(1, 400), (400, true), "and so does the return of the first");
        assert!(settling.end() && !settling.is_waiting());
    }
}
