//! Normal form of partial index filters: filters that the server treats as equal have the same form.
//!
//! `{a: 1, b: {$gt: 2}}`, `{b: {$gt: 2.0}, a: {$eq: 1}}` and `{$and: [{b: {$gt: 2}}, {a: 1}]}` are one filter.

use bson::{Bson, Document, doc};

use super::number::number;

/// A comparison of a field with a value. For an operator on the whole document such as `$or`, `field` is the operator.
#[derive(Clone, PartialEq)]
struct Comparison {
    field: String,
    operator: String,
    value: Bson,
}

/// Returns the comparisons of the filter, sorted by field and operator; `None` if there are none.
pub(super) fn normal(filter: &Document) -> Option<Document> {
    let mut leaves = Vec::new();
    collect(filter, &mut leaves);
    leaves.sort_by_cached_key(|leaf| (leaf.field.clone(), leaf.operator.clone(), leaf.value.to_string()));
    leaves.dedup();
    (!leaves.is_empty()).then(|| document(leaves))
}

fn collect(filter: &Document, leaves: &mut Vec<Comparison>) {
    for (field, value) in filter {
        match value {
            Bson::Array(parts) if field == "$and" => {
                parts.iter().filter_map(Bson::as_document).for_each(|part| collect(part, leaves));
            }
            Bson::Array(parts) if field.starts_with('$') => {
                let parts = parts
                    .iter()
                    .map(|part| part.as_document().and_then(normal).map_or_else(|| part.clone(), Bson::from));
                leaves.push(Comparison {
                    field: field.clone(),
                    operator: String::new(),
                    value: sorted(parts.collect()),
                });
            }
            Bson::Document(operators) if operators.keys().next().is_some_and(|key| key.starts_with('$')) => {
                leaves.extend(operators.iter().map(|(operator, value)| leaf(field, operator, value)));
            }
            value => leaves.push(leaf(field, "$eq", value)),
        }
    }
}

fn leaf(field: &str, operator: &str, value: &Bson) -> Comparison {
    let value = number(value.clone());
    let (operator, value) = match (operator, value) {
        ("$in", Bson::Array(values)) => {
            let Bson::Array(mut values) = sorted(values.into_iter().map(number).collect()) else { unreachable!() };
            if values.len() == 1 { ("$eq", values.remove(0)) } else { ("$in", values.into()) }
        }
        ("$exists", Bson::Int32(set)) => ("$exists", (set != 0).into()),
        ("$type", types) => ("$type", named_types(types)),
        other => other,
    };
    Comparison { field: field.to_owned(), operator: operator.to_owned(), value }
}

/// Returns types by their names, as one name or a sorted list.
fn named_types(types: Bson) -> Bson {
    let name = |value: Bson| match number(value) {
        Bson::Int32(code) => {
            TYPES.iter().find(|(other, _)| *other == code).map_or(Bson::Int32(code), |(_, name)| (*name).into())
        }
        other => other,
    };
    match types {
        Bson::Array(types) => match sorted(types.into_iter().map(name).collect()) {
            Bson::Array(mut types) if types.len() == 1 => types.remove(0),
            types => types,
        },
        one => name(one),
    }
}

/// MongoDB's numbers of types, with their names.
const TYPES: [(i32, &str); 19] = [
    (-1, "minKey"),
    (1, "double"),
    (2, "string"),
    (3, "object"),
    (4, "array"),
    (5, "binData"),
    (6, "undefined"),
    (7, "objectId"),
    (8, "bool"),
    (9, "date"),
    (10, "null"),
    (11, "regex"),
    (13, "javascript"),
    (14, "symbol"),
    (16, "int"),
    (17, "timestamp"),
    (18, "long"),
    (19, "decimal"),
    (127, "maxKey"),
];

fn sorted(mut values: Vec<Bson>) -> Bson {
    values.sort_by_cached_key(Bson::to_string);
    values.dedup();
    values.into()
}

/// Combines the comparisons. A comparison whose name is already taken in the document goes into `$and`.
fn document(leaves: Vec<Comparison>) -> Document {
    let (mut filter, mut rest) = (Document::new(), Vec::new());
    for Comparison { field, operator, value } in leaves {
        if operator.is_empty() {
            if filter.contains_key(&field) {
                rest.push(Bson::from(doc! { field: value }));
            } else {
                filter.insert(field, value);
            }
            continue;
        }
        let entry = filter.entry(field.clone()).or_insert_with(|| Document::new().into());
        match entry {
            Bson::Document(operators) if !operators.contains_key(&operator) => drop(operators.insert(operator, value)),
            _ => rest.push(doc! { field: doc! { operator: value } }.into()),
        }
    }
    if !rest.is_empty() {
        filter.insert("$and", rest);
    }
    filter
}
