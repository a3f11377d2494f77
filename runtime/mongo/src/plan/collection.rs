//! Options of collections: those that a model declares, and their differences from those of the server.

use bson::{Bson, Document, doc};
use serde::Serialize;

use super::index::{IndexDifference, number};
use crate::model::CollectionOptions;
use crate::model::derived::StoredField;

/// Step for a collection whose options a model declares.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CollectionStep {
    /// Name of the collection.
    pub collection: String,
    /// The action to take.
    #[serde(flatten)]
    pub action: CollectionAction,
}

/// Action on a collection.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CollectionAction {
    /// The collection has the declared options.
    Keep,
    /// The collection does not exist, and is created with these options.
    Create {
        /// Options in MongoDB's words.
        options: Document,
    },
    /// The options can be changed in place (`collMod`).
    Change {
        /// The options to change.
        differences: Vec<IndexDifference>,
    },
    /// The options cannot be changed: the documents have to be copied into a new collection.
    Fixed {
        /// The options that differ.
        differences: Vec<IndexDifference>,
    },
    /// Two models of the collection declare these options differently: no option is applied.
    Conflict {
        /// Names of the options, as the attribute has them.
        options: Vec<String>,
        /// True if the collection exists. Otherwise its indexes are not built either, which would create it without the options.
        exists: bool,
    },
}

impl CollectionStep {
    /// A conflict between the models of a collection.
    pub(crate) fn conflict<'a>(collection: &str, options: impl Iterator<Item = &'a str>, exists: bool) -> Self {
        let action = CollectionAction::Conflict { options: options.map(str::to_owned).collect(), exists };
        Self { collection: collection.to_owned(), action }
    }

    /// Returns whether the collection does not exist, and cannot be created before a conflict is resolved.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self.action, CollectionAction::Conflict { exists: false, .. })
    }

    /// Compares the declared options with those of the server; `existing` is `None` if the collection does not exist. Returns `None` if
    /// the model declares none.
    pub(crate) fn new(collection: &str, declared: &CollectionOptions, existing: Option<&Document>) -> Option<Self> {
        let declared = written(declared);
        if declared.is_empty() {
            return None;
        }
        let action = match existing {
            None => CollectionAction::Create { options: declared },
            Some(existing) => compare(&declared, existing),
        };
        Some(Self { collection: collection.to_owned(), action })
    }
}

/// Returns the text that says what to do about a conflict between the models of a collection.
pub(crate) fn conflict_advice(options: &[String]) -> String {
    let names: Vec<_> = options.iter().map(|option| format!("`{option}`")).collect();
    format!("two models declare {} differently: declare it in one of them, or the same in both", names.join(" and "))
}

pub(crate) fn compare(declared: &Document, existing: &Document) -> CollectionAction {
    let different = |(option, value): (&String, &Bson)| {
        let there = existing.get(option).map(|there| normal(option, there));
        let same = there.as_ref() == Some(&normal(option, value));
        (!same).then(|| IndexDifference { option: option.clone(), existing: there, declared: Some(value.clone()) })
    };
    let differences: Vec<_> = declared.iter().filter_map(different).collect();
    if differences.is_empty() {
        CollectionAction::Keep
    } else if differences.iter().all(|difference| can_change(difference, existing)) {
        CollectionAction::Change { differences }
    } else {
        CollectionAction::Fixed { differences }
    }
}

/// Returns whether `collMod` can make the change.
fn can_change(difference: &IndexDifference, existing: &Document) -> bool {
    match difference.option.as_str() {
        "validator" | "changeStreamPreAndPostImages" | "expireAfterSeconds" => true,
        "size" | "max" => existing.get_bool("capped").unwrap_or(false),
        "timeseries" => {
            // A granularity can become coarser.
            let [old, new] = [&difference.existing, &difference.declared].map(|value| {
                let series = value.as_ref().and_then(Bson::as_document).cloned().unwrap_or_default();
                let order = ["seconds", "minutes", "hours"];
                let rank =
                    order.iter().position(|word| series.get_str("granularity").is_ok_and(|known| known == *word));
                (series.get("timeField").cloned(), series.get("metaField").cloned(), rank.unwrap_or(0))
            });
            old.0.is_some() && (&old.0, &old.1) == (&new.0, &new.1) && old.2 < new.2
        }
        _ => false,
    }
}

/// Returns a value in a form that can be compared: without what the server adds.
fn normal(option: &str, value: &Bson) -> Bson {
    match (option, value) {
        ("timeseries", Bson::Document(series)) => {
            let mut normal = doc! {};
            for field in ["timeField", "metaField"] {
                normal.extend(series.get(field).map(|name| (field.to_owned(), name.clone())));
            }
            normal.insert("granularity", series.get_str("granularity").unwrap_or("seconds"));
            normal.into()
        }
        ("clusteredIndex", Bson::Document(index)) => {
            doc! { "key": index.get("key").cloned().map(number), "unique": true }.into()
        }
        (_, value) => number(value.clone()),
    }
}

/// Returns the options for `create`.
fn written(options: &CollectionOptions) -> Document {
    let mut found = doc! {};
    if let Some(series) = options.time_series {
        let mut fields = doc! { "timeField": series.time };
        fields.extend(series.meta.map(|meta| ("metaField".to_owned(), Bson::from(meta))));
        fields.extend(series.granularity.map(|word| ("granularity".to_owned(), Bson::from(word))));
        found.insert("timeseries", fields);
        found.extend(series.expire_after.map(|seconds| ("expireAfterSeconds".to_owned(), Bson::Int64(seconds.into()))));
    }
    if let Some(capped) = options.capped {
        // The server stores a multiple of 256.
        let bytes = i64::try_from(capped.bytes.next_multiple_of(256)).unwrap_or(i64::MAX);
        found.extend(doc! { "capped": true, "size": bytes });
        found.extend(capped.documents.map(|max| ("max".to_owned(), i64::try_from(max).unwrap_or(i64::MAX).into())));
    }
    if options.clustered {
        found.insert("clusteredIndex", doc! { "key": { "_id": 1 }, "unique": true });
    }
    if options.pre_images {
        found.insert("changeStreamPreAndPostImages", doc! { "enabled": true });
    }
    found.extend(options.validator.map(|fields| ("validator".to_owned(), Bson::from(validator(fields)))));
    found
}

/// Returns the schema that admits values of the fields' types, and other fields. A field may be missing.
///
/// Variants of an enum may store fields of different types under one name, which is then left out.
fn validator(fields: &[StoredField]) -> Document {
    let mut properties = doc! {};
    for field in fields {
        let (Some(name), Some(schema)) = (field.name, schema(field)) else { continue };
        let mut namesakes = fields.iter().filter(|other| other.name == field.name);
        if namesakes.all(|other| self::schema(other).as_ref() == Some(&schema)) {
            properties.insert(name, schema);
        }
    }
    doc! { "$jsonSchema": { "bsonType": "object", "properties": properties } }
}

/// Returns the schema of a field's values; `None` if their type is unknown.
fn schema(field: &StoredField) -> Option<Document> {
    let kind = field.holds.bson_type()?;
    let kinds = |kind: &str| if field.nullable { Bson::from(vec![kind, "null"]) } else { kind.into() };
    Some(match field.items.bson_type() {
        _ if !field.array => doc! { "bsonType": kinds(kind) },
        Some(items) => doc! { "bsonType": kinds("array"), "items": { "bsonType": items } },
        None => doc! { "bsonType": kinds("array") },
    })
}
