//! Short forms in which questions are written.

use bson::{Document, doc};

use super::{Answer, Asked, Collection, Flaw, NewIndex, Question, Tempting};

/// Page of the manual on compound keys.
pub(super) const ESR: &str = "The ESR (Equality, Sort, Range) Guideline";
/// Page on selectivity.
pub(super) const SELECTIVE: &str = "Create Queries that Ensure Selectivity";
/// Page on indexes for queries.
pub(super) const SUPPORT: &str = "Create Indexes to Support Your Queries";
/// Page on sorts.
pub(super) const SORT: &str = "Use Indexes to Sort Query Results";
/// Page on arrays.
pub(super) const MULTIKEY: &str = "Multikey Indexes";
/// Page on sparse indexes.
pub(super) const SPARSE: &str = "Sparse Indexes";
/// Page on partial indexes.
pub(super) const PARTIAL: &str = "Partial Indexes";
/// Page on collations.
pub(super) const COLLATION: &str = "Collation";
/// Page on prefixes of compound indexes.
pub(super) const COMPOUND: &str = "Compound Indexes: Prefixes";
/// Page on pipelines.
pub(super) const PIPELINE: &str = "Aggregation Pipeline Optimization";

/// Returns a question for an index for a command.
pub(super) fn ask(
    name: &'static str,
    source: &'static str,
    collections: impl Into<Vec<Collection>>,
    command: Document,
    answer: Answer,
) -> Question {
    Question { name, source, collections: collections.into(), asked: Asked::Command { command, answer } }
}

/// Returns a `find`.
pub(super) fn find(filter: Document) -> Document {
    doc! { "find": "c", "filter": filter }
}

/// Returns a `find` with a sort and a limit.
pub(super) fn sorted(filter: Document, sort: Document, limit: i32) -> Document {
    doc! { "find": "c", "filter": filter, "sort": sort, "limit": limit }
}

/// Returns an aggregation.
pub(super) fn pipeline(stages: impl Into<Vec<Document>>) -> Document {
    doc! { "aggregate": "c", "pipeline": stages.into() }
}

/// Returns the collection `c` with this number of documents.
pub(super) fn rows(count: i32, row: impl Fn(i32) -> Document) -> Collection {
    named("c", count, row)
}

/// Returns a collection with this number of documents.
pub(super) fn named(name: &'static str, count: i32, row: impl Fn(i32) -> Document) -> Collection {
    Collection { name, documents: (0..count).map(row).collect(), indexes: Vec::new() }
}

impl Collection {
    /// Adds an index without options.
    pub(super) fn index(self, key: Document) -> Self {
        self.index_with(key, doc! {})
    }

    /// Adds an index.
    pub(super) fn index_with(mut self, key: Document, options: Document) -> Self {
        let parts = key.iter().map(|(field, direction)| format!("{field}_{direction}").replace('"', ""));
        let name = parts.collect::<Vec<_>>().join("_");
        let mut index = doc! { "key": key, "name": name };
        index.extend(options);
        self.indexes.push(index);
        self
    }
}

impl From<Collection> for Vec<Collection> {
    fn from(collection: Collection) -> Self {
        vec![collection]
    }
}

/// Returns an index of the collection `c`.
pub(super) fn on(key: Document) -> NewIndex {
    NewIndex::new("c", key)
}

/// Returns an index of the collection `c` with options.
pub(super) fn with(key: Document, options: Document) -> NewIndex {
    NewIndex { options, ..on(key) }
}

/// Answers with one of these indexes of the collection `c`.
pub(super) fn create<const N: usize>(keys: [Document; N]) -> Answer {
    Answer::Create(keys.into_iter().map(|key| vec![on(key)]).collect())
}

/// Answers with all of these indexes.
pub(super) fn all_of(indexes: impl Into<Vec<NewIndex>>) -> Answer {
    Answer::Create(vec![indexes.into()])
}

/// Answers that no index is worth its cost, and that these do not help.
pub(super) fn useless<const N: usize>(keys: [Document; N]) -> Answer {
    Answer::Nothing { tempting: keys.into_iter().map(|key| tempting(on(key), Flaw::Useless)).collect() }
}

/// Returns an index with its flaw.
pub(super) fn tempting(index: NewIndex, flaw: Flaw) -> Tempting {
    Tempting { indexes: vec![index], flaw }
}
