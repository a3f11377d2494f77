//! Erasures in a cluster, whose values lie on other nodes than the log, so that no script reaches both.
//!
//! A process that has stored an erasable value removes the values of the keys that it invalidates itself, at once. The log is the queue for
//! all else: at each heartbeat, one of these processes *sweeps*, which means that it reads the invalidations that were appended since the
//! last sweep, by whichever process, removes the values of their keys, and then moves the *mark*, a key beside the log that says how far
//! erasures are done. It has a lease on that, which another process takes over when it has died. So an invalidation whose process dies is
//! done by another one, and a node that cannot be reached is asked again until it answers.
//!
//! - A log that starts over, because it has moved to another node, drops its entries. So invalidations that this process has folded are kept
//!   until they were found in the log, and are erased if it has another life by then.
//! - The mark never passes an invalidation whose values could not be removed. A process that has met such a value leaves the lease to others
//!   until it has removed it. Two processes that sweep at the same time, as after a pause of one, do the same work twice.
//! - A value that is stored after the erasure, by a load that began before it, is not [confirmed](super::confirm).
//! - Every address is a command of its own: while a slot moves, a node that lacks a key redirects the command, and it would redirect one
//!   for several keys although it has some of them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::cluster::Nodes;
use super::connection::{Connections, LiveConnection};
use super::context::Context;
use super::stream::{self, Life, StreamId, parse_life};
use crate::clock::nanos;

/// Number of entries per read of the log.
const PAGE: usize = 1_000;
/// Number of keys that are erased at once.
const TOGETHER: usize = 64;
/// Number of keys that could not be erased, beyond which no further entries are read. The invalidations that were folded and not found yet
/// have the same bound.
const MAX_FAILED: usize = 1 << 14;

/// Duration of the lease on the sweep, which each sweep renews.
const LEASE: Duration = Duration::from_secs(3);

/// The script that takes or renews the lease. `KEYS[1]`: the lease. `ARGV`: its process, and its duration in milliseconds.
const LEAD: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
";

/// A life of the log, and a position in it.
type Reached = (Life, StreamId);

/// The task that erases.
pub(super) struct Eraser {
    context: Arc<Context>,
    connections: Connections,
    nodes: Arc<Nodes>,
    /// The key of the mark, in the slot of the log.
    mark: String,
    /// The key of the lease on the sweep, in the same slot, and the name of this process in it.
    lease: String,
    name: String,
    /// The position up to which this task has read the log; `None` before it has.
    done: Option<Reached>,
    /// The keys that could not be erased.
    failed: HashSet<u64>,
    /// The scopes of invalidations that were folded, with the life of the log, until they were found in it.
    folded: HashSet<(Life, u64)>,
}

impl Eraser {
    pub(super) fn new(context: Arc<Context>, connections: Connections, nodes: Arc<Nodes>) -> Self {
        let beside_the_log = |name| format!("{}{{{}}}{name}", context.settings.prefix, context.stream);
        let (mark, lease) = (beside_the_log("erased"), beside_the_log("erasing"));
        let name = format!("{:016x}", fastrand::u64(..));
        Self {
            context,
            connections,
            nodes,
            mark,
            lease,
            name,
            done: None,
            failed: HashSet::new(),
            folded: HashSet::new(),
        }
    }

    /// Erases whatever was invalidated, once this process has stored a value that may have to be erased. Never returns.
    pub(super) async fn run(mut self) {
        let (context, mut next) = (self.context.clone(), 0);
        let erasing = &context.erasures.in_cluster;
        loop {
            let Some(began) = erasing.began() else {
                erasing.wake.notified().await;
                continue;
            };
            self.remove(erasing.take_announced().into_iter().collect()).await;
            let now = context.clock.now();
            if now >= next {
                next = now.saturating_add(nanos(context.trust.heartbeat()));
                if let Some(live) = self.connections.live(0)
                    && let Err(error) = self.sweep(&live, began).await
                {
                    live.failed(&context.telemetry, &error);
                }
            }
            let pause = Duration::from_nanos(next.saturating_sub(context.clock.now()));
            let _ = timeout(pause, erasing.wake.notified()).await;
        }
    }

    /// Takes or renews the lease, unless this process has met values that it could not remove.
    async fn leads(&self, connection: &mut MultiplexedConnection) -> RedisResult<bool> {
        if !self.failed.is_empty() {
            return Ok(false);
        }
        let mut command = redis::cmd("EVAL");
        command.arg(LEAD).arg(1).arg(&self.lease).arg(&self.name).arg(LEASE.as_millis().to_string());
        command.query_async(connection).await
    }

