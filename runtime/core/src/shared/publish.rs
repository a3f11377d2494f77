//! Publishing of records: the append to the log in Redis, and the replay of records in doubt.

use std::sync::Arc;
use std::time::Duration;

use redis::{ErrorKind, RedisResult};

use super::api::Unavailable;
use super::append::Append;
use super::connection::Connections;
use super::context::Context;
use super::doubt::{Doubt, Replay};
use super::errors::ends_connection;
use super::feed::{AnnouncedRecord, Folded};
use super::stream::MAX_TOKEN;
use crate::clock::pause;
use crate::log::Record;

/// Pause between attempts to replay records in doubt: the first, and the longest.
const REPLAY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Appends a record to the log in Redis, which announces it to all processes, and folds it in this process.
pub(super) async fn publish(
    context: &Context,
    connections: &Connections,
    record: &Record,
    token: u64,
) -> Result<(), Unavailable> {
    let Some(live) = connections.live(0) else {
        context.telemetry.counts.skipped.add();
        return Err(Unavailable);
    };
    let appended: RedisResult<_> =
        Append::new(context, live.server, record, token).send(&mut live.connection.clone()).await;
    let (entry, was_empty) = appended.map_err(|error| {
        live.failed(&context.telemetry, &error);
        // Codes that the driver does not know, such as MISCONF, are of the kind `Extension`. Errors of a lost server are not refusals.
        if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) && !ends_connection(&error) {
            context.telemetry.notices.refused(&error);
        }
        Unavailable
    })?;
    context.telemetry.notices.accepted();
    if was_empty {
        context.telemetry.notices.lost();
    }
    if context.feed.fold_appended(live.server, &entry, record, token).ok_or(Unavailable)? != Folded::Done {
        live.check_log();
    }
    #[cfg(feature = "redis-cluster")]
    context.erasures.in_cluster.invalidated(record);
    // A master that was replaced meanwhile accepts appends, too.
    live.is_confirmed().then_some(()).ok_or(Unavailable)
}

/// Publishes the records in doubt until there are none, with growing pauses if the server refuses them. Never returns.
pub(super) async fn replay(context: Arc<Context>, connections: Connections, doubt: Arc<Doubt>) {
    loop {
        doubt.wake.notified().await;
        let mut wait = REPLAY.0;
        while let Some(replay) = doubt.to_replay() {
            if connections.live(0).is_none() {
                wait = REPLAY.0;
            } else if publish_again(&context, &connections, &replay).await.is_ok() {
                doubt.replayed(&replay);
                continue;
            } else {
                wait = (wait * 2).min(REPLAY.1);
            }
            pause(wait).await;
        }
    }
}

/// Appends records in doubt. Each was told to subscribers when it came into doubt, so only a record that concerns more is told now.
async fn publish_again(context: &Context, connections: &Connections, replay: &Replay) -> Result<(), Unavailable> {
    let (feed, record) = (&context.feed, &replay.record);
    if replay.is_announced() {
        return publish(context, connections, record, feed.replays()).await;
    }
    let token = fastrand::u64(1..=MAX_TOKEN);
    let _announced = AnnouncedRecord::new(feed, token, record);
    publish(context, connections, record, token).await
}
