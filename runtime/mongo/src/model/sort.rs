//! Fields by which a request may sort and filter: those that an index of the model serves.

use std::borrow::Cow;

use bson::Document;

use super::declaration::{DeclaredIndex, IndexField, IndexKind};

/// Direction of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortOrder {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl SortOrder {
    fn direction(self) -> i32 {
        match self {
            Self::Ascending => 1,
            Self::Descending => -1,
        }
    }
}

/// Error for a name that no index serves. The message lists the names that are allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be used to {verb} `{collection}`: {}", advice(allowed, after))]
pub struct UnknownField {
    name: String,
    verb: &'static str,
    collection: &'static str,
    allowed: Vec<Cow<'static, str>>,
    /// Fields that the filter must fix by equality, if the name follows them in an index.
    after: Vec<Cow<'static, str>>,
}

impl UnknownField {
    /// The requested name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The allowed names.
    pub fn allowed(&self) -> &[Cow<'static, str>] {
        &self.allowed
    }
}

fn advice(allowed: &[Cow<'static, str>], after: &[Cow<'static, str>]) -> String {
    let listed =
        |names: &[Cow<'static, str>]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let fixed = match after {
        [] => String::new(),
        after => format!("; or filter by equality on {} first", listed(after)),
    };
    format!("use one of {}{fixed}", listed(allowed))
}

/// Collection name and indexes of a model.
#[derive(Clone, Copy)]
pub(crate) struct ModelIndexes {
    pub(crate) collection: &'static str,
    pub(crate) indexes: &'static [DeclaredIndex],
}

impl ModelIndexes {
    /// Returns the names by which an index sorts documents that are equal in the `fixed` fields; `_id` is always one of them.
    pub(crate) fn sortable(self, fixed: &[&str]) -> Vec<Cow<'static, str>> {
        let served = self.indexes.iter().filter(|index| can_sort(index));
        with_id(served.filter_map(|index| first_free_field(index, fixed)).filter(|field| is_ordered(field)).map(name))
    }

    /// Returns `_id` and the first field of each index that is neither partial, hidden, text nor wildcard.
    pub(crate) fn filterable(self) -> Vec<Cow<'static, str>> {
        let served =
            self.indexes.iter().filter(|index| index.partial.is_empty() && !index.hidden && !has_wildcard(index));
        let led = served.filter_map(|index| index.fields.first());
        with_id(led.filter(|field| !matches!(field.kind, IndexKind::Text { .. } | IndexKind::Wildcard)).map(name))
    }

    pub(crate) fn sort_by(self, fixed: &[&str], requested: &str, order: SortOrder) -> Result<Document, UnknownField> {
        let allowed = self.sortable(fixed);
        match allowed.iter().find(|name| *name == requested) {
            Some(name) => Ok(bson::doc! { name.clone(): order.direction() }),
            None => Err(UnknownField { after: self.preceding(requested), ..self.unknown("sort", requested, allowed) }),
        }
    }

    pub(crate) fn filter_by(self, requested: &str) -> Result<Cow<'static, str>, UnknownField> {
        let allowed = self.filterable();
        let found = allowed.iter().find(|name| *name == requested).cloned();
        found.ok_or_else(|| self.unknown("filter", requested, allowed))
    }

    fn unknown(self, verb: &'static str, requested: &str, allowed: Vec<Cow<'static, str>>) -> UnknownField {
        UnknownField { name: requested.to_owned(), verb, collection: self.collection, allowed, after: Vec::new() }
    }

    /// Returns the fields that precede `requested` in the first index in which any do.
    fn preceding(self, requested: &str) -> Vec<Cow<'static, str>> {
        let before = |index: &'static DeclaredIndex| {
            let at = index.fields.iter().position(|field| is_ordered(field) && name(field) == requested)?;
            let before = &index.fields[..at];
            (at > 0 && before.iter().all(is_ordered)).then(|| before.iter().map(name).collect())
        };
        self.indexes.iter().filter(|index| can_sort(index)).find_map(before).unwrap_or_default()
    }
}

/// Returns whether the index contains every document, is visible to queries, and compares strings as the collection does.
fn can_sort(index: &DeclaredIndex) -> bool {
    !index.hidden && !index.sparse && index.partial.is_empty() && index.collation.is_none() && !has_wildcard(index)
}

/// Returns whether documents without a field below the wildcard may be left out.
fn has_wildcard(index: &DeclaredIndex) -> bool {
    index.fields.iter().any(|field| field.kind == IndexKind::Wildcard)
}

/// Returns the first field that is not fixed.
fn first_free_field(index: &DeclaredIndex, fixed: &[&str]) -> Option<&'static IndexField> {
    index.fields.iter().find(|field| !fixed.contains(&&*name(field)))
}

fn is_ordered(field: &IndexField) -> bool {
    matches!(field.kind, IndexKind::Ascending | IndexKind::Descending)
}

fn name(field: &'static IndexField) -> Cow<'static, str> {
    match field.path {
        [name] => Cow::Borrowed(name),
        names => Cow::Owned(names.join(".")),
    }
}

/// Returns `_id` and the names, without duplicates, in order.
fn with_id(names: impl Iterator<Item = Cow<'static, str>>) -> Vec<Cow<'static, str>> {
    let mut found = vec![Cow::Borrowed("_id")];
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
