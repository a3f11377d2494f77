//! Values and documents as MongoDB has them, and the filters and updates that are made of documents.

use bson::{Bson, DateTime, Document, doc};

use crate::domain::{Id, Listing, Model, Scalar};
use crate::store::{Result, StoreError};

/// MongoDB has no unsigned numbers. Ids are counted from 1 and prices are bounded, so none is near the limit.
pub(super) fn signed(number: Id) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The value as it stands in a document.
pub(super) fn stored(value: &Scalar) -> Bson {
    match value {
        Scalar::Absent => Bson::Null,
        Scalar::Number(number) => Bson::Int64(signed(*number)),
        Scalar::Text(text) => Bson::String(text.clone()),
        Scalar::Flag(flag) => Bson::Boolean(*flag),
        Scalar::Moment(moment) => Bson::DateTime(DateTime::from_millis(moment.as_millis())),
    }
}

pub(super) fn key<M: Model>(id: &M::Id) -> Bson {
    stored(&id.clone().into())
}

/// The document as the driver writes it.
fn document<M: Model>(document: &M) -> Result<Document> {
    let bytes = bson::serialize_to_raw_document_buf(document).ok();
    bytes.and_then(|bytes| Document::try_from(bytes).ok()).ok_or(StoreError::Unavailable)
}

/// Fields of `M` that this document leaves out, because they have no value.
fn left_out<M: Model>(document: &Document) -> Vec<&'static str> {
    let names = M::FIELDS.iter().map(|field| field.name);
    names.filter(|name| !name.contains('.') && !document.contains_key(name)).collect()
}

/// The update that writes a draft, and leaves the server's own fields alone.
pub(super) fn changes<M: Model>(draft: &M) -> Result<Document> {
    let mut fields = document(draft)?;
    let absent: Document = left_out::<M>(&fields).into_iter().map(|name| (name.to_owned(), Bson::Null)).collect();
    for name in M::READ_ONLY.iter().chain(&[Listing::ID]) {
        fields.remove(name);
    }
    let mut update = doc! { "$set": fields };
    if !absent.is_empty() {
        update.insert("$unset", absent);
    }
    Ok(update)
}

/// A filter for the document `id`; for one with the fields of `only_if`, where that is given. So MongoDB compares and writes in one step.
pub(super) fn this<M: Model>(id: &M::Id, only_if: Option<&M>) -> Result<Document> {
    let mut filter = doc! { "_id": key::<M>(id) };
    if let Some(expected) = only_if {
        let fields = document(expected)?;
        filter.extend(left_out::<M>(&fields).into_iter().map(|name| (name.to_owned(), Bson::Null)));
        flatten("", fields, &mut filter);
    }
    Ok(filter)
}

/// Fields by their dotted names, as the order of those within another is of no account.
fn flatten(above: &str, fields: Document, filter: &mut Document) {
    for (name, value) in fields {
        match value {
            Bson::Document(fields) => flatten(&format!("{above}{name}."), fields, filter),
            value => drop(filter.insert(format!("{above}{name}"), value)),
        }
    }
}
