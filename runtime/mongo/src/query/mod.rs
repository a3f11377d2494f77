//! One operation on a collection: measured, explained, and displayed without its values.
//!
//! May use: `conversions`, `error`.

use std::fmt;
use std::time::Duration;

use bson::{Bson, Document, doc};
use serde::Serialize;

use crate::conversions::format_bson;

mod command;
mod shape;
#[cfg(test)]
mod tests;

pub(crate) use command::{read_command, read_write};

/// Operation on a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// `find`: returns documents.
    Find,
    /// `aggregate`: runs documents through a pipeline.
    Aggregate,
    /// `count`: counts documents.
    Count,
    /// `distinct`: returns the distinct values of a field.
    Distinct,
    /// `insert`: stores new documents.
    Insert,
    /// `update`: changes or replaces documents.
    Update,
    /// `delete`: deletes documents.
    Remove,
    /// `findAndModify`: changes or deletes one document, and returns it.
    FindAndModify,
}

/// A query to [analyse](crate::IndexManager::analyze_query). The printed form, also in logs, hides its values.
///
/// ```
/// use bson::doc;
/// use fastness::mongo::slow::Query;
///
/// let query = Query::find("products", doc! { "business": 7 }).sort(doc! { "createdAt": -1 }).limit(10);
/// assert_eq!(query.to_string(), r#"products.find {business: "?"} sort {createdAt: -1}"#);
/// ```
#[derive(Clone)]
#[must_use = "a query does nothing by itself: pass it to `IndexManager::analyze_query`"]
pub struct Query {
    pub(crate) collection: String,
    pub(crate) operation: Operation,
    pub(crate) parts: QueryParts,
    options: Document,
}

/// A slow query with its values. The `Debug` form hides them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QuerySample {
    /// The query.
    pub query: Query,
    /// Duration of the query when it was slow, such as its 95th percentile.
    pub took: Duration,
}

impl QuerySample {
    /// Creates a sample of a query that took this long.
    pub fn new(query: Query, took: Duration) -> Self {
        Self { query, took }
    }
}

/// The parts of a query that determine its shape, with their values. Empty parts allocate nothing.
#[derive(Clone, Default)]
pub(crate) struct QueryParts {
    pub(crate) filter: Document,
    pub(crate) sort: Document,
    /// Maximum number of documents; 0 for all.
    pub(crate) limit: u32,
    pub(crate) pipeline: Vec<Document>,
    /// Field of a `distinct`.
    pub(crate) field: String,
    /// The query's own collation.
    pub(crate) collation: Option<Document>,
    /// True if the values were dropped because they were too large.
    pub(crate) hidden: bool,
}

/// Maximum size in bytes of the stored values of a slow query. Without a limit, 200 shapes with values of megabytes would fill the
/// memory.
const MAX_VALUES_SIZE: usize = 16 * 1024;

/// Maximum length of a stored shape, in characters. Field names may come from requests.
const MAX_SHAPE_LENGTH: usize = 1_000;

impl Query {
    pub(crate) fn new(collection: impl Into<String>, operation: Operation, parts: QueryParts) -> Self {
        Self { collection: collection.into(), operation, parts, options: Document::new() }
    }

    /// Creates a `find` with this filter.
    pub fn find(collection: impl Into<String>, filter: Document) -> Self {
        Self::new(collection, Operation::Find, QueryParts { filter, ..QueryParts::default() })
    }

    /// Creates a count of the documents that match a filter.
    pub fn count(collection: impl Into<String>, filter: Document) -> Self {
        Self::new(collection, Operation::Count, QueryParts { filter, ..QueryParts::default() })
    }

    /// Creates an aggregation. An index serves the stages that it begins with, `$match`, `$sort`,
    /// `$limit`, and a later `$match` if the server can move it forward.
    pub fn aggregate(collection: impl Into<String>, pipeline: impl IntoIterator<Item = Document>) -> Self {
        let pipeline = pipeline.into_iter().collect();
        Self::new(collection, Operation::Aggregate, QueryParts { pipeline, ..QueryParts::default() })
    }

    /// Sets the sort of a `find`.
    pub fn sort(mut self, sort: Document) -> Self {
        self.parts.sort = sort;
        self
    }

