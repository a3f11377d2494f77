//! Which types come back from which codec as they went. The table is printed: `cargo test --test codecs -- --nocapture`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bson::oid::ObjectId;
use fastness::testing::survives;
use fastness::{Codec, SharedValue};
use serde::{Deserialize, Serialize};

macro_rules! types {
    ($($item:item)*) => { $(#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)] $item)* };
}

types! {
    struct Plain { id: u64, name: String, tags: Vec<Option<u8>>, at: (i8, char), nested: Unit }
    struct Unit;
    struct Meters(f64);
    enum Shape { Unit, Newtype(u8), Tuple(u8, u8), Struct { x: u8 } }
    struct Model { #[serde(rename = "_id")] id: ObjectId, at: bson::DateTime }
    struct Flat { id: u8, #[serde(flatten)] rest: Rest }
    struct Rest { size: u8, color: String }
    struct Skips { id: u8, #[serde(skip_serializing_if = "Option::is_none", default)] note: Option<String>, last: u8 }
    #[serde(untagged)]
    enum Untagged { Number(i64), Text(String), Object { x: u8 } }
    #[serde(tag = "kind")]
    enum Internal { A { x: u8 }, B }
    #[serde(tag = "kind", content = "of")]
    enum Adjacent { A { x: u8 }, B(String) }
}

struct Row {
    what: &'static str,
    /// Of each codec, in their order: whether it gives the value back.
    found: [bool; 3],
}

const CODECS: [(&str, Codec); 3] =
    [("messagepack", Codec::MessagePack), ("json", Codec::Json), ("bincode", Codec::Bincode)];

fn row<T: SharedValue>(what: &'static str, values: &[T]) -> Row {
    let all = |codec| values.iter().all(|value| survives(value, codec).is_ok());
    Row { what, found: CODECS.map(|(_, codec)| all(codec)) }
}

fn rows() -> Vec<(Row, [bool; 3])> {
    let plain = Plain { id: u64::MAX, name: "Zoë".into(), tags: vec![Some(1), None], at: (-1, '→'), nested: Unit };
    let shapes = [Shape::Unit, Shape::Newtype(1), Shape::Tuple(1, 2), Shape::Struct { x: 3 }];
    let model = Model { id: ObjectId::from_bytes([7; 12]), at: bson::DateTime::from_millis(1_700_000_000_123) };
    let flat = Flat { id: 1, rest: Rest { size: 2, color: "red".into() } };
    let untagged = [Untagged::Number(-5), Untagged::Text("t".into()), Untagged::Object { x: 1 }];
    let json = serde_json::json!({ "a": [1, 2.5, null, "x"], "b": { "c": true } });
    let skips = [Skips { id: 1, note: None, last: 2 }, Skips { id: 1, note: Some("n".into()), last: 2 }];
    let (all, no_bincode, no_json) = ([true; 3], [true, true, false], [true, false, true]);
    vec![
        (row("structs, text, lists, options, tuples", &[plain]), all),
        (row("enums", &shapes), all),
        (row("newtypes, `Arc`", &[Arc::new(Meters(1.5))]), all),
        (row("exact `f64`", &[1.109_999_999_999_999_9, f64::MIN_POSITIVE, -0.0]), all),
        (row("NaN, infinities", &[f64::NAN, f64::INFINITY]), no_json),
        (row("`i128`, `u128`", &[(i128::MIN, u128::MAX)]), all),
        (row("maps with numbers as keys", &[BTreeMap::from([(7_u64, "x".to_owned())])]), all),
        (row("maps with tuples as keys", &[BTreeMap::from([((1_u8, 2_u8), 3_u8)])]), no_json),
        (row("`ObjectId`, `bson::DateTime`", &[model]), no_bincode),
        (row("flattened", &[flat]), no_bincode),
        (row("untagged", &untagged), no_bincode),
        (row("internally tagged", &[Internal::A { x: 1 }, Internal::B]), no_bincode),
        (row("adjacently tagged", &[Adjacent::A { x: 1 }, Adjacent::B("b".into())]), no_bincode),
        (row("`serde_json::Value`", &[json]), no_bincode),
        (row("`skip_serializing_if`", &skips), no_bincode),
    ]
}

#[test]
fn every_type_comes_back_from_the_codecs_that_promise_it() {
    println!("| | {} |\n|---|---|---|---|", CODECS.map(|(name, _)| name).join(" | "));
    let mut wrong = Vec::new();
    for (Row { what, found }, expected) in rows() {
        println!("| {what} | {} |", found.map(|found| if found { "yes" } else { "no" }).join(" | "));
        if found != expected {
            wrong.push((what, found, expected));
        }
    }
    assert!(wrong.is_empty(), "found, expected: {wrong:#?}");
}
