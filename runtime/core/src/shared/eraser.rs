//! Erasures in a cluster, whose values lie on other nodes than the log, so that no script reaches both.
//!
//! A process that has stored an erasable value removes the values of the keys that it invalidates itself, at once. The log is the queue for
//! all else: at each heartbeat, one of these processes *sweeps*, which means that it reads the invalidations that were appended since the
//! last sweep, by whichever process, removes the values of their keys, and then moves the *mark*, a key beside the log that says how far
//! erasures are done. It has a lease on that, which another process takes over when it has died. So an invalidation whose process dies is
//! done by another one, and a node that cannot be reached is asked again until it answers.
//!
//! - A log that starts over, because it has moved to another node, drops its entries. So invalidations that this process has folded are kept
//!   until the mark has passed them, and are erased by this process if the log has another life by then.
//! - The mark never passes an invalidation whose values could not be removed. A process that has met such a value leaves the lease to others
//!   until it has removed it. Two processes that sweep at the same time, as after a pause of one, do the same work twice.
//! - A value that is stored after the erasure, by a load that began before it, is not [confirmed](super::confirm).
//! - All values of a key lie in one slot, so one command removes them. While the slot moves, the nodes may refuse it, because some of the
//!   values are on either; each value is then removed by a command of its own.

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
use super::feed::MAX_ERASING;
use super::stream::{self, Life, StreamEntry, StreamId, parse_life};
use crate::clock::{nanos, pause};

/// Number of entries per read of the log. After each, the mark is moved and the lease is renewed.
const PAGE: usize = 250;
/// Number of keys that are erased at once.
const TOGETHER: usize = 32;
/// Number of times that the sweep tries to erase a key before it leaves its lease to another process.
const ATTEMPTS: usize = 4;
/// Pause between two of these attempts, after which a node that did not answer is tried again.
const PAUSE: Duration = Duration::from_millis(600);

/// Duration of the lease on the sweep, which is renewed before each page.
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
    /// The position up to which this task has erased the entries of the log; `None` before it has.
    done: Option<Reached>,
    /// The keys that could not be erased.
    failed: HashSet<u64>,
    /// The scopes of invalidations that were folded, with their positions, until the mark has passed them.
    folded: Vec<(Life, StreamId, u64)>,
}

impl Eraser {
    pub(super) fn new(context: Arc<Context>, connections: Connections, nodes: Arc<Nodes>) -> Self {
        let beside_the_log = |name| format!("{}{{{}}}{name}", context.settings.prefix, context.stream);
        let (mark, lease) = (beside_the_log("erased"), beside_the_log("erasing"));
        let name = format!("{:016x}", fastrand::u64(..));
        Self { context, connections, nodes, mark, lease, name, done: None, failed: HashSet::new(), folded: Vec::new() }
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
            // The sweep does those that fail.
            self.remove_once(erasing.take_announced()).await;
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
        let Some((life, _)) = self.context.feed.resume(log.server) else { return Ok(()) };
        let mut connection = log.connection.clone();
        let reply: Option<Vec<u8>> = redis::cmd("GET").arg(&self.mark).query_async(&mut connection).await?;
        let mark = reply.as_deref().and_then(parse).filter(|(marked_in, _)| *marked_in == life);
        self.take_folded(life, mark);
        if !self.failed.is_empty() {
            let failed = std::mem::take(&mut self.failed);
            self.remove(failed).await;
        }
        let is_first = self.done.is_none_or(|(done_in, _)| done_in != life);
        let mut position = self.start(life, mark, began);
        loop {
            let leads = self.leads(&mut connection).await?;
            // Entries before the mark are this process's to do in its first sweep in each life of the log: the process with the lease may
            // have begun after invalidations of values of this one.
            let is_due = is_first && (mark.is_none() || position < mark);
            if !self.failed.is_empty() || !(leads || is_due) {
                if is_first && !is_due {
                    self.done = position;
                }
                return Ok(());
            }
            let entries =
                stream::range(&mut connection, &self.context.stream, position.map(|(_, id)| id), PAGE).await?;
            let is_end = entries.len() < PAGE;
            self.remove(self.keys(&entries, position)).await;
            if let Some(last) = entries.last().filter(|_| self.failed.is_empty()) {
                position = Some((last.life.unwrap_or(life), last.id));
                self.done = position;
            }
            if let Some(reached) = position.filter(|_| self.failed.is_empty() && mark < position) {
                redis::cmd("SET").arg(&self.mark).arg(text(reached)).query_async::<()>(&mut connection).await?;
            }
            if is_end {
                return Ok(());
            }
        }
    }

