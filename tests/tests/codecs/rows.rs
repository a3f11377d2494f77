//! Types of Rust, of std and of serde.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{ALL, MESSAGEPACK, NONE, NOT_BINCODE, NOT_JSON, Outcome, Row, row};

macro_rules! types {
    ($($item:item)*) => { $(#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)] $item)* };
}

types! {
    struct Plain { id: u64, name: String, tags: Vec<Option<u8>>, at: (i8, char), nested: Unit, empty: BTreeMap<u8, Vec<u8>> }
    struct Unit;
    struct Meters(f64);
    enum Shape { Unit, Newtype(u8), Tuple(u8, u8), Struct { x: u8 } }
    struct Rest { size: u64, color: char, ratio: f32, at: Option<IpAddr> }
    struct Flat<T> { id: u8, #[serde(flatten)] rest: T }
    struct Skips { id: u8, #[serde(skip_serializing_if = "Option::is_none", default)] note: Option<String>, last: u8 }
    struct SkipsByPosition(
        #[serde(skip_serializing_if = "Option::is_none", default)] Option<u8>,
        #[serde(default)] Option<u8>,
    );
    #[serde(untagged)]
    enum Untagged { Nothing, Number(i64), Float(f64), Text(String), Tuple(u8, u8), Object { x: u8 }, Map(BTreeMap<u64, bool>) }
    #[serde(untagged)]
    enum UntaggedMap { Numbers(BTreeMap<u64, bool>), Text(String) }
    #[serde(untagged)]
    enum Wide { Number(i128), Text(String) }
    #[serde(untagged)]
    enum Letter { Letter(char), Text(String) }
    #[serde(tag = "kind")]
    enum Internal { A { x: u8, y: f32 }, B, C(Rest), D(BTreeMap<String, u16>) }
    #[serde(tag = "kind")]
    enum InternalWide { A { x: u128 } }
    #[serde(tag = "kind", content = "of")]
    enum Adjacent { A { x: i128 }, B(String), C, D(u8, char), E(IpAddr), F(Option<()>) }
    #[serde(into = "u8", try_from = "u8")]
    enum Numbered { One }
    enum List { More(Box<List>), End }
}

impl From<Numbered> for u8 {
    fn from(_: Numbered) -> u8 {
        1
    }
}

impl TryFrom<u8> for Numbered {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, &'static str> {
        if number == 1 { Ok(Self::One) } else { Err("not one") }
    }
}

fn list(length: usize) -> List {
    (0..length).fold(List::End, |list, _| List::More(Box::new(list)))
}

fn rest() -> Rest {
    Rest { size: u64::MAX, color: 'r', ratio: 0.1, at: Some(Ipv4Addr::LOCALHOST.into()) }
}

/// Rows of types whose serde form is complete.
fn plain() -> Vec<Row> {
    let plain = Plain {
        id: u64::MAX,
        name: "Zoë".into(),
        tags: vec![Some(1), None],
        at: (-1, '→'),
        nested: Unit,
        empty: BTreeMap::from([(7, Vec::new())]),
    };
    let shapes = [Shape::Unit, Shape::Newtype(1), Shape::Tuple(1, 2), Shape::Struct { x: 3 }];
    let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let std = (
        SystemTime::UNIX_EPOCH + Duration::new(1, 2),
        Duration::MAX,
        PathBuf::from("a/b"),
        NonZeroU8::MIN,
        (1..3, Ok::<u8, bool>(1)),
        SocketAddr::from((addresses[1], 80)),
    );
    let options = [None, Some(None), Some(Some(None)), Some(Some(Some(())))];
    vec![
        row("structs, text, lists, options, tuples, `char`", &[plain], ALL),
        row("enums", &shapes, ALL),
        row("enums as numbers (`into`, `try_from`)", &[Numbered::One], ALL),
        row("newtypes, `Arc`", &[Arc::new(Meters(1.5))], ALL),
        row(
            "exact `f32` and `f64`",
            &[(0.1_f32, 1.109_999_999_999_999_9), (-0.0, f64::MIN_POSITIVE), (1.0, -0.0)],
            ALL,
        ),
        row("NaN, infinities", &[f64::NAN, f64::INFINITY], NOT_JSON),
        row("`i128`, `u128`", &[(i128::MIN, u128::MAX), (-1, 1)], ALL),
        row("`IpAddr` and other types with a text of their own", &addresses, ALL),
        row("`SystemTime`, `Duration`, `PathBuf`, `NonZero`, ranges, `Result`", &[std], ALL),
        row("sets, and maps in no order", &[(HashSet::from([1, 2, 3]), HashMap::from([(1, 2), (3, 4)]))], ALL),
        row("maps with numbers as keys", &[BTreeMap::from([(7_u64, "x".to_owned())])], ALL),
        row("maps with tuples as keys", &[BTreeMap::from([((1_u8, 2_u8), 3_u8)])], NOT_JSON),
        row("`Some(None)`, `Some(())`", &options, NOT_JSON),
        row("nested 200 deep", &[list(200)], NOT_JSON),
        row("nested 2 000 deep", &[list(2_000)], [Outcome::Local, Outcome::Local, Outcome::Exact]),
    ]
}

/// Rows of types that are recognised by their value.
fn told_by_what_stands_there() -> Vec<Row> {
    let untagged = [
        Untagged::Nothing,
        Untagged::Number(-5),
        Untagged::Number(i64::MAX),
        Untagged::Float(2.0),
        Untagged::Text("t".into()),
        Untagged::Tuple(1, 2),
        Untagged::Object { x: 1 },
    ];
    let maps = [UntaggedMap::Numbers(BTreeMap::from([(7, true)])), UntaggedMap::Text("t".into())];
    let internal = [
        Internal::A { x: 1, y: 0.1 },
        Internal::B,
        Internal::C(rest()),
        Internal::D(BTreeMap::from([("a".into(), 1)])),
    ];
    let adjacent = [
        Adjacent::A { x: 5 },
        Adjacent::B("b".into()),
        Adjacent::C,
        Adjacent::D(1, 'd'),
        Adjacent::E(Ipv4Addr::LOCALHOST.into()),
    ];
    let values = [json!({ "a": [1, 2.5, 2.0, null, "x", u64::MAX, i64::MIN], "b": { "c": true }, "d": {}, "e": [] })];
    vec![
        row("flattened, an `IpAddr` or a `char` in it too", &[Flat { id: 1, rest: rest() }], NOT_BINCODE),
        row("flattened maps", &[Flat { id: 1, rest: BTreeMap::from([("x".to_owned(), 0.1_f32)]) }], NOT_BINCODE),
        row("untagged", &untagged, NOT_BINCODE),
        row("internally tagged", &internal, NOT_BINCODE),
        row("adjacently tagged", &adjacent, NOT_BINCODE),
        row("`serde_json::Value`", &values, NOT_BINCODE),
        row("`Some(serde_json::Value::Null)`", &[Some(json!(null))], MESSAGEPACK),
        row("maps with numbers as keys, flattened or untagged", &maps, MESSAGEPACK),
        row(
            "flattened maps with numbers as keys",
            &[Flat { id: 1, rest: BTreeMap::from([(7_u64, true)]) }],
            MESSAGEPACK,
        ),
        row("`i128`, `u128`, untagged", &[Wide::Number(5)], NONE),
        row("`i128`, `u128`, internally tagged", &[InternalWide::A { x: 5 }], NONE),
        row("`i128`, `u128`, flattened", &[Flat { id: 1, rest: BTreeMap::from([("x".to_owned(), 5_u128)]) }], NONE),
        row("a `String` of one letter, untagged behind a `char`", &[Letter::Text("a".into())], NONE),
        row("`skip_serializing_if`", &[skips(None), skips(Some("n".into()))], NOT_BINCODE),
        row("`skip_serializing_if` in a tuple struct", &[SkipsByPosition(None, Some(1))], NONE),
    ]
}

fn skips(note: Option<String>) -> Skips {
    Skips { id: 1, note, last: 2 }
}

pub(crate) fn all() -> Vec<Row> {
    plain().into_iter().chain(told_by_what_stands_there()).collect()
}
