//! Reading the log on connecting: from the known position on, or anew.

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult};

use super::hub::Hub;
use super::stream::{self, Incarnation};
use crate::log::Record;

/// Entries read at a time. What was read stays read: the next attempt to connect goes on from there.
const PAGE: usize = 1_000;
/// A log longer than this is not read whole by a process that has just started: what is older is a miss.
const PAGES: usize = 200;

/// Folds everything that was appended since the known position, or begins anew.
pub(super) async fn catch_up(hub: &Hub, connection: &mut MultiplexedConnection, server: u64) -> RedisResult<()> {
    let known = hub.feed.resume(server);
    let from = known.map(|(_, position)| position);
    let mut page = stream::range(connection, &hub.stream, from, PAGE).await?;
    let continues = match (known, page.first()) {
        (Some((life, position)), Some((first, _))) => (first.life, first.id) == (life, position),
        _ => false,
    };
    if !continues {
        page = from_the_start(hub, connection, server).await?;
    }
    for _ in 0..PAGES {
        let Some((last, _)) = page.last() else { return Ok(()) };
        let (incarnation, id) = (Incarnation { server, life: last.life }, last.id);
        let full = page.len() == PAGE;
        let entries: Vec<_> = page.into_iter().map(|(entry, record)| (entry.id, record)).collect();
        hub.feed.delta(incarnation, &entries);
        if !full {
            return Ok(());
        }
        page = stream::range(connection, &hub.stream, Some(id), PAGE).await?;
    }
    // Too far behind: begin anew at its end.
    hub.feed.forget();
    Err(RedisError::from((ErrorKind::Client, "the log is too long to catch up with")))
}

/// The first page of the log, made if there is none; everything that was cached is stale.
async fn from_the_start(
    hub: &Hub,
    connection: &mut MultiplexedConnection,
    server: u64,
) -> RedisResult<Vec<(stream::Appended, Record)>> {
    let mut page = stream::range(connection, &hub.stream, None, PAGE).await?;
    if page.len() == PAGE && stream::len(connection, &hub.stream).await? > PAGE * PAGES {
        page = stream::tail(connection, &hub.stream, PAGE).await?;
    }
    if page.is_empty() {
        hub.append(server, &Record::default(), 0).send(connection).await?;
        page = stream::range(connection, &hub.stream, None, PAGE).await?;
    }
    if let Some((first, _)) = page.first() {
        hub.feed.reset(Incarnation { server, life: first.life }, first.id);
        hub.was_reset();
    }
    Ok(page)
}
