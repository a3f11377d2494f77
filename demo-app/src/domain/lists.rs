//! Lists that the indexes can serve: a request filters and sorts by what an index answers, or not at all.
//!
//! A filter's fields are the first ones of an index, in any order. A sort goes through the fields behind those that the filter
//! fixes, all in the index's direction or all in the reverse one; what the request leaves open follows the index too, so that
//! the order of every list is determined, and the same in each store.

use std::collections::BTreeMap;

use super::{Listing, Model, PageRequest, Scalar, SortKey};

/// A list that no index serves: the parameter at fault, and what is served instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {message}")]
pub struct Unserved {
    /// `sort`, or the name of a filter.
    pub parameter: String,
    /// The text to write instead.
    pub message: String,
}

impl Unserved {
    fn new(parameter: &str, message: String) -> Self {
        Self { parameter: parameter.to_owned(), message }
    }
}

/// An index, by its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Index {
    keys: Vec<SortKey>,
    /// Documents without a value are not in it.
    sparse: bool,
}

/// The indexes of a model.
fn indexes<M: Model>() -> Vec<Index> {
    let index = |text: &&str| {
        let names = text.trim_end_matches('?');
        Index { keys: names.split(',').map(SortKey::parse).collect(), sparse: names != *text }
    };
    M::LISTS.iter().map(index).collect()
}

impl Index {
    /// The number of its first fields that are fixed.
    fn lead(&self, fixed: &[&str]) -> usize {
        self.keys.iter().take_while(|key| fixed.contains(&&*key.field)).count()
    }

    /// Returns true if the documents that agree in the `fixed` fields come out of it in this order, one way or the other.
    fn serves(&self, fixed: &[&str], sort: &[SortKey]) -> bool {
        let lead = self.lead(fixed);
        let tail = &self.keys[lead..];
        let turned = |(ours, key): (&SortKey, &SortKey)| ours.descending != key.descending;
        let pairs = || tail.iter().zip(sort);
        // A sparse index lacks documents, unless the filter asks for a value of its own.
        (lead > 0 || !self.sparse)
            && (lead == fixed.len() || !sort.is_empty())
            && tail.len() >= sort.len()
            && pairs().all(|(ours, key)| ours.field == key.field)
            && (pairs().all(turned) || !pairs().any(turned))
    }
}

impl Listing {
    /// The list of what has these values, in this order, if an index of `M` serves it.
    ///
    /// # Errors
    ///
    /// [`Unserved`], with the names that are allowed.
    pub fn new<M: Model>(
        filter: BTreeMap<String, Scalar>,
        wanted: &[SortKey],
        page: PageRequest,
    ) -> Result<Self, Unserved> {
        let (indexes, fixed) = (indexes::<M>(), filter.keys().map(String::as_str).collect::<Vec<_>>());
        match (&*fixed, wanted) {
            ([], []) => return Ok(Self::all(page)),
            ([], [key]) if key.field == Self::ID => {
                return Ok(Self { filter, sort: wanted.to_vec(), backward: key.descending, page });
            }
            _ => check_filter(&indexes, &fixed)?,
        }
        let follows = (0..wanted.len()).all(|at| {
            let before = fixed.iter().copied().chain(wanted[..at].iter().map(|key| &*key.field)).collect::<Vec<_>>();
            sorts_next(&indexes, &before, &wanted[at].field)
        });
        // The last of equals wins: the first declared.
        let serving = indexes.iter().rev().filter(|index| follows && index.serves(&fixed, wanted));
        let Some(index) = serving.max_by_key(|index| index.lead(&fixed)) else {
            return Err(Unserved::new("sort", orders(&indexes, &fixed)));
        };
        let tail = &index.keys[index.lead(&fixed)..];
        let backward = wanted.first().is_some_and(|key| key.descending != tail[0].descending);
        let turned = |key: &SortKey| SortKey { descending: key.descending != backward, ..key.clone() };
        let sort = tail.iter().map(turned).collect();
        Ok(Self { filter, sort, backward, page })
    }

    /// The index that serves this list: the one that the filter leads furthest into, and whose other fields are its order.
    pub fn index<M: Model>(&self) -> Option<Vec<SortKey>> {
        let fixed: Vec<&str> = self.filter.keys().map(String::as_str).collect();
        let whole = |index: &Index| {
            index.serves(&fixed, &self.sort) && index.keys.len() == index.lead(&fixed) + self.sort.len()
        };
        let serving = indexes::<M>().into_iter().rev().filter(whole);
        serving.max_by_key(|index| index.lead(&fixed)).map(|index| index.keys)
    }
}

/// Checks that the filter's fields are the first ones of some index.
fn check_filter(indexes: &[Index], fixed: &[&str]) -> Result<(), Unserved> {
    if fixed.is_empty() || indexes.iter().any(|index| index.lead(fixed) == fixed.len()) {
        return Ok(());
    }
    // The one at fault is the first that leads no index, or else any.
    let leads = |name: &str| indexes.iter().any(|index| index.keys[0].field == name);
    let fault = fixed.iter().find(|name| !leads(name)).unwrap_or(&fixed[0]);
    let mut allowed: Vec<String> = Vec::new();
    for index in indexes {
        let names: Vec<_> = index.keys.iter().map(|key| format!("`{}`", key.field)).collect();
        allowed.extend((1..=names.len()).map(|many| names[..many].join(" with ")));
    }
    allowed.sort();
    allowed.dedup();
    Err(Unserved::new(fault, format!("no index serves this filter; filter by {}", allowed.join(", or "))))
}

/// Returns true if an index over all documents has the field `name` first behind the `fixed` ones. (By id an index sorts where the
/// filter is empty, and nothing else.)
fn sorts_next(indexes: &[Index], fixed: &[&str], name: &str) -> bool {
    let next = |index: &Index| {
        index.keys.iter().find(|key| !fixed.contains(&&*key.field)).is_some_and(|key| key.field == name)
    };
    indexes.iter().any(|index| !index.sparse && next(index))
}

/// "use one of `id`, `-totalVotes,-createdAt` ..".
fn orders(indexes: &[Index], fixed: &[&str]) -> String {
    let mut allowed: Vec<String> = fixed.is_empty().then(|| "`id`".to_owned()).into_iter().collect();
    for index in indexes.iter().filter(|index| !index.sparse) {
        let tail = &index.keys[index.lead(fixed)..];
        let names = tail.iter().map(|key| format!("{}{}", if key.descending { "-" } else { "" }, key.field));
        if tail.first().is_some_and(|first| sorts_next(indexes, fixed, &first.field)) {
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

#[cfg(test)]
mod tests;
