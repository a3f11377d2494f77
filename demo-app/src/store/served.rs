//! What lists the indexes can serve, read off the models: a request filters and sorts by what an index answers, or not at all.
//!
//! A filter's fields are the first ones of an index, in any order. A sort goes through the fields behind those that the filter
//! fixes, all in the index's direction or all in the reverse one; what the request leaves open follows the index too, so that
//! the order of every list is determined, and the same in each store.

use std::collections::BTreeMap;

use fastness::Indexed;
use fastness::index::{Field, IndexSpec, Kind, Order};

use super::Collection;
use super::mongo::documents::{Business, Manufacturer, Product, SupplyChainEvent, User, VotingRecord};
use crate::domain::{Listing, PageRequest, Scalar, SortKey};

/// A list that no index serves: the parameter at fault, and what is served instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {message}")]
pub struct Unserved {
    /// `sort`, or the name of a filter.
    pub parameter: String,
    /// What to write instead.
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
        sort: &[SortKey],
        page: PageRequest,
    ) -> Result<Listing, Unserved> {
        match self {
            Self::Businesses => listing::<Business>(filter, sort, page),
            Self::Events => listing::<SupplyChainEvent>(filter, sort, page),
            Self::Manufacturers => listing::<Manufacturer>(filter, sort, page),
            Self::Products => listing::<Product>(filter, sort, page),
            Self::Users => listing::<User>(filter, sort, page),
            Self::Votes => listing::<VotingRecord>(filter, sort, page),
        }
    }
}

fn listing<M: Indexed>(
    filter: BTreeMap<String, Scalar>,
    wanted: &[SortKey],
    page: PageRequest,
) -> Result<Listing, Unserved> {
    let fixed: Vec<&str> = filter.keys().map(String::as_str).collect();
    if fixed.is_empty() && wanted.is_empty() {
        return Ok(Listing::all(page));
    }
    check_filter::<M>(&fixed)?;
    if let ([], [key]) = (&*fixed, wanted)
        && key.field == Listing::ID
    {
        return Ok(Listing { filter, sort: wanted.to_vec(), backward: key.descending, page });
    }
    check_names::<M>(&fixed, wanted)?;
    // The last of equals wins: the first declared.
    let indexes = M::INDEXES.iter().rev().filter(|index| serves(index, &fixed, wanted));
    let index = indexes.max_by_key(|index| lead(index, &fixed));
    let Some(index) = index else {
        return Err(Unserved { parameter: "sort".to_owned(), message: orders::<M>(&fixed) });
    };
    let tail = &index.fields[lead(index, &fixed)..];
    let backward = wanted.first().is_some_and(|key| key.descending != descends(&tail[0]));
    let sort = tail.iter().filter(|field| ordered(field));
    let sort = sort.map(|field| SortKey { field: name(field), descending: descends(field) != backward }).collect();
    Ok(Listing { filter, sort, backward, page })
}

/// The index that serves a listing: the one that the filter leads furthest into, and whose other fields are its order.
pub(super) fn index_of<M: Indexed>(listing: &Listing) -> Option<&'static IndexSpec> {
    let fixed: Vec<&str> = listing.filter.keys().map(String::as_str).collect();
    let whole = |index: &&IndexSpec| {
        serves(index, &fixed, &listing.sort) && index.fields.len() == lead(index, &fixed) + listing.sort.len()
    };
    M::INDEXES.iter().rev().filter(whole).max_by_key(|index| lead(index, &fixed))
}

/// The filter's fields must be the first ones of some index.
fn check_filter<M: Indexed>(fixed: &[&str]) -> Result<(), Unserved> {
    let led = fixed.is_empty() || M::INDEXES.iter().any(|index| usable(index) && lead(index, fixed) == fixed.len());
    if led {
        return Ok(());
    }
    // The one at fault is the first that leads no index, or else any.
    let fault = fixed.iter().find(|name| M::filter_by(name).is_err()).unwrap_or(&fixed[0]);
    let mut allowed: Vec<String> = Vec::new();
    for index in M::INDEXES.iter().filter(|index| usable(index)) {
        let fields = index.fields.iter().take_while(|field| ordered(field));
        let names: Vec<_> = fields.map(|field| format!("`{}`", name(field))).collect();
        allowed.extend((1..=names.len()).map(|many| names[..many].join(" with ")));
    }
    allowed.sort();
    allowed.dedup();
    let message = format!("no index serves this filter; filter by {}", allowed.join(", or "));
    Err(Unserved { parameter: (*fault).to_owned(), message })
}

fn check_names<M: Indexed>(fixed: &[&str], wanted: &[SortKey]) -> Result<(), Unserved> {
    let mut before = fixed.to_vec();
    for key in wanted {
        let order = if key.descending { Order::Descending } else { Order::Ascending };
        // By id an index sorts where it filters by nothing else.
        if key.field == Listing::ID || M::sort_within(&before, &key.field, order).is_err() {
            return Err(Unserved { parameter: "sort".to_owned(), message: orders::<M>(fixed) });
        }
        before.push(&key.field);
    }
    Ok(())
}

/// "use one of `id`, `-totalVotes,-createdAt` ..".
fn orders<M: Indexed>(fixed: &[&str]) -> String {
    let mut allowed: Vec<String> = fixed.is_empty().then(|| "`id`".to_owned()).into_iter().collect();
    for index in M::INDEXES.iter().filter(|index| usable(index) && !index.sparse) {
        let tail = index.fields[lead(index, fixed)..].iter().take_while(|field| ordered(field));
        let tail: Vec<_> =
            tail.map(|field| format!("{}{}", if descends(field) { "-" } else { "" }, name(field))).collect();
        if !tail.is_empty() && M::sortable_within(fixed).iter().any(|name| tail[0].trim_start_matches('-') == *name) {
            allowed.push(format!("`{}`", tail.join(",")));
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

/// Whether the documents that agree in the `fixed` fields come out of the index in this order, one way or the other.
fn serves(index: &IndexSpec, fixed: &[&str], sort: &[SortKey]) -> bool {
    let lead = lead(index, fixed);
    let tail = &index.fields[lead..];
    let named = |(field, key): (&Field, &SortKey)| ordered(field) && name(field) == key.field;
    let turned = |(field, key): (&Field, &SortKey)| descends(field) != key.descending;
    let pairs = || tail.iter().zip(sort);
    // A sparse index lacks documents, unless the filter asks for a value of its own.
    usable(index)
        && (lead > 0 || !index.sparse)
        && (lead == fixed.len() || !sort.is_empty())
        && tail.len() >= sort.len()
        && pairs().all(named)
        && (pairs().all(turned) || !pairs().any(turned))
}

/// How many of the index's first fields are fixed.
fn lead(index: &IndexSpec, fixed: &[&str]) -> usize {
    index.fields.iter().take_while(|field| ordered(field) && fixed.contains(&&*name(field))).count()
}

fn usable(index: &IndexSpec) -> bool {
    !index.hidden && index.partial.is_empty() && index.collation.is_none()
}

fn ordered(field: &Field) -> bool {
    matches!(field.kind, Kind::Ascending | Kind::Descending)
}

fn descends(field: &Field) -> bool {
    field.kind == Kind::Descending
}

/// The stored, dotted name.
pub(super) fn name(field: &Field) -> String {
    field.path.join(".")
}

#[cfg(test)]
mod tests;
