//! A declaration as a specification for `createIndexes`, before it is normalized.

use bson::{Bson, Document, doc};

use super::collation;
use crate::model::derived::{Condition, Literal, Operator, Projection};
use crate::model::{DeclaredIndex, IndexField, IndexKind};

/// Returns the specification of the index in a collection whose default collation is `inherited`.
pub(super) fn specification(spec: &DeclaredIndex, inherited: Option<&Document>) -> Document {
    let path = |field: &IndexField| {
        // Words of all fields have a path of no names too.
        let wildcard = field.kind == IndexKind::Wildcard || field.path.is_empty();
        dotted(field.path, wildcard)
    };
    let parts: Vec<_> = spec.fields.iter().map(|field| (path(field), field.kind)).collect();
    let name = spec.name.map_or_else(|| default_name(&parts), str::to_owned);
    let mut raw = doc! { "name": name, "key": key(&parts) };
    for (option, set) in [("unique", spec.unique), ("sparse", spec.sparse), ("hidden", spec.hidden)] {
        raw.insert(option, set);
    }
    raw.extend(spec.expire_after.map(|seconds| ("expireAfterSeconds".to_owned(), Bson::Int64(seconds.into()))));
    if !spec.partial.is_empty() {
        raw.insert("partialFilterExpression", all(spec.partial));
    }
    if !spec.wildcard_projection.is_empty() {
        let field = |field: &Projection| (dotted(field.path, false), Bson::from(i32::from(field.included)));
        raw.insert("wildcardProjection", spec.wildcard_projection.iter().map(field).collect::<Document>());
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
        // These kinds do not compare strings, and the server rejects them with a collation.
        None if parts.iter().any(|(_, kind)| matches!(kind, IndexKind::Text { .. } | IndexKind::Plane)) => {}
        None => raw.extend(inherited.map(|inherited| ("collation".to_owned(), Bson::from(inherited.clone())))),
    }
    raw
}

/// Returns the name that MongoDB's drivers derive from the fields.
fn default_name(parts: &[(String, IndexKind)]) -> String {
    let part = |(path, kind): &(String, IndexKind)| match direction(*kind) {
        Bson::String(word) => format!("{path}_{word}"),
        number => format!("{path}_{number}"),
    };
    parts.iter().map(part).collect::<Vec<_>>().join("_")
}

/// Returns the key. All text fields together stand where the first of them was declared.
fn key(parts: &[(String, IndexKind)]) -> Document {
    let mut key = Document::new();
    for (path, kind) in parts {
        if matches!(kind, IndexKind::Text { .. }) {
            key.extend(doc! { "_fts": "text", "_ftsx": 1 });
        } else {
            key.insert(path, direction(*kind));
        }
    }
    key
}

fn weights(parts: &[(String, IndexKind)]) -> Document {
    let weight = |(path, kind): &(String, IndexKind)| match kind {
        IndexKind::Text { weight } => Some((path.clone(), Bson::Int64((*weight).into()))),
        _ => None,
    };
    parts.iter().filter_map(weight).collect()
}

fn direction(kind: IndexKind) -> Bson {
    match kind {
        IndexKind::Ascending | IndexKind::Wildcard => 1.into(),
        IndexKind::Descending => (-1).into(),
        IndexKind::Text { .. } => "text".into(),
        IndexKind::Sphere => "2dsphere".into(),
        IndexKind::Plane => "2d".into(),
        IndexKind::Hashed => "hashed".into(),
    }
}

fn dotted(path: &[&str], wildcard: bool) -> String {
    let parts = path.iter().copied().chain(wildcard.then_some("$**"));
    parts.collect::<Vec<_>>().join(".")
}

/// Returns the filter of the documents that meet all conditions.
fn all(conditions: &[Condition]) -> Document {
    doc! { "$and": conditions.iter().map(condition).map(Bson::from).collect::<Vec<_>>() }
}

fn condition(condition: &Condition) -> Document {
    let (operator, value) = match condition.operator {
        Operator::AnyOf(groups) => {
            return doc! { "$or": groups.iter().map(|group| Bson::from(all(group))).collect::<Vec<_>>() };
        }
        Operator::Type(names) => ("$type", names.to_vec().into()),
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
        Literal::Null => Bson::Null,
        Literal::Bool(value) => value.into(),
        Literal::Int(value) => value.into(),
        Literal::Double(value) => value.into(),
        Literal::Text(value) => value.into(),
        Literal::Date(millis) => bson::DateTime::from_millis(millis).into(),
        Literal::Id(bytes) => bson::oid::ObjectId::from_bytes(bytes).into(),
    }
}