    /// Takes the scopes that were folded, drops those that the mark has passed, and counts those of another life of the log, which drops
    /// their entries, as failed.
    fn take_folded(&mut self, life: Life, mark: Option<Reached>) {
        let room = MAX_ERASING.saturating_sub(self.folded.len());
        self.folded.extend(self.context.feed.take_erasing().into_iter().take(room));
        let failed = &mut self.failed;
        self.folded.retain(|(folded_in, id, key)| {
            let is_lost = *folded_in != life;
            if is_lost {
                failed.insert(*key);
            }
            !is_lost && mark.is_none_or(|(_, mark)| mark < *id)
        });
    }

    /// Returns the keys of the invalidations behind a position. Entries that were trimmed before they could be erased, because a node was
    /// away for long, were folded.
    fn keys(&self, entries: &[StreamEntry], position: Option<Reached>) -> HashSet<u64> {
        let mut keys = HashSet::new();
        if position.is_some_and(|(_, id)| entries.first().is_none_or(|first| first.id != id)) {
            keys.extend(self.folded.iter().map(|(_, _, key)| *key));
        }
        for entry in entries.iter().filter(|entry| position.is_none_or(|(_, id)| entry.id > id)) {
            if let Some(record) = entry.record.as_ref().filter(|record| !record.is_refresh()) {
                keys.extend(record.scopes());
            }
        }
        keys
    }

    /// Returns the position after which the first entry stands that is not done; `None` for the beginning of the log. The mark and the
    /// result are of this life of the log.
    fn start(&self, life: Life, mark: Option<Reached>, began: Reached) -> Option<Reached> {
        let in_life = |position: &Reached| position.0 == life;
        match self.done.filter(in_life) {
            // The values of this process concern entries after `began`, or all of a log that began after them; another process may have set
            // the mark before it knew of any.
            None => Some(began).filter(in_life).map(|began| mark.map_or(began, |mark| mark.min(began))),
            Some(done) => mark.max(Some(done)),
        }
    }

    /// Removes the values of these keys, and notes the keys that could not be reached.
    async fn remove(&mut self, mut keys: HashSet<u64>) {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                pause(PAUSE).await;
            }
            keys = self.remove_once(keys).await;
            if keys.is_empty() {
                return;
            }
        }
        self.failed.extend(keys);
    }

    /// Removes the values of these keys, and returns the keys that could not be reached.
    async fn remove_once(&self, keys: impl IntoIterator<Item = u64>) -> HashSet<u64> {
        let (mut running, mut failed) = (JoinSet::new(), HashSet::new());
        for key in keys {
            if running.len() >= TOGETHER
                && let Some(Ok(Err(key))) = running.join_next().await
            {
                failed.insert(key);
            }
            running.spawn(remove(self.context.clone(), self.nodes.clone(), key));
        }
        while let Some(removed) = running.join_next().await {
            if let Ok(Err(key)) = removed {
                failed.insert(key);
            }
        }
        failed
    }
}

/// Removes the values of a key, or returns the key.
async fn remove(context: Arc<Context>, nodes: Arc<Nodes>, key: u64) -> Result<(), u64> {
    for addresses in context.erasures.addresses(key) {
        nodes.remove(&addresses).await.map_err(|_| key)?;
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
