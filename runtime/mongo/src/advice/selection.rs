//! The selection of the parts of an advice that are carried out.

use bson::Document;

use super::MissingIndex;
use crate::query::Query;

/// Selected parts of an [`IndexAdvice`](super::IndexAdvice); empty by default.
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is done until it is given to `IndexManager::optimize_indexes`"]
pub struct AdviceSelection {
    pub(crate) create: Vec<CreatedIndex>,
    pub(crate) retire: Vec<(String, String, Retirement)>,
}

/// A selected index, with the query that it is meant for.
#[derive(Clone, Debug)]
pub(crate) struct CreatedIndex {
    pub(crate) collection: String,
    pub(crate) key: Document,
    pub(crate) options: Document,
    pub(crate) query: Query,
    /// Reads of the query before.
    pub(crate) reads: u64,
    pub(crate) sorted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retirement {
    Hide,
    Drop,
}

impl AdviceSelection {
    /// Selects a missing index to be created, or to be shown again if it is only hidden.
    pub fn create(mut self, suggestion: &MissingIndex) -> Self {
        let explained = &suggestion.evidence.explained;
        self.create.push(CreatedIndex {
            collection: suggestion.collection.clone(),
            key: suggestion.key.clone(),
            options: suggestion.options.clone(),
            query: suggestion.query.clone(),
            reads: explained.documents + explained.keys,
            sorted: explained.sorted_in_memory,
        });
        self
    }

    /// Selects an index to be hidden: queries no longer use it, but it stays up to date and can be shown again at once. MongoDB 4.4 or
    /// newer.
    pub fn hide(mut self, collection: &str, index: &str) -> Self {
        self.retire.push((collection.to_owned(), index.to_owned(), Retirement::Hide));
        self
    }

    /// Selects an index to be dropped. Restoring it takes a build: [hide](Self::hide) it first, and drop it later if it was not missed.
    pub fn drop_index(mut self, collection: &str, index: &str) -> Self {
        self.retire.push((collection.to_owned(), index.to_owned(), Retirement::Drop));
        self
    }

    /// Returns whether nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.retire.is_empty()
    }
}
