//! One index in normal form, so that two can be compared.
//!
//! MongoDB gives back another document than the one it was given: `false` flags are gone, collations are spelled out, text
//! fields have moved into `weights`, defaults and versions were added. What is compared as written looks different at
//! every start and is rebuilt for nothing. In normal form, an option that has its default value is absent, numbers have one
//! type, filters one shape. Two indexes are the same for the server if and only if their normal forms are equal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bson::{Bson, Document, doc};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::model::Declaration;
use crate::values::show;

mod collation;
mod declared;
mod filter;
mod number;
#[cfg(test)]
mod tests;

use number::number;

/// One index of a collection: its name, its keys, and those of its options that have not their default value.
///
/// Printed as in MongoDB's shell: `email_1 {email: 1} unique: true`.
#[derive(Clone, Debug)]
pub struct Index {
    name: String,
    /// As the server keeps it: the fields of a text index are `_fts` and `_ftsx` here, and themselves in the weights.
    key: Document,
    options: BTreeMap<String, Bson>,
    /// The name was written in the declaration, so somebody may name it in a hint.
    named: bool,
    building: bool,
}

/// One thing that is not the same in two indexes. An absent value is MongoDB's default.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `name`, `key`, or an option as MongoDB calls it: `unique`, `expireAfterSeconds`, `weights`.
    pub option: String,
    /// What the server has.
    pub existing: Option<Bson>,
    /// What the model declares.
    pub declared: Option<Bson>,
}

/// What the server adds by itself and nobody declares.
const SERVERS_OWN: [&str; 6] = ["v", "ns", "background", "clustered", "textIndexVersion", "2dsphereIndexVersion"];

/// Options that tell two indexes with the same key apart, so that both can exist.
const IDENTITY: [&str; 5] = ["unique", "sparse", "partialFilterExpression", "collation", "wildcardProjection"];

impl Index {
    /// What is declared, in a collection whose default collation is `inherited`.
    pub(crate) fn declared(spec: &Declaration, inherited: Option<&Document>) -> Self {
        Self { named: spec.name.is_some(), ..Self::listed(declared::written(spec, inherited)) }
    }

    /// What `listIndexes` says of one index.
    pub(crate) fn listed(mut raw: Document) -> Self {
        let name = raw.remove("name").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        let key = raw.remove("key").and_then(|key| key.as_document().cloned()).unwrap_or_default();
        let key: Document = key.into_iter().map(|(field, direction)| (field, number(direction))).collect();
        let normal = raw.into_iter().filter_map(|(option, value)| {
            let value = normal(&option, value)?;
            Some((option, value))
        });
        Self { name, key, options: normal.collect(), named: false, building: false }
    }

    pub(crate) fn being_built(self, building: bool) -> Self {
        Self { building, ..self }
    }

    /// As it looks to a query of its collection that does not say how strings compare: with no collation if it has that of the collection,
    /// `inherited`.
    pub(crate) fn within(mut self, inherited: Option<&Document>) -> Self {
        let inherited = inherited.and_then(|collation| normal("collation", collation.clone().into()));
        match (self.option("collation"), inherited) {
            (own, Some(inherited)) if own == Some(&inherited) => drop(self.options.remove("collation")),
            (None, Some(_)) => drop(self.options.insert("collation".to_owned(), doc! { "locale": "simple" }.into())),
            _ => {}
        }
        self
    }

    /// The other way: what is to be made in such a collection.
    pub(crate) fn inheriting(mut self, inherited: Option<&Document>) -> Self {
        let inherited = inherited.and_then(|collation| normal("collation", collation.clone().into()));
        self.options.extend(inherited.map(|collation| ("collation".to_owned(), collation)));
        self
    }

    /// The same under another name.
    pub(crate) fn called(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its fields and their directions, in order; as the server keeps them, so `_fts` stands for the fields of a text index.
    pub fn key(&self) -> &Document {
        &self.key
    }

    /// An option as MongoDB calls it, in normal form: `unique`, `expireAfterSeconds`. `None`: it has its default value.
    pub fn option(&self, name: &str) -> Option<&Bson> {
        self.options.get(name)
    }

    /// The names of its options, but for one.
    pub(crate) fn options_but<'a>(&'a self, but: &'a str) -> impl Iterator<Item = &'a str> {
        self.options.keys().map(String::as_str).filter(move |option| *option != but)
    }

    /// Whether the server is still building it.
    pub fn is_being_built(&self) -> bool {
        self.building
    }

    /// Whether queries do not use it.
    pub fn is_hidden(&self) -> bool {
        self.is("hidden")
    }

    pub(crate) fn is(&self, flag: &str) -> bool {
        self.option(flag) == Some(&Bson::Boolean(true))
    }

    /// Whether its name was written in the declaration.
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }

