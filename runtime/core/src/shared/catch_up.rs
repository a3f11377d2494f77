//! Catching up with the log on connecting: from the known position, or from the start.

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult};

use super::append::Append;
use super::context::Context;
use super::stream::{self, Incarnation, Life, StreamEntry, StreamId};
use crate::log::Record;

/// Number of entries per read. Entries that were read stay folded: the next attempt to connect continues after them.
const PAGE: usize = 1_000;
/// Maximum length of a log, in pages, that a process which has just started reads in full. In a longer one, older values are misses.
const PAGES: usize = 200;

/// Folds all entries after the known position, or starts over.
pub(super) async fn catch_up(
    context: &Context,
    connection: &mut MultiplexedConnection,
    server: u64,
) -> RedisResult<()> {
    let before = context.feed.view();
    let known = context.feed.resume(server);
    let mut page = match known {
        Some((life, position)) => {
            let page = stream::range(connection, &context.stream, Some(position), PAGE).await?;
            let continues = page.first().is_some_and(|first| (first.life, first.id) == (Some(life), position));
            continues.then_some(page)
        }
        None => None,
    };
    for _ in 0..PAGES {
        let entries = match page.take() {
            Some(entries) => entries,
            None => from_the_start(context, connection, server, known).await?,
        };
        context.feed.delta(server, &entries);
        let Some(last) = entries.last() else { return Err(stream::unreadable()) };
        if entries.len() < PAGE && last.life.is_some() {
            context.feed.confirm(before);
            return Ok(());
        }
        if entries.len() < PAGE {
            start_life(context, connection, server, None).await?;
        }
        page = Some(stream::range(connection, &context.stream, Some(last.id), PAGE).await?);
    }
    // Too far behind: start over at the end of the log.
    context.feed.forget();
    Err(RedisError::from((ErrorKind::Client, "the log is too long to catch up with")))
}

/// Starts a new life of the log by an append: behind a foreign entry, if there is no log, or if its life has to be left.
async fn start_life(
    context: &Context,
    connection: &mut MultiplexedConnection,
    server: u64,
    leaving: Option<Life>,
) -> RedisResult<()> {
    let record = Record::default();
    let append = Append::new(context, server, &record, 0).leaving(leaving);
    append.send(connection).await.map(drop)
}

/// Returns the life that the log has to leave because it lost entries: it lacks the known position, although older entries are there. They
/// were removed, or an older copy was restored, so values that the lost entries invalidated cannot be recognised.
fn life_to_leave(known: Option<(Life, StreamId)>, first: &StreamEntry) -> Option<Life> {
    let (life, position) = known?;
    (first.life == Some(life) && first.id <= position).then_some(life)
}

/// Reads the first page of the log, which is created if there is none. Everything that was cached is stale.
async fn from_the_start(
    context: &Context,
    connection: &mut MultiplexedConnection,
    server: u64,
    known: Option<(Life, StreamId)>,
) -> RedisResult<Vec<StreamEntry>> {
    let last = stream::tail(connection, &context.stream, 1).await?;
    let first = stream::range(connection, &context.stream, None, 1).await?;
    let leaving = first.first().and_then(|first| life_to_leave(known, first));
    if leaving.is_some() || (known.is_some() && first.is_empty()) {
        context.telemetry.notices.lost();
    }
    if leaving.is_some() || last.last().is_none_or(|last| last.life.is_none()) {
        start_life(context, connection, server, leaving).await?;
    }
    let mut page = stream::range(connection, &context.stream, None, PAGE).await?;
    let is_long = page.len() == PAGE && stream::len(connection, &context.stream).await? > PAGE * PAGES;
    if is_long || page.iter().all(|entry| entry.life.is_none()) {
        page = stream::tail(connection, &context.stream, PAGE).await?;
    }
    let last = page.iter().enumerate().rev().find_map(|(index, entry)| Some((index, entry.life?)));
    let Some((last, life)) = last else {
        return Err(RedisError::from((ErrorKind::Client, "the log is full of entries of other programs")));
    };
    // Entries before the last life, or before a foreign entry, concern values that are invalid anyway.
    let before = page[..last].iter().rposition(|entry| entry.life != Some(life));
    let page = page.split_off(before.map_or(0, |before| before + 1));
    if let Some(first) = page.first() {
        context.feed.reset(Incarnation { server, life }, first.id);
    }
    Ok(page)
}
