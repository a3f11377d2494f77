//! What a request may sort and filter by: the fields whose index serves it, read off the model's own indexes.

use std::borrow::Cow;

use bson::Document;

use super::declaration::{Declaration, Field, Kind};

/// A direction to sort in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A sort that an index serves, ready for a query: `collection.find(filter).sort(sort)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sort {
    /// The stored, dotted name.
    pub name: Cow<'static, str>,
    /// The direction.
    pub order: Order,
}

impl From<Sort> for Document {
    fn from(sort: Sort) -> Self {
        let order = match sort.order {
            Order::Ascending => 1,
            Order::Descending => -1,
        };
        bson::doc! { sort.name: order }
    }
}

/// A name that no index serves. Its message says which names do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be used to {verb} `{collection}`: {}", advice(allowed, after))]
pub struct UnknownField {
    name: String,
    verb: &'static str,
    collection: &'static str,
    allowed: Vec<Cow<'static, str>>,
    /// The fields that a filter has to fix first, if the name stands behind them in an index.
    after: Vec<Cow<'static, str>>,
}

impl UnknownField {
    /// The name that was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names that are allowed instead.
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

/// The collection's name and its indexes.
#[derive(Clone, Copy)]
pub(crate) struct Lists {
    pub(crate) collection: &'static str,
    pub(crate) indexes: &'static [Declaration],
}

impl Lists {
    /// The names by which an index sorts documents that agree in the `fixed` fields; `_id` always does.
    pub(crate) fn sortable(self, fixed: &[&str]) -> Vec<Cow<'static, str>> {
        let served = self.indexes.iter().filter(|index| sorts(index));
        distinct(served.filter_map(|index| behind(index, fixed)).filter(|field| ordered(field)).map(name))
    }

    /// The names that lead an index which finds any value of theirs.
    pub(crate) fn filterable(self) -> Vec<Cow<'static, str>> {
        let served = self.indexes.iter().filter(|index| index.partial.is_empty() && !index.hidden);
        let led = served.filter_map(|index| index.fields.first());
        distinct(led.filter(|field| !matches!(field.kind, Kind::Text { .. } | Kind::Wildcard)).map(name))
    }

    pub(crate) fn sort_by(self, fixed: &[&str], asked: &str, order: Order) -> Result<Sort, UnknownField> {
        let allowed = self.sortable(fixed);
        match allowed.iter().find(|name| *name == asked) {
            Some(name) => Ok(Sort { name: name.clone(), order }),
            None => Err(UnknownField { after: self.before(asked), ..self.unknown("sort", asked, allowed) }),
        }
    }

    pub(crate) fn filter_by(self, asked: &str) -> Result<Cow<'static, str>, UnknownField> {
        let allowed = self.filterable();
        let found = allowed.iter().find(|name| *name == asked).cloned();
        found.ok_or_else(|| self.unknown("filter", asked, allowed))
    }

    fn unknown(self, verb: &'static str, asked: &str, allowed: Vec<Cow<'static, str>>) -> UnknownField {
        UnknownField { name: asked.to_owned(), verb, collection: self.collection, allowed, after: Vec::new() }
    }

    /// The fields before `asked` in the first index that has it behind others.
    fn before(self, asked: &str) -> Vec<Cow<'static, str>> {
        let before = |index: &'static Declaration| {
            let at = index.fields.iter().position(|field| ordered(field) && name(field) == asked)?;
            let before = &index.fields[..at];
            (at > 0 && before.iter().all(ordered)).then(|| before.iter().map(name).collect())
        };
        self.indexes.iter().filter(|index| sorts(index)).find_map(before).unwrap_or_default()
    }
}

/// Whether the index holds every document, and queries use it.
fn sorts(index: &Declaration) -> bool {
    !index.hidden && !index.sparse && index.partial.is_empty() && index.collation.is_none()
}

/// The field behind the leading ones that are all fixed.
fn behind(index: &Declaration, fixed: &[&str]) -> Option<&'static Field> {
    index.fields.iter().find(|field| !fixed.contains(&&*name(field)))
}

fn ordered(field: &Field) -> bool {
    matches!(field.kind, Kind::Ascending | Kind::Descending)
}

fn name(field: &'static Field) -> Cow<'static, str> {
    match field.path {
        [name] => Cow::Borrowed(name),
        names => Cow::Owned(names.join(".")),
    }
}

/// `_id` and the names, each once, in order.
fn distinct(names: impl Iterator<Item = Cow<'static, str>>) -> Vec<Cow<'static, str>> {
    let mut found = vec![Cow::Borrowed("_id")];
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
