//! The selection of the parts of an advice that are carried out.

use bson::Document;

use super::MissingIndex;

/// Selected parts of an [`IndexAdvice`](super::IndexAdvice); empty by default.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "nothing is done until it is given to `IndexManager::optimize_indexes`"]
pub struct AdviceSelection {
    pub(crate) create: Vec<(String, Document)>,
    pub(crate) retire: Vec<(String, String, Retirement)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retirement {
    Hide,
    Drop,
}

impl AdviceSelection {
    /// Selects a missing index to be created, or to be shown again if it is only hidden.
    pub fn create(mut self, suggestion: &MissingIndex) -> Self {
        self.create.push((suggestion.collection.clone(), suggestion.key.clone()));
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
