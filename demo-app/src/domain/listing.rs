//! Lists: filter, order and page, in the one form that stores and cache keys use.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{PageRequest, Scalar};

/// The part of a collection that is asked for, and its order. A request's wishes become one if an index serves them
/// ([`Listing::new`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Listing {
    /// Stored names, and what the fields must equal; all of them.
    pub filter: BTreeMap<String, Scalar>,
    /// The keys to sort by, the first one first.
    pub sort: Vec<SortKey>,
    /// Documents that the sort cannot tell apart come in the order in which they were added, or in the reverse one: as the index
    /// has them, read in this direction.
    pub backward: bool,
    /// The page.
    pub page: PageRequest,
}

impl Listing {
    /// The name by which stores know a document's id.
    pub const ID: &'static str = "_id";

    /// The whole collection, in the order of ids.
    pub fn all(page: PageRequest) -> Self {
        let by_id = SortKey { field: Self::ID.to_owned(), descending: false };
        Self { filter: BTreeMap::new(), sort: vec![by_id], backward: false, page }
    }
}

/// One field to sort by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SortKey {
    /// The stored, dotted name.
    pub field: String,
    /// Largest first.
    pub descending: bool,
}

impl SortKey {
    /// The key that `text` spells: a name, `-` before it for the largest first.
    pub fn parse(text: &str) -> Self {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        Self { field: name.to_owned(), descending }
    }
}