    /// Sets the maximum number of documents of a `find`. Default 0: all.
    pub fn limit(mut self, limit: u32) -> Self {
        self.parts.limit = limit;
        self
    }

    /// Sets another field of the command by its name in MongoDB: `skip`, `projection`, `hint`, `collation`, `let`.
    pub fn option(mut self, name: impl Into<String>, value: impl Into<Bson>) -> Self {
        let name = name.into();
        let value = value.into();
        if name == "collation" {
            self.parts.collation = value.as_document().cloned();
        } else {
            self.options.insert(name, value);
        }
        self
    }

    /// Returns the command to explain. A write is explained as the query for the documents that it would change.
    pub(crate) fn command(&self) -> Document {
        let QueryParts { filter, sort, limit, pipeline, field, .. } = &self.parts;
        let mut command = match self.operation {
            Operation::Aggregate => {
                let writes = |stage: &&Document| stage.contains_key("$out") || stage.contains_key("$merge");
                let read: Vec<_> = pipeline.iter().take_while(|stage| !writes(stage)).cloned().collect();
                doc! { "aggregate": &self.collection, "pipeline": read, "cursor": {} }
            }
            Operation::Count => doc! { "count": &self.collection, "query": filter.clone() },
            Operation::Distinct => doc! { "distinct": &self.collection, "key": field, "query": filter.clone() },
            _ => doc! { "find": &self.collection, "filter": filter.clone() },
        };
        if command.contains_key("find") && !sort.is_empty() {
            command.insert("sort", sort.clone());
        }
        if command.contains_key("find") && *limit > 0 {
            command.insert("limit", i64::from(*limit));
        }
        command.extend(self.options.clone());
        command.extend(self.parts.collation.clone().map(|collation| ("collation".to_owned(), Bson::from(collation))));
        command
    }

    /// Returns the same query on another collection.
    pub(crate) fn on(self, collection: &str) -> Self {
        Self { collection: collection.to_owned(), ..self }
    }

    pub(crate) fn options(&self) -> &Document {
        &self.options
    }

    /// Returns whether the query names its index.
    pub(crate) fn is_hinted(&self) -> bool {
        self.options.contains_key("hint")
    }
}

impl QueryParts {
    /// Drops the values if they are large.
    pub(crate) fn without_large_values(self) -> Self {
        let size = |document: &Document| document.to_vec().map_or(usize::MAX, |bytes| bytes.len());
        let documents = [&self.filter, &self.sort].into_iter().chain(&self.pipeline);
        if documents.map(size).fold(0, usize::saturating_add) <= MAX_VALUES_SIZE {
            return self;
        }
        let stages = shape::stages(&self.pipeline);
        let pipeline = stages.as_array().into_iter().flatten().filter_map(Bson::as_document).cloned().collect();
        Self { filter: shape::canonical(&self.filter), sort: Document::new(), pipeline, hidden: true, ..self }
    }

    /// Returns the query shape: equal for queries that differ in their values only.
    pub(crate) fn shape(&self, operation: Operation) -> String {
        let filter = || format_bson(&shape::canonical(&self.filter).into());
        let mut shape = match operation {
            Operation::Insert => "documents".to_owned(),
            Operation::Aggregate => format_bson(&shape::stages(&self.pipeline)),
            Operation::Distinct => format!("{} of {}", self.field, filter()),
            _ => filter(),
        };
        if !self.sort.is_empty() {
            shape = format!("{shape} sort {}", format_bson(&shape::directions(&self.sort).into()));
        }
        if self.collation.is_some() {
            shape.push_str(" with a collation");
        }
        if let Some((end, _)) = shape.char_indices().nth(MAX_SHAPE_LENGTH) {
            shape.truncate(end);
            shape.push_str("..");
        }
        shape
    }
}

impl Operation {
    /// Returns the name in the serialised form.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Aggregate => "aggregate",
            Self::Count => "count",
            Self::Distinct => "distinct",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Remove => "remove",
            Self::FindAndModify => "find_and_modify",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} {}", self.collection, self.operation, self.parts.shape(self.operation))
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({self})")
    }
}
