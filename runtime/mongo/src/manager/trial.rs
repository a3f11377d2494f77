//! Trials of suggested indexes on a sample of their collection, which is dropped afterwards.

use bson::{Document, doc};
use fastness_core::seam::pause;
use mongodb::Database;

use super::index_commands::ExistingIndexes;
use crate::advice::{self, IndexTrial, MissingIndex, TrialReads, TrialSettings};
use crate::command::collect;
use crate::conversions::read_count;
use crate::error::Error;
use crate::lease::random_holder;
use crate::plan::IndexDefinition;
use crate::query::Query;

/// Beginning of the name of a sample collection.
const PREFIX: &str = "fastness_trial_";

/// A sample collection, which is dropped when this is.
struct SampleCollection {
    db: Database,
    name: String,
    dropped: bool,
}

/// Explains a query on a sample of its collection, with the indexes that exist, and then with the suggested ones too.
///
/// A task of its own does so, because the server goes on with a copy whose caller has gone: the task waits for it and drops the sample.
pub(super) async fn run(
    db: &Database,
    query: &Query,
    existing: &ExistingIndexes,
    missing: &[MissingIndex],
    settings: &TrialSettings,
) -> Result<IndexTrial, Error> {
    let mut sample = SampleCollection { db: db.clone(), name: format!("{PREFIX}{}", random_holder()), dropped: false };
    let action = format!("try an index on a sample of `{}`", query.collection);
    let time = settings.time;
    let (query, existing, missing, settings) = (query.clone(), existing.clone(), missing.to_vec(), settings.clone());
    let task = tokio::spawn(async move {
        let compared = compare(&sample, &query, &existing, &missing, &settings).await;
        sample.remove().await;
        if compared.as_ref().is_err_and(Error::has_unknown_outcome) {
            // The server may go on with the copy, for as long as its time limit allows, and then the sample is there again.
            pause(settings.time).await;
            sample.remove().await;
        }
        compared
    });
    match tokio::time::timeout(time, task).await {
        Ok(Ok(compared)) => compared,
        Ok(Err(_)) => Err(Error::other(action, "its task ended early: the program is shutting down")),
        Err(_) => Err(Error::timeout(action, time)),
    }
}

async fn compare(
    sample: &SampleCollection,
    query: &Query,
    existing: &ExistingIndexes,
    missing: &[MissingIndex],
    settings: &TrialSettings,
) -> Result<IndexTrial, Error> {
    let documents = sample.fill(&query.collection, existing, settings).await?;
    // An index that lets documents expire would do so here.
    let indexes = existing.indexes.iter().filter(|index| !index.is_id_index() && !index.is_being_built());
    let mut indexes: Vec<_> = indexes.map(IndexDefinition::specification).collect();
    for index in &mut indexes {
        index.remove("expireAfterSeconds");
    }
    sample.create(indexes, settings).await?;
    let moved = query.clone().on(&sample.name);
    let before = sample.explain(&moved).await?;
    let new = missing.iter().filter(|one| one.hidden.is_none());
    let new = new.map(|one| advice::definition(&one.key, &one.options));
    let new = new.map(|index| {
        let special = index.key().iter().any(|(_, kind)| kind.as_str().is_some());
        let inherits = index.option("collation").is_none() && !special;
        let index = index.with_inherited_collation(existing.collation.as_ref().filter(|_| inherits));
        let name = format!("new_{}", index.name());
        index.with_name(&name).specification()
    });
    sample.create(new.collect(), settings).await?;
    for name in missing.iter().filter_map(|one| one.hidden.as_ref()) {
        sample.show(name).await?;
    }
    let refused =
        || Error::other(format!("explain `{moved}`"), "the server refuses it even with the suggested indexes");
    let after = sample.explain(&moved).await?.ok_or_else(refused)?;
    Ok(IndexTrial::new(documents, before, after))
}

impl SampleCollection {
    /// Copies documents at random, as many as the settings allow; returns their number.
    async fn fill(&self, from: &str, existing: &ExistingIndexes, settings: &TrialSettings) -> Result<u64, Error> {
        let action = || format!("copy a sample of `{}.{from}`", self.db.name());
        let stats = doc! { "aggregate": from, "pipeline": [{ "$collStats": { "storageStats": {} } }], "cursor": {} };
        let stats = collect(&self.db, stats, action).await?;
        let size = |stats: &Document| {
            read_count(stats.get_document("storageStats").ok().and_then(|stats| stats.get("avgObjSize")))
        };
        let size = stats.iter().map(size).max().unwrap_or(0).max(1);
        let documents = settings.documents.min(settings.bytes / size).max(1);
        let mut create = doc! { "create": &self.name };
        create.extend(existing.collation.clone().map(|collation| ("collation".to_owned(), collation.into())));
        self.db.run_command(create).await.map_err(|error| Error::from_driver(action(), &error))?;
        let count = i64::try_from(documents).unwrap_or(i64::MAX);
        let stages = vec![doc! { "$sample": { "size": count } }, doc! { "$out": &self.name }];
        let copy = doc! { "aggregate": from, "pipeline": stages, "cursor": {}, "maxTimeMS": time_limit(settings) };
        collect(&self.db, copy, action).await?;
        let counted = self.db.run_command(doc! { "count": &self.name }).await;
        counted.map(|counted| read_count(counted.get("n"))).map_err(|error| Error::from_driver(action(), &error))
    }

    /// Builds indexes. The time limit ends a build that waits for a member that is down.
    async fn create(&self, indexes: Vec<Document>, settings: &TrialSettings) -> Result<(), Error> {
        if indexes.is_empty() {
            return Ok(());
        }
        let limit = time_limit(settings);
        self.run(doc! { "createIndexes": &self.name, "indexes": indexes, "maxTimeMS": limit }).await
    }

    async fn show(&self, index: &str) -> Result<(), Error> {
        self.run(doc! { "collMod": &self.name, "index": { "name": index, "hidden": false } }).await
    }

    async fn run(&self, command: Document) -> Result<(), Error> {
        let done = self.db.run_command(command).await.map(drop);
        done.map_err(|error| Error::from_driver(format!("build indexes in `{}.{}`", self.db.name(), self.name), &error))
    }

    /// Returns the reads of a query; `None` if the server refuses it without an index.
    async fn explain(&self, query: &Query) -> Result<Option<TrialReads>, Error> {
        let (explained, took) = advice::explain_query(&self.db, query).await?;
        Ok(explained.ok().map(|explained| TrialReads::new(&explained.result, took)))
    }

    async fn remove(&mut self) {
        self.dropped = true;
        remove(self.db.clone(), self.name.clone()).await;
    }
}

/// Returns the time limit of a command in milliseconds. No time at all would be no limit, and the server takes at most 24 days.
fn time_limit(settings: &TrialSettings) -> i32 {
    i32::try_from(settings.time.as_millis()).unwrap_or(i32::MAX).max(1)
}

/// Drops a sample; on a failure its name is logged.
async fn remove(db: Database, name: String) {
    if let Err(error) = db.collection::<Document>(&name).drop().await {
        let error = Error::from_driver(format!("drop `{}.{name}`", db.name()), &error);
        tracing::warn!(%error, "a sample on which an index was tried could not be dropped: drop it by hand");
    }
}

impl Drop for SampleCollection {
    /// Drops it also if the trial panics.
    fn drop(&mut self) {
        if self.dropped {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(remove(self.db.clone(), self.name.clone()));
        }
    }
}
