//! Normal form of the projections of wildcard indexes: dotted paths in order, with 1 or 0.

use std::collections::BTreeMap;

use bson::{Bson, Document};

use super::number::number;

/// Returns the projection; `None` if it is the default. The `_id` is left out unless it is included.
pub(super) fn normal(projection: &Document) -> Option<Document> {
    let mut fields = BTreeMap::new();
    collect("", projection, &mut fields);
    if fields.get("_id") == Some(&Bson::Int32(0)) {
        fields.remove("_id");
    }
    (!fields.is_empty()).then(|| fields.into_iter().collect())
}

fn collect(parent: &str, projection: &Document, fields: &mut BTreeMap<String, Bson>) {
    for (name, value) in projection {
        let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        match number(value.clone()) {
            Bson::Document(inner) => collect(&path, &inner, fields),
            Bson::Boolean(included) => drop(fields.insert(path, i32::from(included).into())),
            value => drop(fields.insert(path, value)),
        }
    }
}
