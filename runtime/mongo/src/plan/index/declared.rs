//! A declaration as `createIndexes` would take it, before it is put into normal form.

use bson::{Bson, Document, doc};

use super::collation;
use crate::model::{Condition, Declaration, Field, Kind, Literal, Operator};

/// The index in a collection whose default collation is `inherited`.
pub(super) fn written(spec: &Declaration, inherited: Option<&Document>) -> Document {
    let path = |field: &Field| dotted(field.path, field.kind == Kind::Wildcard);
    let parts: Vec<_> = spec.fields.iter().map(|field| (path(field), field.kind)).collect();
    let name = spec.name.map_or_else(|| default_name(&parts), str::to_owned);
    let mut raw = doc! { "name": name, "key": key(&parts) };
    for (option, set) in [("unique", spec.unique), ("sparse", spec.sparse), ("hidden", spec.hidden)] {
        raw.insert(option, set);
    }
    raw.extend(spec.expire_after.map(|seconds| ("expireAfterSeconds".to_owned(), Bson::Int64(seconds.into()))));
    if !spec.partial.is_empty() {
        let conditions: Vec<Bson> = spec.partial.iter().map(condition).map(Bson::from).collect();
        raw.insert("partialFilterExpression", doc! { "$and": conditions });
    }
    raw.extend(spec.bits.map(|bits| ("bits".to_owned(), Bson::Int64(bits.into()))));
    if let Some((min, max)) = spec.bounds {
        raw.extend(doc! { "min": min, "max": max });
    }
    let weights = weights(&parts);
    if !weights.is_empty() {
        raw.insert("weights", weights);
    }
    for (option, value) in [("default_language", spec.default_language), ("language_override", spec.language_override)]
    {
        raw.extend(value.map(|value| (option.to_owned(), Bson::from(value))));
    }
    match &spec.collation {
        Some(collation) => drop(raw.insert("collation", collation::written(collation))),
        // Neither kind compares strings, and the server refuses both with a collation.
        None if parts.iter().any(|(_, kind)| matches!(kind, Kind::Text { .. } | Kind::Plane)) => {}
        None => raw.extend(inherited.map(|inherited| ("collation".to_owned(), Bson::from(inherited.clone())))),
    }
    raw
}

/// The name that MongoDB's drivers make of the fields.
fn default_name(parts: &[(String, Kind)]) -> String {
    let part = |(path, kind): &(String, Kind)| match direction(*kind) {
        Bson::String(word) => format!("{path}_{word}"),
        number => format!("{path}_{number}"),
    };
    parts.iter().map(part).collect::<Vec<_>>().join("_")
}

/// All text fields together stand where the first of them was written.
fn key(parts: &[(String, Kind)]) -> Document {
    let mut key = Document::new();
    for (path, kind) in parts {
        if matches!(kind, Kind::Text { .. }) {
            key.extend(doc! { "_fts": "text", "_ftsx": 1 });
        } else {
            key.insert(path, direction(*kind));
        }
    }
    key
}

fn weights(parts: &[(String, Kind)]) -> Document {
    let weight = |(path, kind): &(String, Kind)| match kind {
        Kind::Text { weight } => Some((path.clone(), Bson::Int64((*weight).into()))),
        _ => None,
    };
    parts.iter().filter_map(weight).collect()
}

fn direction(kind: Kind) -> Bson {
    match kind {
        Kind::Ascending | Kind::Wildcard => 1.into(),
        Kind::Descending => (-1).into(),
        Kind::Text { .. } => "text".into(),
        Kind::Sphere => "2dsphere".into(),
        Kind::Plane => "2d".into(),
        Kind::Hashed => "hashed".into(),
    }
}

fn dotted(path: &[&str], wildcard: bool) -> String {
    let parts = path.iter().copied().chain(wildcard.then_some("$**"));
    parts.collect::<Vec<_>>().join(".")
}

fn condition(condition: &Condition) -> Document {
    let (operator, value) = match condition.operator {
        Operator::Exists => ("$exists", Bson::Boolean(true)),
        Operator::Equal(value) => ("$eq", literal(value)),
        Operator::Greater(value) => ("$gt", literal(value)),
        Operator::GreaterOrEqual(value) => ("$gte", literal(value)),
        Operator::Less(value) => ("$lt", literal(value)),
        Operator::LessOrEqual(value) => ("$lte", literal(value)),
        Operator::OneOf(values) => ("$in", values.iter().copied().map(literal).collect::<Vec<_>>().into()),
    };
    doc! { dotted(condition.path, false): doc! { operator: value } }
}

fn literal(literal: Literal) -> Bson {
    match literal {
        Literal::Bool(value) => value.into(),
        Literal::Int(value) => value.into(),
        Literal::Double(value) => value.into(),
        Literal::Text(value) => value.into(),
    }
}