    /// Whether it is the one over `_id` that each collection has.
    pub(crate) fn is_of_id(&self) -> bool {
        self.key.len() == 1 && matches!(self.key.get("_id"), Some(Bson::Int32(1)))
    }

    /// Whether it is a text index, of which a collection can have one.
    pub(crate) fn is_text(&self) -> bool {
        self.key.contains_key("_fts")
    }

    /// Whether the server holds both to be one index, so that they cannot both exist, whatever their names.
    pub(crate) fn is_identical(&self, other: &Self) -> bool {
        self.key_is(other) && IDENTITY.iter().all(|option| self.option(option) == other.option(option))
    }

    /// Whether both have the same keys, in the same order.
    pub(crate) fn key_is(&self, other: &Self) -> bool {
        self.key.iter().eq(other.key.iter())
    }

    /// Whether all but the name is the same.
    pub(crate) fn does_the_same(&self, other: &Self) -> bool {
        self.key_is(other) && self.options == other.options
    }

    /// What is different in this one, which is declared, from an existing one. The name counts only if it was written.
    pub(crate) fn differences(&self, existing: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        if self.named && self.name != existing.name {
            found.push(Difference::new("name", Some(&self.name), Some(&existing.name)));
        }
        if !self.key_is(existing) {
            found.push(Difference::new("key", Some(&self.key), Some(&existing.key)));
        }
        let options: BTreeSet<_> = self.options.keys().chain(existing.options.keys()).collect();
        for option in options {
            let (declared, existing) = (self.option(option), existing.option(option));
            if declared != existing {
                found.push(Difference::new(option, declared, existing));
            }
        }
        found
    }

    /// What `createIndexes` takes.
    pub(crate) fn command(&self) -> Document {
        let mut command = doc! { "name": &self.name, "key": self.key.clone() };
        command.extend(self.options.clone());
        if !self.options.contains_key("collation") {
            // Else it would inherit the collection's.
            command.insert("collation", doc! { "locale": "simple" });
        }
        command
    }
}

impl Difference {
    fn new<T: Clone + Into<Bson>>(option: &str, declared: Option<&T>, existing: Option<&T>) -> Self {
        let value = |value: Option<&T>| value.cloned().map(Into::into);
        Self { option: option.to_owned(), existing: value(existing), declared: value(declared) }
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, show(&self.key.clone().into()))?;
        let separators = std::iter::once(" ").chain(std::iter::repeat(", "));
        for ((option, value), separator) in self.options.iter().zip(separators) {
            write!(f, "{separator}{option}: {}", show(value))?;
        }
        Ok(())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<Bson>| value.as_ref().map_or_else(|| "(default)".to_owned(), show);
        write!(f, "{}: {} -> {}", self.option, value(&self.existing), value(&self.declared))
    }
}

impl Serialize for Index {
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

/// An option's value in normal form; `None` where that is to leave it out.
fn normal(option: &str, value: Bson) -> Option<Bson> {
    match (option, number(value)) {
        (option, _) if SERVERS_OWN.contains(&option) => None,
        (_, Bson::Boolean(false))
        | ("bits", Bson::Int32(26))
        | ("min", Bson::Int32(-180))
        | ("max", Bson::Int32(180)) => None,
        ("unique" | "sparse" | "hidden" | "prepareUnique", Bson::Int32(set)) => (set != 0).then_some(true.into()),
        // What servers before 6.0 made of NaN, and what newer ones make of it.
        ("expireAfterSeconds", Bson::Double(seconds)) if seconds.is_nan() => Some(i32::MAX.into()),
        ("default_language", Bson::String(language)) if language == "english" => None,
        ("language_override", Bson::String(field)) if field == "language" => None,
        ("collation", Bson::Document(collation)) => collation::normal(collation).map(Bson::from),
        ("partialFilterExpression", Bson::Document(written)) => filter::normal(&written).map(Bson::from),
        ("weights", Bson::Document(weights)) => {
            let sorted: BTreeMap<_, _> = weights.into_iter().map(|(field, weight)| (field, number(weight))).collect();
            Some(Document::from_iter(sorted).into())
        }
        (_, value) => Some(value),
    }
}
