//! Index definitions in normal form, so that two can be compared.
//!
//! MongoDB returns another document than it was given: `false` flags are dropped, collations are completed, text fields move into
//! `weights`, defaults and versions are added. Without a normal form an index would look different at every start, and be rebuilt for
//! nothing. In normal form, options with their default value are absent, numbers have one type, and equal filters one shape. Two
//! definitions are equal if and only if the server treats the indexes as the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bson::{Bson, Document, doc};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::conversions::format_bson;
use crate::model::DeclaredIndex;

mod collation;
mod declaration;
mod filter;
mod number;
#[cfg(test)]
mod tests;
mod wildcard;

pub(super) use number::number;

/// Definition of an index: its name, its key, and the options that differ from their defaults.
///
/// Printed as in MongoDB's shell: `email_1 {email: 1} unique: true`.
#[derive(Clone, Debug)]
pub struct IndexDefinition {
    name: String,
    /// Key as the server stores it: the fields of a text index are `_fts` and `_ftsx` here, and their names are in `weights`.
    key: Document,
    options: BTreeMap<String, Bson>,
    /// True if the declaration gives a name, which a query may use in a hint.
    named: bool,
    building: bool,
    /// True if the server made the index by itself.
    server_made: bool,
    /// Options of the existing index that do not count as differences from this declared one.
    as_is: &'static [&'static str],
}

/// A difference between a declared and an existing index. An absent value is MongoDB's default.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IndexDifference {
    /// `name`, `key`, or the name of an option in MongoDB: `unique`, `expireAfterSeconds`, `weights`.
    pub option: String,
    /// Value on the server.
    pub existing: Option<Bson>,
    /// Value that the model declares.
    pub declared: Option<Bson>,
}

/// Options that the server adds by itself.
const SERVER_ADDED: [&str; 6] = ["v", "ns", "background", "clustered", "textIndexVersion", "2dsphereIndexVersion"];

/// Parts of an index that attributes declare.
const DECLARABLE: [&str; 15] = [
    "bits",
    "collation",
    "default_language",
    "expireAfterSeconds",
    "hidden",
    "key",
    "language_override",
    "max",
    "min",
    "name",
    "partialFilterExpression",
    "sparse",
    "unique",
    "weights",
    "wildcardProjection",
];

/// Option of an index that rejects new duplicates, but may have old ones.
pub(crate) const PREPARE_UNIQUE: &str = "prepareUnique";

/// Field of the index that drivers make for encrypted fields.
const ENCRYPTED: &str = "__safeContent__";

/// End of the name of an index that stands in for another while that is rebuilt.
pub(crate) const STAND_IN: &str = "_meanwhile";

/// Options that allow two indexes with the same key to coexist.
const DISTINGUISHING: [&str; 5] = ["unique", "sparse", "partialFilterExpression", "collation", "wildcardProjection"];

impl IndexDefinition {
    /// Returns the definition of a declared index, in a collection whose default collation is `inherited`.
    pub(crate) fn declared(spec: &DeclaredIndex, inherited: Option<&Document>) -> Self {
        Self {
            named: spec.name.is_some(),
            as_is: spec.as_is,
            ..Self::listed(declaration::specification(spec, inherited))
        }
    }

    /// Returns the definition of an index in the reply of `listIndexes`.
    pub(crate) fn listed(mut raw: Document) -> Self {
        let name = raw.remove("name").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        let key = raw.remove("key").and_then(|key| key.as_document().cloned()).unwrap_or_default();
        let key: Document = key.into_iter().map(|(field, direction)| (field, number(direction))).collect();
        let normal = raw.into_iter().filter_map(|(option, value)| {
            let value = normal(&option, value)?;
            Some((option, value))
        });
        let server_made = key.contains_key(ENCRYPTED);
        Self { name, key, options: normal.collect(), named: false, building: false, server_made, as_is: &[] }
    }

    pub(crate) fn with_building(self, building: bool) -> Self {
        Self { building, ..self }
    }

    /// Marks the index that the server makes for a time-series collection, over these fields.
    pub(crate) fn with_time_series(mut self, meta: &str, time: &str) -> Self {
        self.server_made |= self.key.iter().eq(&doc! { meta: 1, time: 1 }) && self.options.is_empty();
        self
    }

    /// Returns the index with the options of an existing one that it replaces: those that no model declares.
    pub(crate) fn with_undeclared_options(mut self, existing: &Self) -> Self {
        let unique = self.has_flag("unique");
        let stays = |option: &str| self.as_is.contains(&option) || (option == PREPARE_UNIQUE && !unique);
        let stay: Vec<_> = existing.options.iter().filter(|(option, _)| stays(option)).collect();
        self.options.extend(stay.into_iter().map(|(option, value)| (option.clone(), value.clone())));
        self
    }

