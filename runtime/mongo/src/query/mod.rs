//! One operation on a collection, as it was asked: what is timed, explained, and shown without its values.
//!
//! May use: `values`.

use std::fmt;
use std::time::Duration;

use bson::{Bson, Document, doc};
use serde::Serialize;

use crate::values::{count, show};

mod hide;
#[cfg(test)]
mod tests;

pub(crate) use hide::without_values;

/// What is done with a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// Documents are looked for.
    Find,
    /// They run through a pipeline.
    Aggregate,
    /// They are counted.
    Count,
    /// The values of a field are listed.
    Distinct,
    /// New ones are stored.
    Insert,
    /// Some are changed, or replaced.
    Update,
    /// Some are deleted.
    Remove,
    /// One is changed or deleted, and given back.
    FindAndModify,
}

/// A query to be [analysed](crate::IndexManager::analyze_query). Printed, and in logs, it is shown without its values.
///
/// ```
/// use bson::doc;
/// use fastness::mongo::slow::Query;
///
/// let query = Query::find("products", doc! { "business": 7 }).sort(doc! { "createdAt": -1 }).limit(10);
/// assert_eq!(query.to_string(), r#"products.find {business: "?"} sort {createdAt: -1}"#);
/// ```
#[derive(Clone)]
#[must_use = "it is only a question: give it to `IndexManager::analyze_query`"]
pub struct Query {
    pub(crate) collection: String,
    pub(crate) operation: Operation,
    pub(crate) asked: Asked,
    options: Document,
}

/// A query that took long, with its values. Printed for debugging, it is shown without them.
#[derive(Clone)]
pub struct Example {
    /// The name of the collection.
    pub collection: String,
    /// What the documents must be like.
    pub filter: Document,
    /// What they are sorted by; empty: nothing.
    pub sort: Document,
    /// How many of them are wanted; 0: all.
    pub limit: u32,
    /// How long the query took where it was slow, such as its 95th percentile.
    pub took: Duration,
}

impl fmt::Debug for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Example")
            .field("collection", &self.collection)
            .field("filter", &format_args!("{}", show(&without_values(&self.filter).into())))
            .field("sort", &format_args!("{}", show(&self.sort.clone().into())))
            .field("limit", &self.limit)
            .field("took", &self.took)
            .finish()
    }
}

/// What is asked of a collection, with its values. Nothing of it is allocated where nothing is asked.
#[derive(Clone, Default)]
pub(crate) struct Asked {
    pub(crate) filter: Document,
    pub(crate) sort: Document,
    /// 0: all.
    pub(crate) limit: u32,
    pub(crate) pipeline: Vec<Document>,
    /// Of `distinct`.
    pub(crate) field: String,
    /// It says itself how strings compare.
    pub(crate) collated: bool,
    /// Its values were too large to be kept.
    pub(crate) hidden: bool,
}

/// Of a slow query, values of so many bytes are kept: 200 shapes of a few megabytes each would be too many.
const KEPT: usize = 16 * 1024;

/// So much of a shape is kept: it comes from requests.
const LONGEST: usize = 1_000;

impl Query {
    pub(crate) fn new(collection: impl Into<String>, operation: Operation, asked: Asked) -> Self {
        Self { collection: collection.into(), operation, asked, options: Document::new() }
    }

    /// A `find` with this filter.
    pub fn find(collection: impl Into<String>, filter: Document) -> Self {
        Self::new(collection, Operation::Find, Asked { filter, ..Asked::default() })
    }

    /// A count of the documents for which a filter holds.
    pub fn count(collection: impl Into<String>, filter: Document) -> Self {
        Self::new(collection, Operation::Count, Asked { filter, ..Asked::default() })
    }

    /// An aggregation. What an index can serve is what it begins with: `$match`, `$sort`, `$limit`.
    pub fn aggregate(collection: impl Into<String>, pipeline: impl IntoIterator<Item = Document>) -> Self {
        let pipeline = pipeline.into_iter().collect();
        Self::new(collection, Operation::Aggregate, Asked { pipeline, ..Asked::default() })
    }

