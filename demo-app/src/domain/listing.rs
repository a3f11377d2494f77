//! Lists: filter, order and page, in the one form that stores and cache keys use.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::PageRequest;

/// The part of a collection that is asked for, and its order.
///
/// A request's wishes become one through the store, which knows what its indexes can serve.
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

    /// True for [`all`](Self::all), whatever the page.
    pub fn is_all(&self) -> bool {
        *self == Self::all(self.page)
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

/// A field's value, as filters and sorts compare it. Absent ones come first, as in MongoDB.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[expect(missing_docs, reason = "the names are the whole story")]
pub enum Scalar {
    Absent,
    Number(u64),
    Text(String),
    Flag(bool),
    Moment(Timestamp),
}

impl From<Option<Timestamp>> for Scalar {
    fn from(moment: Option<Timestamp>) -> Self {
        moment.map_or(Self::Absent, Self::Moment)
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
