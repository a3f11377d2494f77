//! A server's identity, its role, and whether its replies are in the order of execution.
//!
//! The identity is a hash of the run id, which changes at every start, and of the replication id, which changes at every promotion. The
//! lower 32 bits of a log's [`Life`](super::stream::Life) are those of the identity of the server on which the life began.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::time::timeout;

use super::context::Context;
use super::errors::{refused, too_slow};
use super::stream::last_entry;
use crate::clock::nanos;

/// The identity of the master at the other end of a connection.
pub(super) struct Identity {
    /// A hash of its run id and its replication id.
    pub(super) server: u64,
    /// The replication id.
    pub(super) history: String,
    /// True if it has followed no other server: it has no former replication id.
    pub(super) is_original: bool,
    /// The latest possible time of its start, in nanoseconds of the clock.
    pub(super) started: u64,
}

/// A server's answer to a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heartbeat {
    /// The server is the master that it was.
    Alive,
    /// The server is still the master, but refuses writes because no replica keeps up: it may have a successor.
    Alone,
}

/// Queries the identity of a server, which must be a master, and its time.
pub(super) async fn identify(context: &Context, connection: &mut MultiplexedConnection) -> RedisResult<Identity> {
    let sent = context.clock.now();
    let mut pipe = redis::pipe();
    pipe.cmd("TIME").cmd("INFO").arg("server").cmd("INFO").arg("replication").cmd("INFO").arg("cpu");
    let (time, server, replication, cpu): ((u64, u64), String, String, String) = pipe.query_async(connection).await?;
    context.learn_time(sent, time);
    must_be_master(&replication)?;
    if is_alone(&replication) {
        let why = "no replica of the master keeps up, so it refuses writes (`min-replicas-to-write`)";
        return Err(RedisError::from((ErrorKind::Server(ServerErrorKind::MasterDown), why)));
    }
    if !context.settings.allow_unsafe_servers {
        must_have_one_thread(&server, &cpu)?;
    }
    let history = field(&replication, "master_replid")?;
    let identity = format!("{} {history}", field(&server, "run_id")?);
    Ok(Identity {
        server: xxhash_rust::xxh3::xxh3_64(identity.as_bytes()),
        history: history.to_owned(),
        // Without the field, the server may have followed another one.
        is_original: field(&replication, "master_replid2").is_ok_and(|former| former.bytes().all(|byte| byte == b'0')),
        started: started(
            context.clock.now(),
            field(&server, "uptime_in_seconds").map_or(u64::MAX, |up| up.parse().unwrap_or(u64::MAX)),
        ),
    })
}

/// Returns the latest possible start of a server that reports this uptime in whole seconds. The number may be off by one in both
/// directions, so the start may be up to two seconds earlier.
fn started(now: u64, seconds: u64) -> u64 {
    now.saturating_sub(nanos(Duration::from_secs(seconds.saturating_sub(1))))
}

/// Checks that the server answers, that it is still the same master, and that its log is still the folded one.
pub(super) async fn heartbeat(
    context: &Context,
    connection: &mut MultiplexedConnection,
    server: u64,
    history: &str,
) -> RedisResult<Heartbeat> {
    let before = context.feed.view();
    // A node that its cluster has dropped answers INFO, but rejects commands with keys.
    let mut pipe = redis::pipe();
    pipe.cmd("INFO").arg("replication").cmd("XINFO").arg("STREAM").arg(&context.stream);
    let asked = pipe.query_async::<(String, Value)>(connection);
    let (info, log) = timeout(context.settings.command_timeout, asked).await.unwrap_or_else(|_| Err(too_slow()))?;
    must_be_master(&info)?;
    if field(&info, "master_replid")? != history {
        return Err(RedisError::from((ErrorKind::Io, "the server became another one's replica and a master again")));
    }
    // The log of a server that has a successor by now does not matter.
    if context.feed.server() == Some(server) && !context.feed.is_confirmed(server, last_entry(&log)?.as_ref(), before) {
        return Err(RedisError::from((ErrorKind::Io, "the log is not the one that was read")));
    }
    Ok(if is_alone(&info) { Heartbeat::Alone } else { Heartbeat::Alive })
}

fn must_be_master(replication: &str) -> RedisResult<()> {
    match field(replication, "role")? {
        "master" => Ok(()),
        _ => Err(RedisError::from((ErrorKind::Server(ServerErrorKind::ReadOnly), "this server is a replica"))),
    }
}

/// Returns whether no replica keeps up. A server reports that only if `min-replicas-to-write` is set.
fn is_alone(replication: &str) -> bool {
    field(replication, "min_slaves_good_slaves").is_ok_and(|count| count == "0")
}

/// Rejects a server that runs commands on several threads, where a reply may overtake earlier pushes.
fn must_have_one_thread(server: &str, cpu: &str) -> RedisResult<()> {
    // The fields of KeyDB and of Dragonfly.
    let threads = field(cpu, "server_threads").or_else(|_| field(server, "thread_count")).unwrap_or("1");
    match threads {
        "0" | "1" => Ok(()),
        _ => Err(refused(format!(
            "this server runs commands on {threads} threads, so a reply may overtake an invalidation"
        ))),
    }
}

fn field<'a>(info: &'a str, name: &'static str) -> RedisResult<&'a str> {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value
        .map(str::trim)
        .ok_or_else(|| RedisError::from((ErrorKind::UnexpectedReturnType, "INFO lacks a field", name.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::errors::is_refused;

    #[test]
    fn a_server_was_not_started_later_than_its_uptime_allows() {
        const SECOND: u64 = 1_000_000_000;
        assert_eq!(started(100 * SECOND, 0), 100 * SECOND);
        assert_eq!(started(100 * SECOND, 1), 100 * SECOND);
        assert_eq!(started(100 * SECOND, 31), 70 * SECOND);
        assert_eq!(started(100 * SECOND, u64::MAX), 0);
    }

    #[test]
    fn a_server_with_several_threads_is_refused() {
        let redis = ("# Server\r\nredis_version:7.0.15\r\nio_threads_active:1\r\n", "# CPU\r\nused_cpu_sys:0.1\r\n");
        assert!(must_have_one_thread(redis.0, redis.1).is_ok());
        assert!(must_have_one_thread(redis.0, "server_threads:1\r\n").is_ok());
        let keydb = must_have_one_thread(redis.0, "# CPU\r\nserver_threads:2\r\nlong_lock_waits:0\r\n").unwrap_err();
        assert!(is_refused(&keydb) && keydb.to_string().contains("2 threads"), "{keydb}");
        assert!(must_have_one_thread("dragonfly_version:df-v1.20\r\nthread_count:8\r\n", "").is_err());
    }

    #[test]
    fn a_master_without_a_good_replica_is_alone() {
        assert!(is_alone("role:master\r\nmin_slaves_good_slaves:0\r\n"));
        assert!(!is_alone("role:master\r\nmin_slaves_good_slaves:1\r\n"));
        assert!(!is_alone("role:master\r\nconnected_slaves:0\r\n"), "the setting is off");
    }
}
