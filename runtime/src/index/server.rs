//! The commands on indexes, sent as they are: the driver's typed calls lose what they do not know.
//!
//! Only [`apply`](super::apply) calls those that write.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;

use super::error::{Error, code};
use super::normal::Index;

/// What a collection has.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// How its indexes compare strings where they do not say it.
    pub(super) collation: Option<Document>,
    pub(super) indexes: Vec<Index>,
}

/// What a collection has; one that does not exist has nothing.
pub(super) async fn list(db: &Database, collection: &str) -> Result<Listing, Error> {
    let doing = || format!("list the indexes of `{}.{collection}`", db.name());
    let command = doc! { "listCollections": 1, "filter": { "name": collection } };
    let found = all(db, command, doing).await?;
    let Some(found) = found.first() else { return Ok(Listing::default()) };
    let kind = found.get_str("type").unwrap_or("collection");
    if kind == "view" {
        return Err(Error::other(
            doing(),
            "it is a view, and views have no indexes: declare them on what it is a view of",
        ));
    }
    let options = found.get_document("options").ok();
    let collation = options.and_then(|options| options.get_document("collation").ok()).cloned();
    // With the flag, it tells which indexes are still being built.
    let entries = all(db, doc! { "listIndexes": collection, "includeIndexBuildInfo": true }, doing).await;
    match entries {
        Ok(entries) => Ok(Listing { collation, indexes: entries.into_iter().map(index).collect() }),
        // It was dropped in between.
        Err(error) if error.code() == Some(code::MISSING_COLLECTION) => Ok(Listing::default()),
        Err(error) => Err(error),
    }
}

/// Of `{spec, indexBuildInfo}`, or of the index itself, as servers give it that do not know the flag.
fn index(mut entry: Document) -> Index {
    let building = entry.contains_key("indexBuildInfo");
    match entry.remove("spec") {
        Some(Bson::Document(spec)) => Index::listed(spec).being_built(building),
        _ => Index::listed(entry),
    }
}

/// All that a command with a cursor gives.
pub(super) async fn all(db: &Database, command: Document, doing: impl Fn() -> String) -> Result<Vec<Document>, Error> {
    let failed = |error| Error::of(doing(), &error);
    let mut cursor = db.run_cursor_command(command).await.map_err(failed)?;
    let mut documents = Vec::new();
    while cursor.advance().await.map_err(failed)? {
        documents.push(cursor.deserialize_current().map_err(failed)?);
    }
    Ok(documents)
}

/// Builds indexes, all or none, and waits until they are built. A client that stops waiting does not stop the server, so only
/// `bound` does.
pub(super) async fn create(
    db: &Database,
    collection: &str,
    indexes: &[&Index],
    bound: Option<Duration>,
) -> Result<(), Error> {
    let names: Vec<_> = indexes.iter().map(|index| format!("`{}`", index.name())).collect();
    let specs: Vec<_> = indexes.iter().map(|index| index.command()).collect();
    let mut command = doc! { "createIndexes": collection, "indexes": specs };
    if let Some(bound) = bound {
        command.insert("maxTimeMS", i64::try_from(bound.as_millis()).unwrap_or(i64::MAX));
    }
    let doing = format!("build {} in `{}.{collection}`", names.join(", "), db.name());
    db.run_command(command).await.map(drop).map_err(|error| Error::of(doing, &error))
}

/// Removes indexes, all or none. One that is gone already is as good as removed.
pub(super) async fn remove(db: &Database, collection: &str, name: &str) -> Result<(), Error> {
    let removed = db.run_command(doc! { "dropIndexes": collection, "index": name }).await;
    match removed.map_err(|error| Error::of(format!("drop `{name}` of `{}.{collection}`", db.name()), &error)) {
        Err(error) if !matches!(error.code(), Some(code::MISSING_COLLECTION | code::MISSING_INDEX)) => Err(error),
        _ => Ok(()),
    }
}

/// Changes an index in place.
pub(super) async fn modify(db: &Database, collection: &str, name: &str, changes: Document) -> Result<(), Refused> {
    let mut index = doc! { "name": name };
    index.extend(changes);
    let doing = || format!("change `{name}` of `{}.{collection}`", db.name());
    match db.run_command(doc! { "collMod": collection, "index": index }).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let reply = error.server_response().and_then(|reply| Document::try_from(reply.as_ref()).ok());
            Err(Refused { error: Error::of(doing(), &error), reply: reply.unwrap_or_default() })
        }
    }
}

/// A refusal whose reply says more than its code.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: Error,
    pub(super) reply: Document,
}
