//! Lists that the indexes can serve: a request filters and sorts by what an index answers, or not at all.
//!
//! A filter's fields are the first ones of an index, in any order. A sort goes through the fields behind those that the filter
//! fixes, all in the index's direction or all in the reverse one; what the request leaves open follows the index too, so that
//! the order of every list is determined, and the same in each store.

use std::collections::BTreeMap;

use super::Collection;
use super::indexes::{Field, Index};
use crate::domain::{Listing, PageRequest, Scalar, SortKey};

/// A list that no index serves: the parameter at fault, and what is served instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {message}")]
pub struct Unserved {
    /// `sort`, or the name of a filter.
    pub parameter: String,
    /// The text to write instead.
    pub message: String,
}

impl Collection {
    /// The list of what has these values, in this order, if an index serves it.
    ///
    /// # Errors
    ///
    /// [`Unserved`], with the names that are allowed.
    pub fn listing(
        self,
        filter: BTreeMap<String, Scalar>,
        wanted: &[SortKey],
        page: PageRequest,
    ) -> Result<Listing, Unserved> {
        let fixed: Vec<&str> = filter.keys().map(String::as_str).collect();
        if fixed.is_empty() && wanted.is_empty() {
            return Ok(Listing::all(page));
        }
        self.check_filter(&fixed)?;
        if let ([], [key]) = (&*fixed, wanted)
            && key.field == Listing::ID
        {
            return Ok(Listing { filter, sort: wanted.to_vec(), backward: key.descending, page });
        }
        self.check_names(&fixed, wanted)?;
        // The last of equals wins: the first declared.
        let indexes = self.indexes().iter().rev().filter(|index| serves(index, &fixed, wanted));
        let index = indexes.max_by_key(|index| lead(index, &fixed));
        let Some(index) = index else {
            return Err(Unserved { parameter: "sort".to_owned(), message: self.orders(&fixed) });
        };
        let tail = &index.fields[lead(index, &fixed)..];
        let backward = wanted.first().is_some_and(|key| key.descending != tail[0].descending);
        let key = |field: &Field| SortKey { field: field.name.to_owned(), descending: field.descending != backward };
        let sort = tail.iter().map(key).collect();
        Ok(Listing { filter, sort, backward, page })
    }

    /// The filter's fields must be the first ones of some index.
    fn check_filter(self, fixed: &[&str]) -> Result<(), Unserved> {
        let led = fixed.is_empty() || self.indexes().iter().any(|index| lead(index, fixed) == fixed.len());
        if led {
            return Ok(());
        }
        // The one at fault is the first that leads no index, or else any.
        let leads = |name: &str| self.indexes().iter().any(|index| index.fields[0].name == name);
        let fault = fixed.iter().find(|name| !leads(name)).unwrap_or(&fixed[0]);
        let mut allowed: Vec<String> = Vec::new();
        for index in self.indexes() {
            let names: Vec<_> = index.fields.iter().map(|field| format!("`{}`", field.name)).collect();
            allowed.extend((1..=names.len()).map(|many| names[..many].join(" with ")));
        }
        allowed.sort();
        allowed.dedup();
        let message = format!("no index serves this filter; filter by {}", allowed.join(", or "));
        Err(Unserved { parameter: (*fault).to_owned(), message })
    }

    fn check_names(self, fixed: &[&str], wanted: &[SortKey]) -> Result<(), Unserved> {
        let mut before = fixed.to_vec();
        for key in wanted {
            if !self.sorts_next(&before, &key.field) {
                return Err(Unserved { parameter: "sort".to_owned(), message: self.orders(fixed) });
            }
            before.push(&key.field);
        }
        Ok(())
    }

    /// Returns true if an index over all documents has the field `name` first behind the `fixed` ones. (By id an index sorts where the
    /// filter is empty, and nothing else.)
    fn sorts_next(self, fixed: &[&str], name: &str) -> bool {
        let mut indexes = self.indexes().iter().filter(|index| !index.sparse);
        indexes
            .any(|index| index.fields.iter().find(|field| !fixed.contains(&field.name)).is_some_and(|f| f.name == name))
    }

    /// "use one of `id`, `-totalVotes,-createdAt` ..".
    fn orders(self, fixed: &[&str]) -> String {
        let mut allowed: Vec<String> = fixed.is_empty().then(|| "`id`".to_owned()).into_iter().collect();
        for index in self.indexes().iter().filter(|index| !index.sparse) {
            let tail = &index.fields[lead(index, fixed)..];
            let names = tail.iter().map(|field| format!("{}{}", if field.descending { "-" } else { "" }, field.name));
            if tail.first().is_some_and(|first| self.sorts_next(fixed, first.name)) {
                allowed.push(format!("`{}`", names.collect::<Vec<_>>().join(",")));
            }
        }
        match &*allowed {
            [] => "no index sorts what this filter admits; leave it out".to_owned(),
            allowed => format!(
                "no index serves this order; use one of {}, the beginning of one, or all of it the other way round",
                allowed.join(", ")
            ),
        }
    }

    /// The index that serves a listing: the one that the filter leads furthest into, and whose other fields are its order.
    #[cfg(any(test, feature = "servers"))]
    pub(super) fn index_of(self, listing: &Listing) -> Option<&'static Index> {
        let fixed: Vec<&str> = listing.filter.keys().map(String::as_str).collect();
        let whole = |index: &&Index| {
            serves(index, &fixed, &listing.sort) && index.fields.len() == lead(index, &fixed) + listing.sort.len()
        };
        self.indexes().iter().rev().filter(whole).max_by_key(|index| lead(index, &fixed))
    }
}

/// Returns true if the documents that agree in the `fixed` fields come out of the index in this order, one way or the other.
fn serves(index: &Index, fixed: &[&str], sort: &[SortKey]) -> bool {
    let lead = lead(index, fixed);
    let tail = &index.fields[lead..];
    let named = |(field, key): (&Field, &SortKey)| field.name == key.field;
    let turned = |(field, key): (&Field, &SortKey)| field.descending != key.descending;
    let pairs = || tail.iter().zip(sort);
    // A sparse index lacks documents, unless the filter asks for a value of its own.
    (lead > 0 || !index.sparse)
        && (lead == fixed.len() || !sort.is_empty())
        && tail.len() >= sort.len()
        && pairs().all(named)
        && (pairs().all(turned) || !pairs().any(turned))
}

/// The number of the index's first fields that are fixed.
fn lead(index: &Index, fixed: &[&str]) -> usize {
    index.fields.iter().take_while(|field| fixed.contains(&field.name)).count()
}

#[cfg(test)]
mod tests;
