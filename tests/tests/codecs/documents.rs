//! Types of `MongoDB`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, JavaScriptCodeWithScope, Regex, Timestamp, doc};
use serde::{Deserialize, Serialize};

use crate::{ALL, MESSAGEPACK, NONE, NOT_BINCODE, Row, row};

macro_rules! types {
    ($($item:item)*) => { $(#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)] $item)* };
}

types! {
    struct Model { #[serde(rename = "_id")] id: ObjectId, at: DateTime, of: Option<Vec<ObjectId>> }
    struct Holds { id: u8, rest: Document }
    struct Flat { #[serde(rename = "_id")] id: ObjectId, #[serde(flatten)] rest: Document }
}

/// A document with a value of each type of BSON.
fn everything() -> Document {
    let code = JavaScriptCodeWithScope { code: "x".into(), scope: doc! { "x": 1_i64 } };
    let regex = Regex { pattern: "^a".try_into().unwrap(), options: "i".try_into().unwrap() };
    let binary = |subtype| Binary { subtype, bytes: vec![0, 255] };
    doc! {
        "int32": [0, -1, i32::MAX],
        "int64": [0_i64, 5_i64, -5_i64, i64::from(i32::MAX), i64::MIN],
        "double": [1.0, -0.0, f64::INFINITY],
        "text": ["", "a"],
        "nested": { "empty": {}, "list": [], "null": null, "true": true },
        "id": ObjectId::from_bytes([7; 12]),
        "at": [DateTime::MIN, DateTime::from_millis(1_700_000_000_123), DateTime::MAX],
        "bytes": [binary(BinarySubtype::Generic), binary(BinarySubtype::Uuid), binary(BinarySubtype::UserDefined(200))],
        "decimal": ["1.50".parse::<bson::Decimal128>().unwrap(), "-1E+20".parse::<bson::Decimal128>().unwrap()],
        "time": Timestamp { time: 1, increment: u32::MAX },
        "regex": regex,
        "code": [Bson::JavaScriptCode("x".into()), Bson::JavaScriptCodeWithScope(code)],
        "symbol": Bson::Symbol("s".into()),
        "others": [Bson::MinKey, Bson::MaxKey, Bson::Undefined],
    }
}

/// Documents with fields named like the type markers of extended JSON.
fn named_like_types() -> Vec<Document> {
    vec![
        doc! { "$date": "today" },
        doc! { "$date": { "$numberLong": "5" } },
        doc! { "a": [{ "$oid": "070707070707070707070707" }] },
        doc! { "a": 1, "$numberLong": "5" },
    ]
}

fn holding(documents: Vec<Document>) -> Vec<Holds> {
    documents.into_iter().map(|rest| Holds { id: 1, rest }).collect()
}

pub(crate) fn all() -> Vec<Row> {
    let id = ObjectId::from_bytes([7; 12]);
    let model = Model { id, at: DateTime::from_millis(-1), of: Some(vec![id]) };
    let documents: Vec<_> = named_like_types().into_iter().chain([everything(), doc! {}]).collect();
    let plain = everything();
    let values = [Bson::Int64(5), Bson::Int32(5), Bson::Null, Bson::Document(plain.clone())];
    vec![
        row("`ObjectId`, `bson::DateTime` in models", &[model], NOT_BINCODE),
        row("`bson::Document`", &documents, ALL),
        row("`Vec<bson::Document>`", std::slice::from_ref(&documents), ALL),
        row("`Arc<bson::Document>`", &[Arc::new(plain.clone())], ALL),
        row("`Arc<Vec<bson::Document>>`", &[Arc::new(documents)], ALL),
        row("`bson::Bson`", &values, MESSAGEPACK),
        row("`bson::Document` in a struct", &holding(vec![plain.clone()]), MESSAGEPACK),
        row("`bson::Document` in a map", &[BTreeMap::from([("a".to_owned(), plain)])], MESSAGEPACK),
        row(
            "`bson::Document`, flattened",
            &[Flat { id, rest: doc! { "n": 5_i64, "m": 5, "at": DateTime::MAX } }],
            MESSAGEPACK,
        ),
        row(
            "`bson::Document` with a field named as `$date`, in a struct or a map",
            &holding(named_like_types()[..1].to_vec()),
            NONE,
        ),
    ]
}
