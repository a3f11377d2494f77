//! The scopes of the changes that are to be announced together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::SystemTime;

use bson::{Bson, Document, Timestamp, doc};

use super::Watched;
use super::event::after_updates;
use crate::index::Rendered;
use crate::log::Record;

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
    unread: HashMap<Place, Unread>,
    /// The server's time of the last change.
    pub(super) time: Option<Timestamp>,
    /// Changes since the last announcement, and when the last of them happened.
    pub(super) changes: u64,
    pub(super) last: Option<SystemTime>,
}

/// A document: its collection, and its `_id` as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place(&'static str, Vec<u8>);

impl Place {
    fn new(collection: &'static str, id: &Bson) -> Self {
        // What came from the server can be written.
        Self(collection, doc! { "": id }.to_vec().unwrap_or_default())
    }
}

/// A document that was updated.
#[derive(Debug)]
struct Unread {
    id: Bson,
    /// The paths whose old values are not known.
    touched: HashSet<String>,
}

/// Documents that were looked up.
#[derive(Debug)]
pub(super) struct Found(HashMap<Place, Option<Document>>);

impl Found {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    pub(super) fn add(&mut self, collection: &'static str, document: Document) {
        let Some(id) = document.get("_id") else { return };
        let place = Place::new(collection, id);
        // Two shards can have documents of one `_id`: which of them it was is not known.
        let known = if self.0.contains_key(&place) { None } else { Some(document) };
        self.0.insert(place, known);
    }
}

impl Batch {
    /// A document has to be looked up, since it was updated, and so were these of its paths, whose old values are not known.
    pub(super) fn look_up(&mut self, collection: &'static str, id: &Bson, touched: &[&str]) {
        let unread = self.unread.entry(Place::new(collection, id));
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

    /// It was looked up; what was not found is not known.
    pub(super) fn found(&mut self, found: &Found, models: &[Watched]) {
        for (place, unread) in std::mem::take(&mut self.unread) {
            let document = found.0.get(&place).and_then(Option::as_ref);
            let touched: Vec<_> = unread.touched.iter().map(String::as_str).collect();
            for model in models.iter().filter(|model| model.collection == place.0) {
                after_updates(model, document, &unread.id, &touched, self);
            }
        }
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

    /// As one invalidation.
    pub(super) fn record(&mut self, models: &[Watched]) -> Record {
        if self.scopes.len() > MOST {
            self.scopes.clear();
            for model in models {
                self.push_everything(model);
            }
        }
        self.fresh = 0;
        let mut record = Record::default();
        for pattern in self.scopes.iter().map(Rendered::pattern) {
            record.push(pattern.scope, pattern.root);
        }
        record
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
