//! Scopes of changes that are announced together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::SystemTime;

use bson::{Bson, Document, Timestamp, doc};

use super::target::WatchedModel;
use crate::model::RenderedScope;
use fastness_core::seam::Pattern;

/// Number of new scopes and updated documents after which a batch is announced at once.
const BATCH_LIMIT: usize = 1_000;
/// Maximum number of scopes that are stored while they cannot be announced. Beyond it, all scopes of the models are invalidated.
const MAX_PENDING_SCOPES: usize = 10_000;

/// Scopes to announce. They are announced again until every process has them, and removed then.
#[derive(Debug, Default)]
pub(super) struct ChangeBatch {
    scopes: HashSet<RenderedScope>,
    /// Number of scopes that were not announced yet.
    unannounced: usize,
    /// Updated documents that have to be read before their scopes are known.
    updated: HashMap<DocumentId, UpdatedDocument>,
    /// Cluster time of the last change.
    pub(super) time: Option<Timestamp>,
    /// Changes since the last announcement, and the time of the last one.
    pub(super) changes: u64,
    pub(super) last: Option<SystemTime>,
}

/// Identity of a document: its collection, and its `_id` as BSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct DocumentId(pub(super) &'static str, Vec<u8>);

impl DocumentId {
    fn new(collection: &'static str, id: &Bson) -> Self {
        // A value that came from the server can be serialised.
        Self(collection, doc! { "": id }.to_vec().unwrap_or_default())
    }
}

/// A document that was updated.
#[derive(Debug)]
pub(super) struct UpdatedDocument {
    pub(super) id: Bson,
    /// Paths whose old values are unknown.
    pub(super) touched: HashSet<String>,
}

/// Updated documents as they were read; `None` for an `_id` that several documents have.
#[derive(Debug)]
pub(super) struct FoundDocuments(HashMap<DocumentId, Option<Document>>);

impl FoundDocuments {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    pub(super) fn add(&mut self, collection: &'static str, document: Document) {
        let Some(id) = document.get("_id") else { return };
        let document_id = DocumentId::new(collection, id);
        // Two shards may have documents with the same `_id`, so it is unknown which one was updated.
        let known = if self.0.contains_key(&document_id) { None } else { Some(document) };
        self.0.insert(document_id, known);
    }

    /// Returns the document, if it was found and is the only one with its `_id`.
    pub(super) fn get(&self, document_id: &DocumentId) -> Option<&Document> {
        self.0.get(document_id).and_then(Option::as_ref)
    }
}

impl ChangeBatch {
    /// Adds an updated document that has to be read. `touched` are the updated paths, whose old values are unknown.
    pub(super) fn add_updated(&mut self, collection: &'static str, id: &Bson, touched: &[&str]) {
        let updated = self.updated.entry(DocumentId::new(collection, id));
        let updated = updated.or_insert_with(|| UpdatedDocument { id: id.clone(), touched: HashSet::new() });
        updated.touched.extend(touched.iter().map(|path| (*path).to_owned()));
    }

    /// Returns the `_id`s of the documents to read, by collection.
    pub(super) fn updated_ids(&self) -> BTreeMap<&'static str, Vec<Bson>> {
        let mut all: BTreeMap<_, Vec<Bson>> = BTreeMap::new();
        for (document_id, updated) in &self.updated {
            all.entry(document_id.0).or_default().push(updated.id.clone());
        }
        all
    }

    /// Takes the updated documents, and leaves none.
    pub(super) fn take_updated(&mut self) -> impl Iterator<Item = (DocumentId, UpdatedDocument)> + use<> {
        std::mem::take(&mut self.updated).into_iter()
    }

    pub(super) fn add_scope(&mut self, scope: RenderedScope) {
        self.unannounced += usize::from(self.scopes.insert(scope));
    }

    /// Adds all scopes of a model, as wide as possible.
    pub(super) fn add_all_scopes(&mut self, model: &WatchedModel) {
        self.scopes.extend(model.scopes.iter().map(|scope| scope.render(|_| None)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.scopes.is_empty() && self.updated.is_empty()
    }

    /// Returns whether the batch is large enough to be announced.
    pub(super) fn is_full(&self) -> bool {
        self.unannounced + self.updated.len() >= BATCH_LIMIT
    }

    /// Returns the patterns to invalidate.
    pub(super) fn patterns(&mut self, models: &[WatchedModel]) -> Vec<Pattern> {
        if self.scopes.len() > MAX_PENDING_SCOPES {
            self.scopes.clear();
            for model in models {
                self.add_all_scopes(model);
            }
        }
        self.unannounced = 0;
        self.scopes.iter().map(RenderedScope::pattern).collect()
    }

    /// Clears the scopes after they were announced to every process.
    pub(super) fn mark_announced(&mut self) {
        self.scopes.clear();
    }
}

#[cfg(test)]
impl ChangeBatch {
    /// Returns the patterns, sorted.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = |scope: &RenderedScope| scope.text.clone() + if scope.prefix { ":*" } else { "" };
        let mut texts: Vec<_> = self.scopes.iter().map(text).collect();
        texts.sort();
        texts
    }
}
