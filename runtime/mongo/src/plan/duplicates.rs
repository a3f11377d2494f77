//! Which documents contradict a unique index that cannot be built.
//!
//! The server names one value, and the value itself may be somebody's data. Told here are the documents' ids, and how many
//! there are.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;
use serde::Serialize;

use super::index::Index;
use crate::ask::all;
use crate::error::Error;
use crate::values::count;

/// Documents that share values which a unique index wants different.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Duplicates {
    /// How many values are shared.
    pub groups: u64,
    /// How many documents share one of them.
    pub documents: u64,
    /// Of up to [`Self::EXAMPLES`] values, the ids of two or more documents that share it.
    pub examples: Vec<Vec<Bson>>,
}

/// Looking for them must not load the server for long.
const LIMIT: Duration = Duration::from_secs(30);

impl Duplicates {
    /// How many shared values are told with ids.
    pub const EXAMPLES: usize = 5;

    /// From the reply of `collMod`, which names all.
    pub(crate) fn of_reply(reply: &Document) -> Option<Self> {
        let violations = reply.get_array("violations").ok()?;
        let ids = |violation: &Bson| violation.as_document()?.get_array("ids").ok().cloned();
        let groups: Vec<_> = violations.iter().filter_map(ids).collect();
        let documents = groups.iter().map(|ids| ids.len() as u64).sum();
        Some(Self {
            groups: groups.len() as u64,
            documents,
            examples: groups.into_iter().take(Self::EXAMPLES).collect(),
        })
    }

    /// Looks for them, as long as [`LIMIT`] allows.
    pub(crate) async fn find(db: &Database, collection: &str, index: &Index) -> Result<Option<Self>, Error> {
        let mut command = doc! {
            "aggregate": collection,
            "pipeline": pipeline(index),
            "cursor": {},
            "allowDiskUse": true,
            "maxTimeMS": i64::try_from(LIMIT.as_millis()).unwrap_or(i64::MAX),
        };
        let simple = || doc! { "locale": "simple" }.into();
        command.insert("collation", index.option("collation").cloned().unwrap_or_else(simple));
        let doing = || format!("look for duplicates in `{}.{collection}`", db.name());
        let found = all(db, command, doing).await?;
        Ok(found.first().and_then(Self::of_counts))
    }

    fn of_counts(counts: &Document) -> Option<Self> {
        let total = counts.get_array("total").ok()?.first()?.as_document()?;
        let number = |field| count(total.get(field));
        let pair = |group: &Bson| {
            let group = group.as_document()?;
            Some(vec![group.get("first")?.clone(), group.get("last")?.clone()])
        };
        let examples = counts.get_array("examples").ok()?.iter().filter_map(pair).collect();
        Some(Self { groups: number("groups"), documents: number("documents"), examples })
    }
}

/// Groups the documents that would be in the index by what would be indexed of them. Of an array, each element is indexed.
fn pipeline(index: &Index) -> Vec<Document> {
    let fields: Vec<_> = index.key().keys().enumerate().map(|(at, path)| (format!("k{at}"), path)).collect();
    let mut stages = Vec::new();
    if let Some(filter) = index.option("partialFilterExpression") {
        stages.push(doc! { "$match": filter.clone() });
    }
    if index.is("sparse") {
        let exist: Vec<_> = fields.iter().map(|(_, path)| doc! { *path: { "$exists": true } }).collect();
        stages.push(doc! { "$match": { "$or": exist } });
    }
    stages.push(doc! { "$project": fields.iter().map(|(key, path)| (key.clone(), format!("${path}").into())).collect::<Document>() });
    for (key, _) in &fields {
        stages.push(doc! { "$unwind": { "path": format!("${key}"), "preserveNullAndEmptyArrays": true } });
    }
    // What is missing is indexed as null.
    let value = |key: &String| Bson::from(doc! { "$ifNull": [format!("${key}"), Bson::Null] });
    let mut once: Document = fields.iter().map(|(key, _)| (key.clone(), value(key))).collect();
    once.insert("id", "$_id");
    let group: Document = fields.iter().map(|(key, _)| (key.clone(), format!("$_id.{key}").into())).collect();
    stages.extend([
        // A document may hold a value twice.
        doc! { "$group": { "_id": once } },
        doc! { "$group": {
            "_id": group,
            "count": { "$sum": 1 },
            "first": { "$min": "$_id.id" },
            "last": { "$max": "$_id.id" },
        } },
        doc! { "$match": { "count": { "$gt": 1 } } },
        doc! { "$facet": {
            "total": [{ "$group": { "_id": null, "groups": { "$sum": 1 }, "documents": { "$sum": "$count" } } }],
            "examples": [{ "$sort": { "first": 1 } }, { "$limit": i64::try_from(Duplicates::EXAMPLES).unwrap_or(1) }],
        } },
    ]);
    stages
}
