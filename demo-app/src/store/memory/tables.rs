//! Tables of the embedded store, with the unique values and orders that its queries need.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::records::Record;
use crate::domain::{Business, Id, Listing, Manufacturer, Page, PageRequest, Product, SupplyChainEvent, User, Vote};
use crate::store::{Collection, Result, StoreError};

/// The collections, with the indexes that queries need. A change of a table and of its indexes is one call.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) businesses: BTreeMap<Id, Business>,
    pub(super) events: BTreeMap<Id, SupplyChainEvent>,
    pub(super) manufacturers: BTreeMap<Id, Manufacturer>,
    pub(super) products: BTreeMap<Id, Product>,
    pub(super) users: BTreeMap<Id, User>,
    /// Votes in the order in which they were cast.
    pub(super) votes: BTreeMap<Id, Vote>,
    /// Unique: the email of each business.
    pub(super) business_by_email: Unique,
    /// Unique: the email of each manufacturer.
    pub(super) manufacturer_by_email: Unique,
    /// Unique: the id of each vote.
    pub(super) vote_by_id: Unique,
    /// (business, product), in the order of products within each business.
    pub(super) products_by_business: BTreeSet<(Id, Id)>,
    last: [Id; 6],
}

impl Tables {
    pub(super) fn next_id(&mut self, collection: Collection) -> Id {
        let last = &mut self.last[collection as usize];
        *last += 1;
        *last
    }
}

/// Texts that each belong to one document.
#[derive(Debug, Default)]
pub(super) struct Unique(BTreeMap<String, Id>);

impl Unique {
    /// True if no document but `owner` has `text`.
    pub(super) fn is_free(&self, text: &str, owner: Id) -> bool {
        self.get(text).is_none_or(|of| of == owner)
    }

    /// The same, as the rule about emails.
    pub(super) fn email_is_free(&self, email: &str, owner: Id) -> Result<()> {
        self.is_free(email, owner).then_some(()).ok_or(StoreError::Taken("email"))
    }

    pub(super) fn get(&self, text: &str) -> Option<Id> {
        self.0.get(text).copied()
    }

    pub(super) fn take(&mut self, text: &str, owner: Id) {
        self.0.insert(text.to_owned(), owner);
    }

    pub(super) fn release(&mut self, text: &str) {
        self.0.remove(text);
    }
}

/// A write that depends on a document finds that one.
pub(super) fn unchanged<T: PartialEq>(stored: &T, only_if: Option<&T>) -> Result<()> {
    only_if.is_none_or(|expected| expected == stored).then_some(()).ok_or(StoreError::Changed)
}

/// The same, where there may be none at all.
pub(super) fn still_there<T: PartialEq>(stored: Option<&T>, only_if: Option<&T>) -> Result<()> {
    match stored {
        Some(stored) => unchanged(stored, only_if),
        None => only_if.is_none().then_some(()).ok_or(StoreError::Changed),
    }
}

/// The values of `ids` that `table` has, each once.
pub(super) fn pick<T: Clone>(table: &BTreeMap<Id, T>, ids: &[Id]) -> Vec<T> {
    let distinct: BTreeSet<&Id> = ids.iter().collect();
    distinct.into_iter().filter_map(|id| table.get(id)).cloned().collect()
}

/// One page of the table's documents that the listing admits, in its order. Only the page's items are cloned.
pub(super) fn list<T: Record>(listing: &Listing, table: &BTreeMap<Id, T>) -> Page<T> {
    sorted(listing, table.values())
}

/// The same out of `candidates`, which come in the order in which they were added.
pub(super) fn sorted<'a, T: Record + 'a>(listing: &Listing, candidates: impl Iterator<Item = &'a T>) -> Page<T> {
    let admits = |record: &&T| listing.filter.iter().all(|(name, value)| record.field(name) == *value);
    let mut matches: Vec<&T> = candidates.filter(admits).collect();
    if listing.backward {
        matches.reverse();
    }
    // A stable sort: what it cannot tell apart stays in this order.
    matches.sort_by(|one, other| {
        let keys = listing.sort.iter().map(|key| {
            let order = one.field(&key.field).cmp(&other.field(&key.field));
            if key.descending { order.reverse() } else { order }
        });
        keys.fold(Ordering::Equal, Ordering::then)
    });
    page(listing.page, matches.len(), matches.into_iter())
}

/// One page of `matches`, of which there are `total`. Only the page's items are cloned.
pub(super) fn page<'a, T: Clone + 'a>(
    request: PageRequest,
    total: usize,
    matches: impl Iterator<Item = &'a T>,
) -> Page<T> {
    let skip = usize::try_from(request.skip()).unwrap_or(usize::MAX);
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let items = matches.skip(skip).take(limit).cloned().collect();
    Page::new(request, items, u64::try_from(total).unwrap_or(u64::MAX))
}
