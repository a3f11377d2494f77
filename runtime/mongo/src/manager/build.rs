//! Index builds: waits for the server, reports progress, and retries after a lost connection.

use std::pin::pin;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;

use super::{index_commands, quorum};
use crate::command::collect;
use crate::conversions::read_count;
use crate::error::{Error, code};
use crate::plan::{BuildProgress, CollectionStep, IndexDefinition, Settings, compare_options};
use fastness_core::Clock;
use fastness_core::seam::{now, pause};

/// Maximum number of attempts at a build, after a lost connection or a change of the primary. Each attempt waits for a server up to the
/// client's server selection timeout.
const MAX_ATTEMPTS: usize = 5;

/// The pause before asking again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Interval between two progress reports.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// Builds indexes of a collection, all or none, in one pass over its documents. A build without progress is left to the server after
/// `max_wait`.
///
/// After a lost connection the build continues on the server. The same command is sent again: the server replies at once if the indexes
/// exist, and otherwise joins the running build.
pub(crate) async fn build(
    db: &Database,
    collection: &str,
    indexes: &[&IndexDefinition],
    options: &Settings,
) -> Result<(), Error> {
    let mut attempts = 1..MAX_ATTEMPTS;
    loop {
        match build_with_progress(db, collection, indexes, options).await {
            Err(error) if error.has_unknown_outcome() && attempts.next().is_some() => {
                tracing::warn!(%error, "an index build is sent again after a lost connection or a change of the primary");
                pause(RETRY_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

/// Creates a collection. If it exists by now, returns the step that remains: it may have been made by a command whose reply was lost, or
/// by a write of another program.
pub(crate) async fn create_collection(
    db: &Database,
    collection: &str,
    options: &Document,
) -> Result<Option<CollectionStep>, Error> {
    let mut attempts = 1..MAX_ATTEMPTS;
    loop {
        match index_commands::create_collection(db, collection, options).await {
            Err(error) if error.has_unknown_outcome() && attempts.next().is_some() => {
                tracing::warn!(%error, "a collection is created again after a lost connection or a change of the primary");
                pause(RETRY_PAUSE).await;
            }
            Err(error) if error.code() == Some(code::COLLECTION_EXISTS) => {
                let existing = index_commands::list(db, collection).await?.options.ok_or(error)?;
                let action = compare_options(options, &existing);
                return Ok(Some(CollectionStep { collection: collection.to_owned(), action }));
            }
            outcome => return outcome.map(|()| None),
        }
    }
}

async fn build_with_progress(
    db: &Database,
    collection: &str,
    indexes: &[&IndexDefinition],
    options: &Settings,
) -> Result<(), Error> {
    let mut built = pin!(index_commands::create(db, collection, indexes, options));
    let clock = Clock::system();
    let (mut seen, mut seen_at) = (None, now(&clock));
    loop {
        let waited = Duration::from_nanos(now(&clock) - seen_at);
        let interval = PROGRESS_INTERVAL.min(options.max_wait.saturating_sub(waited));
        if let Ok(outcome) = tokio::time::timeout(interval, &mut built).await {
            return outcome;
        }
        // Without the privilege or a reply there is no progress report.
        let report = tokio::time::timeout(PROGRESS_INTERVAL, progress(db, collection)).await.ok().flatten();
        if report.is_some() && report != seen {
            (seen, seen_at) = (report.clone(), now(&clock));
        } else if Duration::from_nanos(now(&clock) - seen_at) >= options.max_wait {
            return Err(Error::unfinished(quorum::missing_members(db, indexes).await));
        }
        if let Some(progress) = report {
            let BuildProgress { message, done, total, .. } = &progress;
            tracing::info!(collection, done, total, step = %message, "indexes are being built");
            if let Some(callback) = &options.progress {
                callback(&progress);
            }
        }
    }
}

/// Returns the progress of index builds on this collection.
async fn progress(db: &Database, collection: &str) -> Option<BuildProgress> {
    let all = read_progress(db, collection, true).await;
    match all {
        // Without the privilege `inprog`, users see only their own operations.
        Err(error) if error.is_unauthorized() => read_progress(db, collection, false).await.ok()?,
        all => all.ok()?,
    }
}

async fn read_progress(db: &Database, collection: &str, all_users: bool) -> Result<Option<BuildProgress>, Error> {
    let pipeline = [
        // A build runs in a thread of the server without a connection.
        doc! { "$currentOp": { "allUsers": all_users, "idleConnections": true } },
        doc! { "$match": { "command.createIndexes": collection, "command.$db": db.name(), "progress": { "$exists": true } } },
    ];
    let command = doc! { "aggregate": 1, "pipeline": pipeline.to_vec(), "cursor": {} };
    let operations =
        collect(&db.client().database("admin"), command, || "read the progress of index builds".to_owned()).await?;
    Ok(operations.first().map(|operation| progress_of_operation(collection, operation)))
}

fn progress_of_operation(collection: &str, operation: &Document) -> BuildProgress {
    let progress = operation.get_document("progress").ok();
    let number = |field| read_count(progress.and_then(|progress| progress.get(field)));
    // `Index Build: scanning collection Index Build: scanning collection: 500/1000 50%`
    let text = operation.get_str("msg").unwrap_or_default();
    let message = text.split(" Index Build").next().unwrap_or(text).to_owned();
    BuildProgress { collection: collection.to_owned(), message, done: number("done"), total: number("total") }
}