    /// Returns an index that serves the same queries and can exist beside this one: with the `_id` behind the other fields. `None` if the
    /// kind of index does not allow that.
    pub(crate) fn stand_in(&self, name: &str) -> Option<Self> {
        let ordered = self.key.values().all(|direction| matches!(direction, Bson::Int32(_)));
        let wildcard = self.key.keys().any(|field| field.ends_with("$**"));
        if !ordered || wildcard || self.key.contains_key("_id") || self.key.len() > 31 {
            return None;
        }
        let mut found = self.with_name(name);
        found.key.insert("_id", 1);
        for option in ["unique", "expireAfterSeconds", PREPARE_UNIQUE] {
            found.options.remove(option);
        }
        Some(found)
    }

    /// Returns the name of the index for which this one stands in during a rebuild, by its own name (`a_1_meanwhile`) and key.
    pub(crate) fn stands_in_for(&self) -> Option<&str> {
        let (name, number) = self.name.rsplit_once(STAND_IN)?;
        let last = self.key.keys().last().is_some_and(|field| field == "_id");
        (last && (number.is_empty() || is_number(number))).then_some(name)
    }

    /// Returns a note on an index that seems to be left over, for the printed forms.
    pub(super) fn left_over(&self) -> Option<String> {
        let name = self.stands_in_for()?;
        Some(format!(
            "seems to be left over from a rebuild of `{name}`: `apply` drops it when `{name}` is as declared; if no model declares `{name}`, drop it by hand"
        ))
    }

    /// Returns whether this one has a name that was chosen because `name` was taken: `a_1_2`.
    pub(crate) fn has_generated_name(&self, name: &str) -> bool {
        self.name.strip_prefix(name).is_some_and(is_number)
    }

    /// Returns the index as seen by a query of its collection that sets no collation: without a collation if the index has that of the
    /// collection, `inherited`.
    pub(crate) fn for_queries(mut self, inherited: Option<&Document>) -> Self {
        let inherited = inherited.and_then(|collation| normal("collation", collation.clone().into()));
        match (self.option("collation"), inherited) {
            (collation, Some(inherited)) if collation == Some(&inherited) => drop(self.options.remove("collation")),
            (None, Some(_)) => drop(self.options.insert("collation".to_owned(), doc! { "locale": "simple" }.into())),
            _ => {}
        }
        self
    }

    /// Returns the index with the collation that it gets in a collection with the default collation `inherited`.
    pub(crate) fn with_inherited_collation(mut self, inherited: Option<&Document>) -> Self {
        let inherited = inherited.and_then(|collation| normal("collation", collation.clone().into()));
        self.options.extend(inherited.map(|collation| ("collation".to_owned(), collation)));
        self
    }

    /// Returns the same index with another name.
    pub(crate) fn with_name(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the key: fields and their directions, in order. As stored by the server, so `_fts` stands for the fields of a text index.
    pub fn key(&self) -> &Document {
        &self.key
    }

    /// Returns an option in normal form by its name in MongoDB: `unique`, `expireAfterSeconds`. `None` if it has its default value.
    pub fn option(&self, name: &str) -> Option<&Bson> {
        self.options.get(name)
    }

    /// Returns the names of the options, except one.
    pub(crate) fn options_except<'a>(&'a self, but: &'a str) -> impl Iterator<Item = &'a str> {
        self.options.keys().map(String::as_str).filter(move |option| *option != but)
    }

    /// Returns whether the server is still building the index.
    pub fn is_being_built(&self) -> bool {
        self.building
    }

    /// Returns whether queries ignore the index.
    pub fn is_hidden(&self) -> bool {
        self.has_flag("hidden")
    }

    /// Returns whether the index has an effect without queries: it is unique, or expires documents.
    pub(crate) fn has_other_purpose(&self) -> bool {
        self.has_flag("unique") || self.has_flag("prepareUnique") || self.option("expireAfterSeconds").is_some()
    }

    /// Returns whether the server made the index by itself, for encryption or for a time-series collection.
    pub(crate) fn is_server_made(&self) -> bool {
        self.server_made
    }

    pub(crate) fn has_flag(&self, flag: &str) -> bool {
        self.option(flag) == Some(&Bson::Boolean(true))
    }

    /// Returns whether the declaration gives the name.
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }

    /// Returns whether this is the index on `_id` that each collection has.
    pub(crate) fn is_id_index(&self) -> bool {
        self.key.len() == 1 && matches!(self.key.get("_id"), Some(Bson::Int32(1)))
    }

    /// Returns whether this is a text index. A collection can have one.
    pub(crate) fn is_text(&self) -> bool {
        self.key.contains_key("_fts")
    }

    /// Returns whether the server treats both as the same index, so that they cannot coexist under any names.
    pub(crate) fn is_identical(&self, other: &Self) -> bool {
        self.has_same_key(other) && DISTINGUISHING.iter().all(|option| self.option(option) == other.option(option))
    }

