//! Building indexes: waiting for the server, telling how far it is, and what to do when it cannot be asked.

use std::pin::pin;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;

use super::server;
use crate::ask::all;
use crate::error::Error;
use crate::plan::{Index, Progress, Settings};
use crate::values::count;
use fastness_core::seam::pause;

/// How often the build is asked for again when the connection was lost or the primary changed. Each time waits for a server
/// as long as the client's server selection timeout allows.
const ATTEMPTS: usize = 5;

/// The pause before asking again.
const RETRY: Duration = Duration::from_secs(1);

/// How often the server is asked how far it is.
const PROGRESS: Duration = Duration::from_secs(2);

/// Builds indexes of a collection, all or none, in one pass over its documents.
///
/// A lost connection tells nothing about the build, which goes on without us. So the same is asked for again: the server
/// answers at once if it has built them, and else joins the build that is under way.
pub(crate) async fn build(
    db: &Database,
    collection: &str,
    indexes: &[&Index],
    options: &Settings,
) -> Result<(), Error> {
    let mut attempts = 1..ATTEMPTS;
    loop {
        match watched(db, collection, indexes, options).await {
            Err(error) if error.is_unknown() && attempts.next().is_some() => {
                tracing::warn!(%error, "asking for the build again");
                pause(RETRY).await;
            }
            outcome => return outcome,
        }
    }
}

async fn watched(db: &Database, collection: &str, indexes: &[&Index], options: &Settings) -> Result<(), Error> {
    let mut built = pin!(server::create(db, collection, indexes, options.build_limit));
    loop {
        if let Ok(outcome) = tokio::time::timeout(PROGRESS, &mut built).await {
            return outcome;
        }
        // Who may not see it, or gets no answer, goes without.
        if let Ok(Some(progress)) = tokio::time::timeout(PROGRESS, progress(db, collection)).await {
            let Progress { message, done, total, .. } = &progress;
            tracing::info!(collection, done, total, step = %message, "indexes are being built");
            if let Some(tell) = &options.progress {
                tell(&progress);
            }
        }
    }
}

/// How far the server is with building indexes of this collection.
async fn progress(db: &Database, collection: &str) -> Option<Progress> {
    let all = progress_of(db, collection, true).await;
    match all {
        // Some may see their own operations only.
        Err(error) if error.is_unauthorized() => progress_of(db, collection, false).await.ok()?,
        all => all.ok()?,
    }
}

async fn progress_of(db: &Database, collection: &str, of_all_users: bool) -> Result<Option<Progress>, Error> {
    let pipeline = [
        // What builds is a thread of the server, without a connection.
        doc! { "$currentOp": { "allUsers": of_all_users, "idleConnections": true } },
        doc! { "$match": { "command.createIndexes": collection, "command.$db": db.name(), "progress": { "$exists": true } } },
    ];
    let command = doc! { "aggregate": 1, "pipeline": pipeline.to_vec(), "cursor": {} };
    let operations = all(&db.client().database("admin"), command, || "ask for the progress".to_owned()).await?;
    Ok(operations.first().map(|operation| of_operation(collection, operation)))
}

fn of_operation(collection: &str, operation: &Document) -> Progress {
    let progress = operation.get_document("progress").ok();
    let number = |field| count(progress.and_then(|progress| progress.get(field)));
    // `Index Build: scanning collection Index Build: scanning collection: 500/1000 50%`
    let said = operation.get_str("msg").unwrap_or_default();
    let message = said.split(" Index Build").next().unwrap_or(said).to_owned();
    Progress { collection: collection.to_owned(), message, done: number("done"), total: number("total") }
}
