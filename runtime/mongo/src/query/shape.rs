//! Query shapes: operators and field names stay, values are replaced.

use std::collections::BTreeMap;

use bson::{Bson, Document};

/// Replaces every value by `"?"`. Operators and field names stay, and the first element of a list.
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

/// Like [`without_values`], with fields in alphabetical order and duplicate parts removed, because the order and number of conditions do
/// not change the shape.
pub(crate) fn canonical(filter: &Document) -> Document {
    ordered(&without_values(filter))
}

fn ordered(filter: &Document) -> Document {
    let value = |value: &Bson| match value {
        Bson::Document(document) => ordered(document).into(),
        Bson::Array(parts) => {
            let mut distinct: Vec<Bson> = Vec::new();
            for part in parts {
                let part = part.as_document().map_or_else(|| part.clone(), |part| ordered(part).into());
                if !distinct.contains(&part) {
                    distinct.push(part);
                }
            }
            distinct.into()
        }
        other => other.clone(),
    };
    let fields: BTreeMap<_, _> = filter.iter().map(|(field, found)| (field.clone(), value(found))).collect();
    fields.into_iter().collect()
}

/// Returns the sort with its directions, which are not values.
pub(crate) fn directions(sort: &Document) -> Document {
    let direction = |(field, value): (&String, &Bson)| match value {
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) => (field.clone(), value.clone()),
        other => (field.clone(), without_value(field, other)),
    };
    sort.iter().map(direction).collect()
}

/// Returns the stages of a pipeline: `$match` and `$sort` with their shape, other stages by name.
pub(crate) fn stages(pipeline: &[Document]) -> Bson {
    let stage = |(name, value): (&String, &Bson)| match (name.as_str(), value) {
        ("$match", Bson::Document(filter)) => (name.clone(), Bson::from(canonical(filter))),
        ("$sort", Bson::Document(sort)) => (name.clone(), directions(sort).into()),
        _ => (name.clone(), "?".into()),
    };
    pipeline.iter().map(|found| Bson::from(found.iter().map(stage).collect::<Document>())).collect::<Vec<_>>().into()
}
