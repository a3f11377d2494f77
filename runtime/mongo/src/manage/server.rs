//! The commands on indexes, sent as they are: the driver's typed calls lose what they do not know.
//!
//! Only [`apply`](super::apply) calls those that write.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;

use crate::ask::all;
use crate::error::{Error, code};
use crate::plan::Index;

/// What a collection has.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// How its indexes compare strings where they do not say it.
    pub(crate) collation: Option<Document>,
    pub(crate) indexes: Vec<Index>,
}

impl Listing {
    /// Its indexes as they look to queries that do not say how strings compare.
    pub(crate) fn to_queries(&self) -> Vec<Index> {
        self.indexes.iter().map(|index| index.clone().within(self.collation.as_ref())).collect()
    }
}

/// What a collection has; one that does not exist has nothing.
pub(crate) async fn list(db: &Database, collection: &str) -> Result<Listing, Error> {
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
    let listed = match all(db, doc! { "listIndexes": collection }, doing).await {
        Ok(listed) => listed,
        // It was dropped in between.
        Err(error) if error.code() == Some(code::MISSING_COLLECTION) => return Ok(Listing::default()),
        Err(error) => return Err(error),
    };
    let unfinished = unfinished(db, collection).await?;
    let indexes = listed.into_iter().map(Index::listed);
    let indexes = indexes.map(|index| {
        let building = unfinished.iter().any(|name| name == index.name());
        index.being_built(building)
    });
    Ok(Listing { collation, indexes: indexes.collect() })
}

/// The names of the indexes that are still being built, which are listed like the others.
async fn unfinished(db: &Database, collection: &str) -> Result<Vec<String>, Error> {
    let names = doc! { "$project": { "names": "$storageStats.indexBuilds" } };
    let stages = vec![doc! { "$collStats": { "storageStats": {} } }, names];
    let command = doc! { "aggregate": collection, "pipeline": stages, "cursor": {} };
    let doing = || format!("ask for the index builds of `{}.{collection}`", db.name());
    // One for each shard.
    let stats = match all(db, command, doing).await {
        Err(error) if error.is_unauthorized() || error.code() == Some(code::MISSING_COLLECTION) => Vec::new(),
        stats => stats?,
    };
    let names = stats.iter().filter_map(|stats| stats.get_array("names").ok()).flatten();
    Ok(names.filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

/// Builds indexes, all or none, and waits until they are built. A client that stops waiting does not stop the server, so only
/// `bound` does.
pub(crate) async fn create(
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
pub(crate) async fn remove(db: &Database, collection: &str, name: &str) -> Result<(), Error> {
    let removed = db.run_command(doc! { "dropIndexes": collection, "index": name }).await;
    match removed.map_err(|error| Error::of(format!("drop `{name}` of `{}.{collection}`", db.name()), &error)) {
        Err(error) if !matches!(error.code(), Some(code::MISSING_COLLECTION | code::MISSING_INDEX)) => Err(error),
        _ => Ok(()),
    }
}

/// Changes an index in place.
pub(crate) async fn modify(db: &Database, collection: &str, name: &str, changes: Document) -> Result<(), Refused> {
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
pub(crate) struct Refused {
    pub(crate) error: Error,
    pub(crate) reply: Document,
}
