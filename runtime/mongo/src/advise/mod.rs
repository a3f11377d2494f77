//! Which indexes are missing and which are not needed. Decided from what was measured, without a server.
//!
//! A missing one is made by the rule Equality, Sort, Range: first the fields that a query fixes, so that all that is left lies side
//! by side; then those that it sorts by, so that it lies in order; then those that it bounds. Only what was slow and read far
//! more than it returned leads to a suggestion, and never what an existing index serves already.
//!
//! May use: `error`, `plan`, `query`, `values`.

use std::fmt;
use std::time::Duration;

use bson::{Bson, Document};
use serde::Serialize;

use crate::plan::Index;
use crate::query::{Example, without_values};
use crate::values::{seconds, show};

mod analyze;
mod chosen;
mod explain;
mod shape;
mod shell;
#[cfg(test)]
mod tests;
mod unneeded;
mod usage;

pub use analyze::Analysis;
pub use chosen::Chosen;
pub(crate) use chosen::Retirement;
pub use explain::Explained;
pub(crate) use explain::{explain, explain_query};
use shape::Shape;
pub use unneeded::{Redundancy, Unneeded};
pub(crate) use unneeded::{UNUSED, covers, has_duties, unneeded};
pub use usage::Usage;
pub(crate) use usage::usage;

/// Advice on the indexes of a database.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Advice {
    /// Indexes that would make slow queries quick.
    pub missing: Vec<Suggestion>,
    /// Indexes whose upkeep nobody gains from.
    pub unneeded: Vec<Unneeded>,
    /// How often the indexes of the declared collections were used; empty if not all servers can be asked.
    pub usage: Vec<Usage>,
}

/// An index that would make a slow query quick.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Suggestion {
    /// The name of the collection.
    pub collection: String,
    /// The fields and their directions, in order.
    pub key: Document,
    /// The name that it would have: `business_1_createdAt_-1`.
    pub name: String,
    /// An existing index that is just this, and hidden: it has only to be shown again.
    pub hidden: Option<String>,
    /// A line for MongoDB's shell (`mongosh`) that makes it: `db.products.createIndex({ business: 1, createdAt: -1 })`.
    pub shell: String,
    /// A line for the model: `#[index(keys(business = 1, created_at = -1))]`. Of the fields it knows the stored names only, and guesses
    /// that serde made them of Rust's by `camelCase`. `None` if no field can have such a name.
    pub attribute: Option<String>,
    /// Existing indexes that it would make needless, since it begins with their keys.
    pub covers: Vec<String>,
    /// What was seen: of the queries that it serves, the one that wasted most.
    pub evidence: Evidence,
}

/// What a slow query cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The query's filter, without its values: `{status: "?", total: {$gt: "?"}}`.
    pub shape: String,
    /// How long it took, in seconds when serialised.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
    /// What the server did for it.
    pub explained: Explained,
}

/// Queries that are quicker than this need no index.
pub(crate) const SLOW: Duration = Duration::from_millis(100);

/// Queries that read no more documents than that in vain are slow for another reason.
const WASTE: u64 = 500;

/// The indexes that would serve these queries, given those that exist in their collections.
pub(crate) fn missing(queries: &[(Example, Explained)], existing: impl Fn(&str) -> Vec<Index>) -> Vec<Suggestion> {
    let mut found: Vec<Suggestion> = Vec::new();
    for (query, explained) in queries {
        if explained.wasted() <= WASTE {
            continue;
        }
        let existing = existing(&query.collection);
        let shapes = Shape::of(&query.filter, &query.sort);
        for shape in shapes.iter().filter(|shape| !existing.iter().any(|index| shape.is_served_by(index))) {
            let key = shape.key(&existing);
            if !key.is_empty() {
                add(&mut found, suggestion(query, explained, key, &existing));
            }
        }
    }
    found.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.evidence.explained.wasted()));
    found
}

