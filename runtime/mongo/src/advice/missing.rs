//! Indexes that slow queries lack.

use std::fmt;
use std::time::Duration;

use bson::{Bson, Document};
use serde::Serialize;

use super::choice::ChosenIndex;
use super::explain::ExplainResult;
use super::trial::IndexTrial;
use super::{shell, unneeded};
use crate::conversions::{format_bson, serialize_seconds};
use crate::plan::IndexDefinition;
use crate::query::Query;

/// An index that would speed up a slow query.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MissingIndex {
    /// Name of the collection.
    pub collection: String,
    /// Key: fields and their directions, in order.
    pub key: Document,
    /// Options that the index needs: the collation of the query, `sparse`. Empty for an ordinary index.
    pub options: Document,
    /// Default name of the index: `business_1_createdAt_-1`.
    pub name: String,
    /// Name of an existing index with this key that is hidden, and only has to be shown again.
    pub hidden: Option<String>,
    /// Command for MongoDB's shell (`mongosh`) that creates the index: `db.products.createIndex({ business: 1, createdAt: -1 })`.
    pub shell: String,
    /// Attribute for the model: `#[index(keys(business = 1, created_at = -1))]`. Rust names are guessed from the stored names, as if
    /// serde renamed them to `camelCase`. `None` if a stored name cannot be the name of a field, or the index is of a special kind.
    pub attribute: Option<String>,
    /// Names of existing indexes that the new one would replace, because its key begins with theirs.
    pub covers: Vec<String>,
    /// Reads of the query with the index, estimated from counts; `None` for words and places.
    pub expected: Option<ExpectedReads>,
    /// Measured reads on a sample, if [trials](crate::IndexManager::trials) were asked for. The indexes of one query are tried together.
    pub trial: Option<IndexTrial>,
    /// Name of a field that holds arrays, if the index has more fields: a document in which another of them is an array would be refused.
    pub array: Option<String>,
    /// The query with the most wasted reads, of those that the index would serve.
    pub evidence: Evidence,
    /// The query itself, with its values.
    #[serde(skip)]
    pub(crate) query: Query,
}

/// Estimated reads of a query.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExpectedReads {
    /// Number of documents.
    pub documents: u64,
    /// Number of index entries.
    pub keys: u64,
    /// True if the result is sorted in memory.
    pub sorted_in_memory: bool,
}

/// Cost of a slow query.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// Shape of the query: `{status: "?", total: {$gt: "?"}}`.
    pub shape: String,
    /// Duration, in seconds when serialised.
    #[serde(serialize_with = "serialize_seconds")]
    pub took: Duration,
    /// The explain result; without figures if the server refuses the query without the index.
    pub explained: ExplainResult,
}

impl MissingIndex {
    pub(crate) fn new(
        chosen: ChosenIndex,
        query: &Query,
        (took, explained): (Duration, ExplainResult),
        existing: &[IndexDefinition],
    ) -> Self {
        let new = definition(&chosen.key, &chosen.options);
        // An index on an array has more entries than one without it.
        let wider =
            |index: &IndexDefinition| chosen.array.as_ref().is_some_and(|field| !index.key().contains_key(field));
        let covers = existing.iter().filter(|index| !index.is_hidden() && !wider(index));
        let covers: Vec<_> = covers.filter(|index| unneeded::covers(&new, index)).collect();
        let hidden = existing.iter().find(|index| is_hidden_twin(index, &new)).map(|index| index.name().to_owned());
        let shell = match &hidden {
            Some(name) => shell::call(&chosen.collection, "unhideIndex", name),
            None => shell::create(&chosen.collection, &chosen.key, &chosen.options),
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "estimates, not negative")]
        let expected = chosen.expected.map(|estimate| ExpectedReads {
            documents: estimate.documents.round() as u64,
            keys: estimate.keys.round() as u64,
            sorted_in_memory: estimate.sorts,
        });
        Self {
            name: new.name().to_owned(),
            hidden,
            shell,
            attribute: shell::attribute(&chosen.key, &chosen.options),
            covers: covers.iter().map(|index| index.name().to_owned()).collect(),
            expected,
            trial: None,
            array: chosen.array,
            collection: chosen.collection,
            key: chosen.key,
            options: chosen.options,
            evidence: Evidence { shape: query.parts.shape(query.operation), took, explained },
            query: query.clone(),
        }
    }

    fn begins_with(&self, other: &Self) -> bool {
        self.collection == other.collection
            && self.options == other.options
            && !self.options.contains_key("sparse")
            && other.key.len() <= self.key.len()
            && other.key.iter().zip(&self.key).all(|(one, other)| one == other)
    }

    fn worsen(&mut self, other: Self) {
        if other.evidence.explained.wasted() > self.evidence.explained.wasted() {
            (self.evidence, self.query) = (other.evidence, other.query);
        }
    }
}

/// Returns an index with this key, these options, and the name that MongoDB's drivers derive from the key.
pub(crate) fn definition(key: &Document, options: &Document) -> IndexDefinition {
    let direction = |value: &Bson| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parts: Vec<_> = key.iter().map(|(field, value)| format!("{field}_{}", direction(value))).collect();
    let mut raw = bson::doc! { "name": parts.join("_"), "key": key.clone() };
    raw.extend(options.clone());
    IndexDefinition::listed(raw)
}

/// Returns whether `index` is hidden and otherwise equal to `new` except for its name.
pub(crate) fn is_hidden_twin(index: &IndexDefinition, new: &IndexDefinition) -> bool {
    let same = |option: &str| index.option(option) == new.option(option);
    let options = index.options_except("hidden").chain(new.options_except("hidden"));
    index.is_hidden() && index.has_same_key(new) && options.into_iter().all(same)
}

/// Adds a suggestion, unless an existing one begins with its key; removes those that its own key begins with. The worst evidence is kept.
pub(crate) fn add(found: &mut Vec<MissingIndex>, mut new: MissingIndex) {
    if let Some(longer) = found.iter_mut().find(|other| other.begins_with(&new)) {
        longer.worsen(new);
        return;
    }
    let (shorter, rest) = std::mem::take(found).into_iter().partition(|other| new.begins_with(other));
    *found = rest;
    let shorter: Vec<MissingIndex> = shorter;
    for other in shorter {
        new.worsen(other);
    }
    found.push(new);
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
        if let Some(ExpectedReads { documents, keys, .. }) = &self.expected {
            writeln!(f, "    expected with it: {documents} documents and {keys} index entries")?;
        }
        if let Some(trial) = &self.trial {
            writeln!(f, "    {trial}")?;
        }
        if let Some(field) = &self.array {
            writeln!(
                f,
                "    {field} holds arrays: a document in which another field of the index is one, too, would be refused"
            )?;
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