    /// Returns whether both have the same key, in the same order.
    pub(crate) fn has_same_key(&self, other: &Self) -> bool {
        self.key.iter().eq(other.key.iter())
    }

    /// Returns whether both are equal except for their names.
    pub(crate) fn is_same_except_name(&self, other: &Self) -> bool {
        self.has_same_key(other) && self.options == other.options
    }

    /// Returns the differences between this declared index and an existing one. The name counts only if it was declared.
    pub(crate) fn differences(&self, existing: &Self) -> Vec<IndexDifference> {
        let mut found = Vec::new();
        if self.named && self.name != existing.name {
            found.push(IndexDifference::new("name", Some(&self.name), Some(&existing.name)));
        }
        if !self.has_same_key(existing) {
            found.push(IndexDifference::new("key", Some(&self.key), Some(&existing.key)));
        }
        let options: BTreeSet<_> = self.options.keys().chain(existing.options.keys()).collect();
        for option in options {
            let (declared, existing) = (self.option(option), existing.option(option));
            // A person sets it while duplicates are removed; a declaration that is unique completes it.
            let stays = option == PREPARE_UNIQUE || (declared.is_none() && self.as_is.contains(&option.as_str()));
            if declared != existing && !stays {
                found.push(IndexDifference::new(option, declared, existing));
            }
        }
        found
    }

    /// Returns the specification for `createIndexes`.
    pub(crate) fn specification(&self) -> Document {
        let mut command = doc! { "name": &self.name, "key": self.key.clone() };
        command.extend(self.options.clone());
        if !self.options.contains_key("collation") {
            // Otherwise the index would inherit the collation of the collection.
            command.insert("collation", doc! { "locale": "simple" });
        }
        command
    }
}

impl IndexDifference {
    /// Returns the difference in words, as one of a collection.
    pub(crate) fn in_collection(&self) -> String {
        let value = |value: &Option<Bson>| value.as_ref().map_or_else(|| "(default)".to_owned(), format_bson);
        format!("{}: {} -> {}", self.option, value(&self.existing), value(&self.declared))
    }

    fn new<T: Clone + Into<Bson>>(option: &str, declared: Option<&T>, existing: Option<&T>) -> Self {
        let value = |value: Option<&T>| value.cloned().map(Into::into);
        Self { option: option.to_owned(), existing: value(existing), declared: value(declared) }
    }
}

impl fmt::Display for IndexDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, format_bson(&self.key.clone().into()))?;
        let separators = std::iter::once(" ").chain(std::iter::repeat(", "));
        for ((option, value), separator) in self.options.iter().zip(separators) {
            write!(f, "{separator}{option}: {}", format_bson(value))?;
        }
        Ok(())
    }
}

impl fmt::Display for IndexDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_collection())?;
        if self.declared.is_none() && !DECLARABLE.contains(&self.option.as_str()) {
            write!(f, " (no attribute declares it: to leave it, write `as_is({:?})`)", self.option)?;
        }
        Ok(())
    }
}

impl Serialize for IndexDefinition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2 + self.options.len()))?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("key", &self.key)?;
        for (option, value) in &self.options {
            map.serialize_entry(option, value)?;
        }
        map.end()
    }
}

/// Returns whether this is the number that makes a name free: `_2`.
fn is_number(end: &str) -> bool {
    end.strip_prefix('_').is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Returns the normal form of an option's value; `None` if the option is left out.
fn normal(option: &str, value: Bson) -> Option<Bson> {
    match (option, number(value)) {
        (option, _) if SERVER_ADDED.contains(&option) => None,
        (_, Bson::Boolean(false))
        | ("bits", Bson::Int32(26))
        | ("min", Bson::Int32(-180))
        | ("max", Bson::Int32(180)) => None,
        ("unique" | "sparse" | "hidden" | "prepareUnique", Bson::Int32(set)) => (set != 0).then_some(true.into()),
        // Servers before 6.0 store NaN as it is, newer ones as this number.
        ("expireAfterSeconds", Bson::Double(seconds)) if seconds.is_nan() => Some(i32::MAX.into()),
        ("default_language", Bson::String(language)) if language == "english" => None,
        ("language_override", Bson::String(field)) if field == "language" => None,
        ("wildcardProjection", Bson::Document(projection)) => wildcard::normal(&projection).map(Bson::from),
        ("collation", Bson::Document(collation)) => collation::normal(collation).map(Bson::from),
        ("partialFilterExpression", Bson::Document(written)) => filter::normal(&written).map(Bson::from),
        ("weights", Bson::Document(weights)) => {
            let sorted: BTreeMap<_, _> = weights.into_iter().map(|(field, weight)| (field, number(weight))).collect();
            Some(Document::from_iter(sorted).into())
        }
        (_, value) => Some(value),
    }
}