    /// Erases the keys of all invalidations up to the end of the log, if this process has the lease.
    async fn sweep(&mut self, log: &LiveConnection, began: Reached) -> RedisResult<()> {
        let room = MAX_FAILED.saturating_sub(self.folded.len());
        self.folded.extend(self.context.feed.take_erasing().into_iter().take(room));
        let Some((life, _)) = self.context.feed.resume(log.server) else { return Ok(()) };
        let mut connection = log.connection.clone();
        // The first sweep in each life of the log is its own: the process with the lease may have begun after invalidations of values of
        // this one.
        let is_first = self.done.is_none_or(|(done_in, _)| done_in != life);
        let erases = self.leads(&mut connection).await? || is_first;
        let reply: Option<Vec<u8>> = redis::cmd("GET").arg(&self.mark).query_async(&mut connection).await?;
        let mark = reply.as_deref().and_then(parse);
        let mut position = self.start(life, mark, began);
        let mut again = std::mem::take(&mut self.failed);
        again.extend(self.folded.iter().filter(|(folded_in, _)| *folded_in != life).map(|(_, key)| key));
        self.remove(again).await;
        let (mut at_end, mut starts_over) = (false, false);
        while !at_end && self.failed.len() < MAX_FAILED {
            let entries =
                stream::range(&mut connection, &self.context.stream, position.map(|(_, id)| id), PAGE).await?;
            at_end = entries.len() < PAGE;
            // Entries that were trimmed before they could be erased, because a node was away for long, were folded.
            let is_trimmed = position.is_some_and(|(_, id)| entries.first().is_none_or(|first| first.id != id));
            starts_over |= entries.iter().any(|entry| entry.life.is_some_and(|found| found != life));
            let mut keys = HashSet::new();
            if is_trimmed {
                keys.extend(self.folded.iter().map(|(_, key)| *key));
            }
            for entry in entries.iter().filter(|entry| position.is_none_or(|(_, id)| entry.id > id)) {
                if let Some(record) = entry.record.as_ref().filter(|record| !record.is_refresh()) {
                    keys.extend(record.scopes());
                }
            }
            if let Some(last) = entries.last() {
                position = Some((last.life.unwrap_or(life), last.id));
            }
            if !erases {
                continue;
            }
            self.remove(keys).await;
            self.done = position;
            if let Some(position) = position.filter(|position| self.failed.is_empty() && mark != Some(*position)) {
                redis::cmd("SET").arg(&self.mark).arg(text(position)).query_async::<()>(&mut connection).await?;
            }
        }
        if at_end {
            self.folded.retain(|(folded_in, _)| starts_over && *folded_in == life);
        }
        Ok(())
    }

    /// Returns the position after which the first entry stands that is not done; `None` for the beginning of the log.
    fn start(&self, life: Life, mark: Option<Reached>, began: Reached) -> Option<Reached> {
        let in_life = |position: &Reached| position.0 == life;
        let (mark, began) = (mark.filter(in_life), Some(began).filter(in_life));
        match self.done.filter(in_life) {
            // The values of this process concern entries after `began`, or all of a log that began after them; another process may have set
            // the mark before it knew of any.
            None => began.map(|began| mark.map_or(began, |mark| mark.min(began))),
            Some(done) => mark.max(Some(done)),
        }
    }

    /// Removes the values of these keys, and notes the keys that could not be reached.
    async fn remove(&mut self, keys: HashSet<u64>) {
        let mut running = JoinSet::new();
        for key in keys {
            if running.len() >= TOGETHER
                && let Some(Ok(Err(key))) = running.join_next().await
            {
                self.failed.insert(key);
            }
            running.spawn(remove(self.context.clone(), self.nodes.clone(), key));
        }
        while let Some(removed) = running.join_next().await {
            if let Ok(Err(key)) = removed {
                self.failed.insert(key);
            }
        }
    }
}

/// Removes the values of a key, or returns the key.
async fn remove(context: Arc<Context>, nodes: Arc<Nodes>, key: u64) -> Result<(), u64> {
    for address in context.erasures.addresses(key) {
        let mut command = redis::cmd("UNLINK");
        command.arg(&address);
        nodes.query(&address, command).await.map_err(|_| key)?;
    }
    Ok(())
}

fn text((life, id): Reached) -> String {
    format!("{life:016x} {id}")
}

fn parse(text: &[u8]) -> Option<Reached> {
    let mut parts = text.split(|byte| *byte == b' ');
    parse_life(parts.next()?).zip(StreamId::parse(parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_as_it_was_written() {
        let mark = (7, StreamId::parse(b"12-3").unwrap());
        assert_eq!(parse(text(mark).as_bytes()), Some(mark));
        assert_eq!([parse(b""), parse(b"7 12-3"), parse(b"0000000000000007")], [None; 3]);
    }
}
