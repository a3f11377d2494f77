//! Queries without their values: operators and names of fields stay.

use std::collections::BTreeMap;

use bson::{Bson, Document};

/// The filter with `"?"` for every value; operators and names stay, and of a list its first element.
pub(crate) fn without_values(filter: &Document) -> Document {
    let hidden = |(field, value): (&String, &Bson)| (field.clone(), without_value(field, value));
    filter.iter().map(hidden).collect()
}

fn without_value(field: &str, value: &Bson) -> Bson {
    match value {
        Bson::Document(document)
            if document.keys().next().is_some_and(|key| key.starts_with('$')) || field == "$elemMatch" =>
        {
            without_values(document).into()
        }
        Bson::Array(parts) if ["$and", "$or", "$nor"].contains(&field) => {
            let parts = parts.iter().filter_map(Bson::as_document).map(without_values);
            parts.map(Bson::from).collect::<Vec<_>>().into()
        }
        Bson::Array(_) => vec![Bson::from("?")].into(),
        _ => "?".into(),
    }
}

/// The same, with fields in alphabetical order, and each of several equal parts once: the order in which somebody wrote them, and how
/// many there were, makes no other query.
pub(crate) fn canonical(filter: &Document) -> Document {
    ordered(&without_values(filter))
}

fn ordered(filter: &Document) -> Document {
    let value = |value: &Bson| match value {
        Bson::Document(document) => ordered(document).into(),
        Bson::Array(parts) => {
            let mut kept: Vec<Bson> = Vec::new();
            for part in parts {
                let part = part.as_document().map_or_else(|| part.clone(), |part| ordered(part).into());
                if !kept.contains(&part) {
                    kept.push(part);
                }
            }
            kept.into()
        }
        other => other.clone(),
    };
    let fields: BTreeMap<_, _> = filter.iter().map(|(field, found)| (field.clone(), value(found))).collect();
    fields.into_iter().collect()
}

/// A sort: directions are no values.
pub(crate) fn directions(sort: &Document) -> Document {
    let direction = |(field, value): (&String, &Bson)| match value {
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) => (field.clone(), value.clone()),
        other => (field.clone(), without_value(field, other)),
    };
    sort.iter().map(direction).collect()
}

/// A pipeline: filters and sorts as such, of other stages their names.
pub(crate) fn stages(pipeline: &[Document]) -> Bson {
    let stage = |(name, value): (&String, &Bson)| match (name.as_str(), value) {
        ("$match", Bson::Document(filter)) => (name.clone(), Bson::from(canonical(filter))),
        ("$sort", Bson::Document(sort)) => (name.clone(), directions(sort).into()),
        _ => (name.clone(), "?".into()),
    };
    pipeline.iter().map(|found| Bson::from(found.iter().map(stage).collect::<Document>())).collect::<Vec<_>>().into()
}