fn suggestion(query: &Example, explained: &Explained, key: Document, existing: &[Index]) -> Suggestion {
    let new = plain(&key);
    let covers = existing.iter().filter(|index| !index.is_hidden() && unneeded::covers(&new, index));
    let hidden = existing.iter().find(|index| is_hidden_twin(index, &new)).map(|index| index.name().to_owned());
    let shell = match &hidden {
        Some(name) => shell::call(&query.collection, "unhideIndex", name),
        None => shell::create(&query.collection, &key),
    };
    Suggestion {
        collection: query.collection.clone(),
        name: new.name().to_owned(),
        hidden,
        shell,
        attribute: shell::attribute(&key),
        covers: covers.map(|index| index.name().to_owned()).collect(),
        key,
        evidence: Evidence {
            shape: show(&without_values(&query.filter).into()),
            took: query.took,
            explained: explained.clone(),
        },
    }
}

/// An index with these keys, no options, and the name that MongoDB's drivers would give it.
pub(crate) fn plain(key: &Document) -> Index {
    let parts: Vec<_> = key.iter().map(|(field, direction)| format!("{field}_{direction}")).collect();
    Index::listed(bson::doc! { "name": parts.join("_"), "key": key.clone() })
}

/// Whether an index is another one but for its name, and for being hidden.
pub(crate) fn is_hidden_twin(index: &Index, plain: &Index) -> bool {
    index.is_hidden() && index.key_is(plain) && index.options_but("hidden").next().is_none()
}

/// Adds it, unless one is there that begins with its keys; those with whose keys it begins go. The worst evidence stays.
fn add(found: &mut Vec<Suggestion>, mut new: Suggestion) {
    if let Some(longer) = found.iter_mut().find(|other| other.begins_with(&new.collection, &new.key)) {
        longer.evidence.worsen(new.evidence);
        return;
    }
    let (shorter, rest) =
        std::mem::take(found).into_iter().partition(|other| new.begins_with(&other.collection, &other.key));
    *found = rest;
    let shorter: Vec<Suggestion> = shorter;
    for other in shorter {
        new.evidence.worsen(other.evidence);
    }
    found.push(new);
}

impl Suggestion {
    fn begins_with(&self, collection: &str, key: &Document) -> bool {
        self.collection == collection
            && key.len() <= self.key.len()
            && key.iter().zip(&self.key).all(|(one, other)| one == other)
    }
}

impl Evidence {
    fn worsen(&mut self, other: Self) {
        if other.explained.wasted() > self.explained.wasted() {
            *self = other;
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for suggestion in &self.missing {
            write!(f, "{suggestion}")?;
        }
        for unneeded in &self.unneeded {
            writeln!(f, "{unneeded}\n    in the shell:  {}", unneeded.shell)?;
        }
        if self.missing.is_empty() && self.unneeded.is_empty() {
            writeln!(f, "Nothing to say: no slow query lacks an index, and no index is needless.")?;
        }
        Ok(())
    }
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Evidence { shape, took, explained } = &self.evidence;
        let key = show(&Bson::from(self.key.clone()));
        match &self.hidden {
            None => writeln!(f, "{}: an index {key} is missing", self.collection)?,
            Some(name) => writeln!(f, "{}: the index {name} {key} is missed, and only hidden", self.collection)?,
        }
        writeln!(
            f,
            "    {shape} took {took:.0?}, read {} documents and returned {}",
            explained.documents, explained.returned
        )?;
        if explained.sorted_in_memory {
            writeln!(f, "    it was sorted in memory")?;
        }
        if !self.covers.is_empty() {
            writeln!(f, "    it would make needless: {}", self.covers.join(", "))?;
        }
        writeln!(f, "    in the shell:  {}", self.shell)?;
        match &self.attribute {
            Some(attribute) => writeln!(f, "    on the model:  {attribute}"),
            None => Ok(()),
        }
    }
}
