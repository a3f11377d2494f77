//! Index commands as documents, because the driver's typed calls drop options that they do not know.
//!
//! Only [`apply`](super::apply), `optimize` and `build` call the ones that write.

use bson::{Bson, Document, doc};
use mongodb::Database;

use super::quorum;
use crate::command::collect;
use crate::error::{Error, code};
use crate::plan::{IndexDefinition, IndexDifference, Settings};

/// Indexes of a collection.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExistingIndexes {
    /// Default collation of the collection.
    pub(crate) collation: Option<Document>,
    pub(crate) indexes: Vec<IndexDefinition>,
    /// Options of the collection; `None` if it does not exist.
    pub(crate) options: Option<Document>,
}

impl ExistingIndexes {
    /// Returns the indexes as queries without a collation of their own see them.
    pub(crate) fn for_queries(&self) -> Vec<IndexDefinition> {
        self.for_queries_with(None)
    }

    /// Returns the indexes as queries with this collation, or that of the collection, see them.
    pub(crate) fn for_queries_with(&self, collation: Option<&Document>) -> Vec<IndexDefinition> {
        let collation = collation.or(self.collation.as_ref());
        self.indexes.iter().map(|index| index.clone().for_queries(collation)).collect()
    }
}

/// Lists the indexes of a collection; empty if it does not exist.
pub(crate) async fn list(db: &Database, collection: &str) -> Result<ExistingIndexes, Error> {
    let action = || format!("list the indexes of `{}.{collection}`", db.name());
    let command = doc! { "listCollections": 1, "filter": { "name": collection } };
    let found = collect(db, command, action).await?;
    let Some(found) = found.first() else { return Ok(ExistingIndexes::default()) };
    let kind = found.get_str("type").unwrap_or("collection");
    if kind == "view" {
        return Err(Error::other(
            action(),
            "it is a view, and views have no indexes: declare them on the underlying collection",
        ));
    }
    let options = found.get_document("options").ok();
    let series = options.and_then(|options| options.get_document("timeseries").ok()).cloned();
    let collation = options.and_then(|options| options.get_document("collation").ok()).cloned();
    let listed = match collect(db, doc! { "listIndexes": collection }, action).await {
        Ok(listed) => listed,
        // The collection was dropped in between.
        Err(error) if error.code() == Some(code::MISSING_COLLECTION) => return Ok(ExistingIndexes::default()),
        Err(error) => return Err(error),
    };
    let unfinished = unfinished(db, collection).await?;
    let indexes = listed.into_iter().map(IndexDefinition::listed);
    let indexes = indexes.map(|index| {
        let building = unfinished.iter().any(|name| name == index.name());
        let field = |name| series.as_ref().and_then(|series| series.get_str(name).ok());
        match (field("metaField"), field("timeField")) {
            (Some(meta), Some(time)) => index.with_time_series(meta, time).with_building(building),
            _ => index.with_building(building),
        }
    });
    Ok(ExistingIndexes { collation, indexes: indexes.collect(), options: Some(options.cloned().unwrap_or_default()) })
}