    /// What the documents are sorted by; of a `find`.
    pub fn sort(mut self, sort: Document) -> Self {
        self.asked.sort = sort;
        self
    }

    /// How many of them are wanted, 0: all (the default); of a `find`.
    pub fn limit(mut self, limit: u32) -> Self {
        self.asked.limit = limit;
        self
    }

    /// Any other field of the command, as MongoDB calls it: `skip`, `projection`, `hint`, `collation`, `let`.
    pub fn option(mut self, name: impl Into<String>, value: impl Into<Bson>) -> Self {
        let name = name.into();
        self.asked.collated |= name == "collation";
        self.options.insert(name, value);
        self
    }

    /// The command that is to be explained. What would write is explained as the search for what it would write to.
    pub(crate) fn command(&self) -> Document {
        let Asked { filter, sort, limit, pipeline, field, .. } = &self.asked;
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
        command
    }

    /// What an index can serve of it.
    pub(crate) fn served(&self, took: Duration) -> Example {
        let (filter, sort, limit) = match self.operation {
            Operation::Aggregate => lead(&self.asked.pipeline),
            _ => (self.asked.filter.clone(), self.asked.sort.clone(), self.asked.limit),
        };
        Example { collection: self.collection.clone(), filter, sort, limit, took }
    }
}

impl Asked {
    /// The same, without its values if they are large.
    pub(crate) fn kept(self) -> Self {
        let size = |document: &Document| document.to_vec().map_or(usize::MAX, |bytes| bytes.len());
        let documents = [&self.filter, &self.sort].into_iter().chain(&self.pipeline);
        if documents.map(size).fold(0, usize::saturating_add) <= KEPT {
            return self;
        }
        let stages = hide::stages(&self.pipeline);
        let pipeline = stages.as_array().into_iter().flatten().filter_map(Bson::as_document).cloned().collect();
        Self { filter: hide::canonical(&self.filter), sort: Document::new(), pipeline, hidden: true, ..self }
    }

    /// What is the same for all that differ in their values only.
    pub(crate) fn shape(&self, operation: Operation) -> String {
        let filter = || show(&hide::canonical(&self.filter).into());
        let mut shape = match operation {
            Operation::Insert => "documents".to_owned(),
            Operation::Aggregate => show(&hide::stages(&self.pipeline)),
            Operation::Distinct => format!("{} of {}", self.field, filter()),
            _ => filter(),
        };
        if !self.sort.is_empty() {
            shape = format!("{shape} sort {}", show(&hide::directions(&self.sort).into()));
        }
        if self.collated {
            shape.push_str(" with a collation");
        }
        if let Some((end, _)) = shape.char_indices().nth(LONGEST) {
            shape.truncate(end);
            shape.push_str("..");
        }
        shape
    }
}

/// What of a pipeline is a query: filter, sort and limit, as far as they come first.
fn lead(pipeline: &[Document]) -> (Document, Document, u32) {
    let (mut filters, mut sort, mut limit) = (Vec::new(), Document::new(), 0);
    for stage in pipeline {
        match stage.iter().next() {
            Some((name, Bson::Document(filter))) if name == "$match" => filters.push(filter.clone()),
            Some((name, Bson::Document(keys))) if name == "$sort" && sort.is_empty() => sort = keys.clone(),
            Some((name, value)) if name == "$limit" => {
                limit = u32::try_from(count(Some(value))).unwrap_or(0);
                break;
            }
            _ => break,
        }
    }
    let filter = match filters.len() {
        0 | 1 => filters.pop().unwrap_or_default(),
        _ => doc! { "$and": filters },
    };
    (filter, sort, limit)
}

impl Operation {
    /// As in the serialised form.
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
        write!(f, "{}.{} {}", self.collection, self.operation, self.asked.shape(self.operation))
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({self})")
    }
}
