//! The scopes of the changes that are to be announced together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::SystemTime;

use bson::{Bson, Document, Timestamp, doc};

use super::followed::Watched;
use crate::model::Rendered;
use fastness_core::seam::Pattern;

/// Scopes that are announced, and documents that are looked up, at once; more follow in turn.
const ENOUGH: usize = 1_000;
/// Scopes that are kept while they cannot be announced; beyond it everything is.
const MOST: usize = 10_000;

/// What is to be announced. It stays until all were told, so that it is told again if they were not.
#[derive(Debug, Default)]
pub(super) struct Batch {
    scopes: HashSet<Rendered>,
    /// How many of them nobody was told of yet.
    fresh: usize,
    /// Documents that were updated, and have to be looked up first.
    unread: HashMap<DocumentId, Unread>,
    /// The server's time of the last change.
    pub(super) time: Option<Timestamp>,
    /// Changes since the last announcement, and when the last of them happened.
    pub(super) changes: u64,
    pub(super) last: Option<SystemTime>,
}

/// A document: its collection, and its `_id` as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct DocumentId(pub(super) &'static str, Vec<u8>);

impl DocumentId {
    fn new(collection: &'static str, id: &Bson) -> Self {
        // What came from the server can be written.
        Self(collection, doc! { "": id }.to_vec().unwrap_or_default())
    }
}

/// A document that was updated.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) id: Bson,
    /// The paths whose old values are not known.
    pub(super) touched: HashSet<String>,
}

/// Documents that were looked up.
#[derive(Debug)]
pub(super) struct Found(HashMap<DocumentId, Option<Document>>);

impl Found {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    pub(super) fn add(&mut self, collection: &'static str, document: Document) {
        let Some(id) = document.get("_id") else { return };
        let place = DocumentId::new(collection, id);
        // Two shards can have documents of one `_id`: which of them it was is not known.
        let known = if self.0.contains_key(&place) { None } else { Some(document) };
        self.0.insert(place, known);
    }
}

impl Found {
    /// The document, if it was found and is the only one of its `_id`.
    pub(super) fn get(&self, place: &DocumentId) -> Option<&Document> {
        self.0.get(place).and_then(Option::as_ref)
    }
}

impl Batch {
    /// A document has to be looked up, since it was updated, and so were these of its paths, whose old values are not known.
    pub(super) fn look_up(&mut self, collection: &'static str, id: &Bson, touched: &[&str]) {
        let unread = self.unread.entry(DocumentId::new(collection, id));
        let unread = unread.or_insert_with(|| Unread { id: id.clone(), touched: HashSet::new() });
        unread.touched.extend(touched.iter().map(|path| (*path).to_owned()));
    }

    /// What has to be looked up, by collection.
    pub(super) fn unread(&self) -> BTreeMap<&'static str, Vec<Bson>> {
        let mut all: BTreeMap<_, Vec<Bson>> = BTreeMap::new();
        for (place, unread) in &self.unread {
            all.entry(place.0).or_default().push(unread.id.clone());
        }
        all
    }

    /// Takes the documents that have to be looked up; nothing is left to look up.
    pub(super) fn take_unread(&mut self) -> impl Iterator<Item = (DocumentId, Unread)> + use<> {
        std::mem::take(&mut self.unread).into_iter()
    }

    pub(super) fn push(&mut self, scope: Rendered) {
        self.fresh += usize::from(self.scopes.insert(scope));
    }

    /// All that a model's changes can concern.
    pub(super) fn push_everything(&mut self, model: &Watched) {
        self.scopes.extend(model.scopes.iter().map(|scope| scope.render(|_| None)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.scopes.is_empty() && self.unread.is_empty()
    }

    /// Whether it should not wait for more.
    pub(super) fn is_full(&self) -> bool {
        self.fresh + self.unread.len() >= ENOUGH
    }

    /// The patterns of one invalidation.
    pub(super) fn patterns(&mut self, models: &[Watched]) -> Vec<Pattern> {
        if self.scopes.len() > MOST {
            self.scopes.clear();
            for model in models {
                self.push_everything(model);
            }
        }
        self.fresh = 0;
        self.scopes.iter().map(Rendered::pattern).collect()
    }

    /// Everybody was told.
    pub(super) fn told(&mut self) {
        self.scopes.clear();
    }
}

#[cfg(test)]
impl Batch {
    /// The patterns, in order.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = |scope: &Rendered| scope.text.clone() + if scope.prefix { ":*" } else { "" };
        let mut texts: Vec<_> = self.scopes.iter().map(text).collect();
        texts.sort();
        texts
    }
}
