//! Advice on indexes: missing ones, and ones that are not needed. It is computed from measurements, without a server.
//!
//! Missing indexes follow the rule *equality, sort, range*: first the fields that a query compares for equality, so that the matches are
//! adjacent; then the fields that it sorts by, so that they are in order; then the fields with a range. Only queries that were slow and
//! read far more than they returned lead to a suggestion, and never if an existing index serves them.
//!
//! May use: `command`, `conversions`, `error`, `plan`, `query`.

use std::fmt;
use std::time::Duration;

use bson::{Bson, Document};
use serde::Serialize;

use crate::conversions::{format_bson, serialize_seconds};
use crate::plan::IndexDefinition;
use crate::query::{QuerySample, without_values};

mod analysis;
mod explain;
mod requirements;
mod selection;
mod shell;
#[cfg(test)]
mod tests;
mod unneeded;
mod usage;

pub use analysis::QueryAnalysis;
pub use explain::ExplainResult;
pub(crate) use explain::{explain, explain_query};
use requirements::IndexRequirements;
pub use selection::AdviceSelection;
pub(crate) use selection::Retirement;
pub(crate) use unneeded::{UNUSED_AFTER, covers, has_other_purpose, unneeded};
pub use unneeded::{UnneededIndex, UnneededReason};
pub use usage::IndexUsage;
pub(crate) use usage::usage;

/// Advice on the indexes of a database.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct IndexAdvice {
    /// Indexes that would speed up slow queries.
    pub missing: Vec<MissingIndex>,
    /// Indexes that cost writes and memory without serving queries.
    pub unneeded: Vec<UnneededIndex>,
    /// Use of the indexes of the declared collections; empty if not all servers could be asked.
    pub usage: Vec<IndexUsage>,
}

/// An index that would speed up a slow query.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MissingIndex {
    /// Name of the collection.
    pub collection: String,
    /// Key: fields and their directions, in order.
    pub key: Document,
    /// Default name of the index: `business_1_createdAt_-1`.
    pub name: String,
    /// Name of an existing index with this key that is hidden, and only has to be shown again.
    pub hidden: Option<String>,
    /// Command for MongoDB's shell (`mongosh`) that creates the index: `db.products.createIndex({ business: 1, createdAt: -1 })`.
    pub shell: String,
    /// Attribute for the model: `#[index(keys(business = 1, created_at = -1))]`. Rust names are guessed from the stored names, as if
    /// serde renamed them to `camelCase`. `None` if a stored name cannot be the name of a field.
    pub attribute: Option<String>,
    /// Names of existing indexes that the new one would replace, because its key begins with theirs.
    pub covers: Vec<String>,
    /// The query with the most wasted reads, of those that the index would serve.
    pub evidence: Evidence,
}

/// Cost of a slow query.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// Shape of the filter: `{status: "?", total: {$gt: "?"}}`.
    pub shape: String,
    /// Duration, in seconds when serialised.
    #[serde(serialize_with = "serialize_seconds")]
    pub took: Duration,
    /// The explain result.
    pub explained: ExplainResult,
}

/// Minimum duration of a query that gets advice: MongoDB's own default for a slow operation (`slowms`).
pub(crate) const MIN_DURATION: Duration = Duration::from_millis(100);

/// Maximum number of wasted reads of a query that gets no advice: it is slow for another reason.
const MAX_WASTED_READS: u64 = 500;

/// Returns the indexes that would serve these queries, given the existing indexes of each collection.
pub(crate) fn missing(
    queries: &[(QuerySample, ExplainResult)],
    existing: impl Fn(&str) -> Vec<IndexDefinition>,
) -> Vec<MissingIndex> {
    let mut found: Vec<MissingIndex> = Vec::new();
    for (query, explained) in queries {
        if explained.wasted() <= MAX_WASTED_READS {
            continue;
        }
        let existing = existing(&query.collection);
        let branches = IndexRequirements::from_query(&query.filter, &query.sort);
        for branch in branches.iter().filter(|branch| !existing.iter().any(|index| branch.is_served_by(index))) {
            let key = branch.key(&existing);
            if !key.is_empty() {
                add(&mut found, suggestion(query, explained, key, &existing));
            }
        }
    }
    found.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.evidence.explained.wasted()));
    found
}