/// Returns the names of the indexes that are still being built, which `listIndexes` does not distinguish from the others.
async fn unfinished(db: &Database, collection: &str) -> Result<Vec<String>, Error> {
    let names = doc! { "$project": { "names": "$storageStats.indexBuilds" } };
    let stages = vec![doc! { "$collStats": { "storageStats": {} } }, names];
    let command = doc! { "aggregate": collection, "pipeline": stages, "cursor": {} };
    let action = || format!("list the index builds of `{}.{collection}`", db.name());
    // One document for each shard.
    let stats = match collect(db, command, action).await {
        Err(error) if error.is_unauthorized() || error.code() == Some(code::MISSING_COLLECTION) => Vec::new(),
        stats => stats?,
    };
    let names = stats.iter().filter_map(|stats| stats.get_array("names").ok()).flatten();
    Ok(names.filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

/// Builds indexes, all or none, and waits until they are built. Dropping the future does not stop the server; only `build_limit` does.
pub(crate) async fn create(
    db: &Database,
    collection: &str,
    indexes: &[&IndexDefinition],
    options: &Settings,
) -> Result<(), Error> {
    let names: Vec<_> = indexes.iter().map(|index| format!("`{}`", index.name())).collect();
    let specs: Vec<_> = indexes.iter().map(|index| index.specification()).collect();
    let mut command = doc! { "createIndexes": collection, "indexes": specs };
    if let Some(bound) = options.build_limit {
        command.insert("maxTimeMS", i64::try_from(bound.as_millis()).unwrap_or(i64::MAX));
    }
    if let Some(members) = options.commit_quorum
        && is_replicated(db).await?
    {
        command.insert("commitQuorum", members.value());
        quorum::change(db, collection, indexes, members).await;
    }
    let action = format!("build {} in `{}.{collection}`", names.join(", "), db.name());
    db.run_command(command).await.map(drop).map_err(|error| Error::from_driver(action, &error))
}

/// Returns whether the server is a member of a replica set, or a router. A single server refuses a commit quorum.
async fn is_replicated(db: &Database) -> Result<bool, Error> {
    let hello = db.run_command(doc! { "hello": 1 }).await;
    let hello = hello.map_err(|error| Error::from_driver(format!("ask the server of `{}`", db.name()), &error))?;
    Ok(["setName", "msg"].iter().any(|sign| hello.contains_key(sign)))
}

/// Creates a collection.
pub(crate) async fn create_collection(db: &Database, collection: &str, options: &Document) -> Result<(), Error> {
    let mut command = doc! { "create": collection };
    command.extend(options.clone());
    let action = || format!("create `{}.{collection}`", db.name());
    db.run_command(command).await.map(drop).map_err(|error| Error::from_driver(action(), &error))
}

/// Changes options of a collection in place.
pub(crate) async fn modify_collection(
    db: &Database,
    collection: &str,
    differences: &[IndexDifference],
) -> Result<(), Error> {
    let mut command = doc! { "collMod": collection };
    for IndexDifference { option, declared, .. } in differences {
        let Some(declared) = declared else { continue };
        match (option.as_str(), declared) {
            ("size", size) => drop(command.insert("cappedSize", size.clone())),
            ("max", max) => drop(command.insert("cappedMax", max.clone())),
            ("timeseries", Bson::Document(series)) => {
                let granularity = series.get("granularity").cloned();
                command.insert("timeseries", doc! { "granularity": granularity });
            }
            (option, value) => drop(command.insert(option, value.clone())),
        }
    }
    let action = || format!("change `{}.{collection}`", db.name());
    db.run_command(command).await.map(drop).map_err(|error| Error::from_driver(action(), &error))
}

/// Drops an index. An index that does not exist counts as dropped.
pub(crate) async fn remove(db: &Database, collection: &str, name: &str) -> Result<(), Error> {
    let removed = db.run_command(doc! { "dropIndexes": collection, "index": name }).await;
    match removed.map_err(|error| Error::from_driver(format!("drop `{name}` of `{}.{collection}`", db.name()), &error))
    {
        Err(error) if !matches!(error.code(), Some(code::MISSING_COLLECTION | code::MISSING_INDEX)) => Err(error),
        _ => Ok(()),
    }
}

/// Changes an index in place.
pub(crate) async fn modify(
    db: &Database,
    collection: &str,
    name: &str,
    changes: Document,
) -> Result<(), RejectedChange> {
    let mut index = doc! { "name": name };
    index.extend(changes);
    let action = || format!("change `{name}` of `{}.{collection}`", db.name());
    match db.run_command(doc! { "collMod": collection, "index": index }).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let reply = error.server_response().and_then(|reply| Document::try_from(reply.as_ref()).ok());
            Err(RejectedChange { error: Error::from_driver(action(), &error), reply: reply.unwrap_or_default() })
        }
    }
}

/// Error of `collMod`, with the reply that lists the violations.
#[derive(Debug)]
pub(crate) struct RejectedChange {
    pub(crate) error: Error,
    pub(crate) reply: Document,
}
