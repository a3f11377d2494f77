//! Documents that violate a unique index which cannot be built.
//!
//! The server's error names one value, which may be personal data. This report contains the `_id`s of the documents, and counts.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;
use serde::Serialize;

use super::index::IndexDefinition;
use crate::command::collect;
use crate::conversions::read_count;
use crate::error::Error;

/// Documents with equal values in the fields of a unique index.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DuplicateKeys {
    /// Number of values that several documents share.
    pub groups: u64,
    /// Number of documents that share one of these values.
    pub documents: u64,
    /// `_id`s of two or more documents for each of up to [`Self::EXAMPLES`] shared values.
    pub examples: Vec<Vec<Bson>>,
}

/// Time limit of the search, so that it does not load the server for long.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(30);

impl DuplicateKeys {
    /// Maximum number of shared values in [`examples`](Self::examples).
    pub const EXAMPLES: usize = 5;

    /// Reads the reply of `collMod`, which lists all violations.
    pub(crate) fn from_reply(reply: &Document) -> Option<Self> {
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

    /// Searches the collection, for at most [`SEARCH_TIMEOUT`].
    pub(crate) async fn find(db: &Database, collection: &str, index: &IndexDefinition) -> Result<Option<Self>, Error> {
        let mut command = doc! {
            "aggregate": collection,
            "pipeline": pipeline(index),
            "cursor": {},
            "allowDiskUse": true,
            "maxTimeMS": i64::try_from(SEARCH_TIMEOUT.as_millis()).unwrap_or(i64::MAX),
        };
        let simple = || doc! { "locale": "simple" }.into();
        command.insert("collation", index.option("collation").cloned().unwrap_or_else(simple));
        let action = || format!("search for duplicates in `{}.{collection}`", db.name());
        let found = collect(db, command, action).await?;
        Ok(found.first().and_then(Self::from_counts))
    }

    fn from_counts(counts: &Document) -> Option<Self> {
        let total = counts.get_array("total").ok()?.first()?.as_document()?;
        let number = |field| read_count(total.get(field));
        let pair = |group: &Bson| {
            let group = group.as_document()?;
            Some(vec![group.get("first")?.clone(), group.get("last")?.clone()])
        };
        let examples = counts.get_array("examples").ok()?.iter().filter_map(pair).collect();
        Some(Self { groups: number("groups"), documents: number("documents"), examples })
    }
}

/// Groups the documents that the index would contain by their index keys. An array has a key for each element.
fn pipeline(index: &IndexDefinition) -> Vec<Document> {
    let fields: Vec<_> = index.key().keys().enumerate().map(|(at, path)| (format!("k{at}"), path)).collect();
    let mut stages = Vec::new();
    if let Some(filter) = index.option("partialFilterExpression") {
        stages.push(doc! { "$match": filter.clone() });
    }
    if index.has_flag("sparse") {
        let exist: Vec<_> = fields.iter().map(|(_, path)| doc! { *path: { "$exists": true } }).collect();
        stages.push(doc! { "$match": { "$or": exist } });
    }
    stages.push(doc! { "$project": fields.iter().map(|(key, path)| (key.clone(), format!("${path}").into())).collect::<Document>() });
    for (key, _) in &fields {
        stages.push(doc! { "$unwind": { "path": format!("${key}"), "preserveNullAndEmptyArrays": true } });
    }
    // A missing value is indexed as null.
    let value = |key: &String| Bson::from(doc! { "$ifNull": [format!("${key}"), Bson::Null] });
    let mut once: Document = fields.iter().map(|(key, _)| (key.clone(), value(key))).collect();
    once.insert("id", "$_id");
    let group: Document = fields.iter().map(|(key, _)| (key.clone(), format!("$_id.{key}").into())).collect();
    stages.extend([
        // Counts a document once for each value, even if it contains the value twice.
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
            "examples": [{ "$sort": { "first": 1 } }, { "$limit": i64::try_from(DuplicateKeys::EXAMPLES).unwrap_or(1) }],
        } },
    ]);
    stages
}