fn suggestion(
    query: &QuerySample,
    explained: &ExplainResult,
    key: Document,
    existing: &[IndexDefinition],
) -> MissingIndex {
    let new = plain(&key);
    let covers = existing.iter().filter(|index| !index.is_hidden() && unneeded::covers(&new, index));
    let hidden = existing.iter().find(|index| is_hidden_twin(index, &new)).map(|index| index.name().to_owned());
    let shell = match &hidden {
        Some(name) => shell::call(&query.collection, "unhideIndex", name),
        None => shell::create(&query.collection, &key),
    };
    MissingIndex {
        collection: query.collection.clone(),
        name: new.name().to_owned(),
        hidden,
        shell,
        attribute: shell::attribute(&key),
        covers: covers.map(|index| index.name().to_owned()).collect(),
        key,
        evidence: Evidence {
            shape: format_bson(&without_values(&query.filter).into()),
            took: query.took,
            explained: explained.clone(),
        },
    }
}

/// Returns an index with this key, no options, and the name that MongoDB's drivers derive from the key.
pub(crate) fn plain(key: &Document) -> IndexDefinition {
    let parts: Vec<_> = key.iter().map(|(field, direction)| format!("{field}_{direction}")).collect();
    IndexDefinition::listed(bson::doc! { "name": parts.join("_"), "key": key.clone() })
}

/// Returns whether `index` is hidden and otherwise equal to `plain` except for its name.
pub(crate) fn is_hidden_twin(index: &IndexDefinition, plain: &IndexDefinition) -> bool {
    index.is_hidden() && index.has_same_key(plain) && index.options_except("hidden").next().is_none()
}

/// Adds a suggestion, unless an existing one begins with its key; removes those that its own key begins with. The worst evidence is kept.
fn add(found: &mut Vec<MissingIndex>, mut new: MissingIndex) {
    if let Some(longer) = found.iter_mut().find(|other| other.begins_with(&new.collection, &new.key)) {
        longer.evidence.worsen(new.evidence);
        return;
    }
    let (shorter, rest) =
        std::mem::take(found).into_iter().partition(|other| new.begins_with(&other.collection, &other.key));
    *found = rest;
    let shorter: Vec<MissingIndex> = shorter;
    for other in shorter {
        new.evidence.worsen(other.evidence);
    }
    found.push(new);
}

impl MissingIndex {
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

impl fmt::Display for IndexAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for suggestion in &self.missing {
            write!(f, "{suggestion}")?;
        }
        for unneeded in &self.unneeded {
            writeln!(f, "{unneeded}\n    in the shell:  {}", unneeded.shell)?;
        }
        if self.missing.is_empty() && self.unneeded.is_empty() {
            writeln!(f, "Nothing to do: no slow query lacks an index, and every index is needed.")?;
        }
        Ok(())
    }
}

impl fmt::Display for MissingIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Evidence { shape, took, explained } = &self.evidence;
        let key = format_bson(&Bson::from(self.key.clone()));
        match &self.hidden {
            None => writeln!(f, "{}: an index {key} is missing", self.collection)?,
            Some(name) => {
                writeln!(f, "{}: the index {name} {key} is missing: it exists, but is hidden", self.collection)?;
            }
        }
        writeln!(
            f,
            "    {shape} took {took:.0?}, read {} documents and returned {}",
            explained.documents, explained.returned
        )?;
        if explained.sorted_in_memory {
            writeln!(f, "    the result was sorted in memory")?;
        }
        if !self.covers.is_empty() {
            writeln!(f, "    it would replace: {}", self.covers.join(", "))?;
        }
        writeln!(f, "    in the shell:  {}", self.shell)?;
        match &self.attribute {
            Some(attribute) => writeln!(f, "    on the model:  {attribute}"),
            None => Ok(()),
        }
    }
}
