//! The part of an advice that a person wants done.

use bson::Document;

use super::Suggestion;

/// What of an [`Advice`](super::Advice) is to be done; nothing, to begin with.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "nothing is done until it is given to `IndexManager::optimize_indexes`"]
pub struct Chosen {
    pub(crate) create: Vec<(String, Document)>,
    pub(crate) retire: Vec<(String, String, Retirement)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retirement {
    Hide,
    Drop,
}

impl Chosen {
    /// Builds what is missing, or shows it again if it is only hidden.
    pub fn create(mut self, suggestion: &Suggestion) -> Self {
        self.create.push((suggestion.collection.clone(), suggestion.key.clone()));
        self
    }

    /// Hides an index: queries no longer use it, but it is kept up to date, and can be brought back at once.
    pub fn hide(mut self, collection: &str, index: &str) -> Self {
        self.retire.push((collection.to_owned(), index.to_owned(), Retirement::Hide));
        self
    }

    /// Drops an index. To bring it back takes a build: [hide](Self::hide) it first, and drop it once nobody missed it.
    pub fn drop_index(mut self, collection: &str, index: &str) -> Self {
        self.retire.push((collection.to_owned(), index.to_owned(), Retirement::Drop));
        self
    }

    /// Whether nothing was chosen.
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.retire.is_empty()
    }
}
