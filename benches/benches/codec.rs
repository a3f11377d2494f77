//! The default codec of the shared tier against `serde_json`, on a nested struct of about 300 bytes of text and on a
//! hundred of them.
//!
//! The codec itself is private to fastness, so it is compiled in here as it is; it writes into a buffer that the thread keeps. Decoding a
//! value again before it is stored is no part of it.
//! The envelope around the bytes is not part of it; it is part of `shared`.

// Sizes are far from where a cast would lose any of them.
#![allow(clippy::cast_precision_loss)]

use std::cell::RefCell;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use fastness_benches::measure::{Case, Outcome, Plan, run, setting};
use fastness_benches::report::{Line, budget, table};
use fastness_benches::traffic::Traffic;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[path = "../../runtime/core/src/codec/msgpack/mod.rs"]
#[cfg_attr(test, allow(dead_code, unused_imports))] // its tests, which nothing runs here
mod msgpack;

const ENCODE: &str = "MessagePack, encode";
const DECODE: &str = "MessagePack, decode";
const BOTH: &str = "MessagePack, both";
const JSON_ENCODE: &str = "serde_json, encode";
const JSON_DECODE: &str = "serde_json, decode";
const JSON_BOTH: &str = "serde_json, both";
const CLONE: &str = "a deep clone";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Business {
    id: u64,
    name: String,
    email: Option<String>,
    description: String,
    address: Address,
    plan: Subscription,
    roles: Vec<String>,
    rating: f64,
    is_active: bool,
    closed_at: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    street: String,
    city: String,
    postcode: String,
    location: [f64; 2],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Subscription {
    Free,
    Paid { tier: String, until: i64, seats: u32 },
}

static ONE: LazyLock<Business> = LazyLock::new(|| business(7));
static HUNDRED: LazyLock<Vec<Business>> = LazyLock::new(|| (0..100).map(business).collect());

fn business(id: u64) -> Business {
    Business {
        id,
        name: format!("Number {id} and Daughters, Stationers"),
        email: (!id.is_multiple_of(10)).then(|| format!("office-{id}@stationers.example.com")),
        description: "Paper, ink and whatever else is needed to write a letter, for longer than memory goes back; \
                      open on all days that begin with a letter."
            .to_owned(),
        address: Address {
            street: "14 Old Wharf Lane".to_owned(),
            city: "Harbour End".to_owned(),
            postcode: "HE4 7QT".to_owned(),
            location: [51.5 + id as f64 / 977.0, -0.12],
        },
        plan: if id.is_multiple_of(3) {
            Subscription::Free
        } else {
            Subscription::Paid { tier: "professional".to_owned(), until: 1_767_225_600, seats: 12 }
        },
        roles: vec!["reader".to_owned(), "writer".to_owned(), "auditor".to_owned()],
        rating: 4.0 + id as f64 / 313.0,
        is_active: true,
        closed_at: None,
    }
}

fn main() -> ExitCode {
    let one = measure("a nested struct", &*ONE);
    let many = measure("a hundred of them", &*HUNDRED);
    let times = |what: &str, outcome: &Outcome| {
        let line = |part: &str, limit, own, json| {
            Line::ratio(format!("codec, {what}, {part} / serde_json"), limit, outcome.ratio(own, json))
        };
        [line("encode + decode", 0.5, BOTH, JSON_BOTH), line("encode alone", 0.25, ENCODE, JSON_ENCODE)]
    };
    budget(&[times("one", &one), times("100", &many)].concat());
    let exact = [
        Line::at_most("codec, one, size / serde_json", 0.85, size(&*ONE)),
        Line::at_most("codec, 100, size / serde_json", 0.85, size(&*HUNDRED)),
        Line::at_most("codec, one, allocations to encode", 0.0, one.allocations(ENCODE)),
        Line::at_most("codec, 100, allocations to encode", 0.0, many.allocations(ENCODE)),
    ];
    if budget(&exact) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every case works on the same value.
fn measure<V>(title: &str, value: &'static V) -> Outcome
where
    V: Clone + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned + Sync,
{
    let packed: Vec<u8> = encoded(value, <[u8]>::to_vec);
    let json = serde_json::to_vec(value).expect("a value that can be encoded");
    assert_eq!(&decoded::<V>(&packed), value);
    println!("\n{title}: MessagePack {} bytes, JSON {} bytes", packed.len(), json.len());
    let (packed, json) = (&*packed.leak(), &*json.leak());
    let to_json = move || serde_json::to_vec(value).expect("a value that can be encoded");
    let cases = [
        Case::sync(CLONE, move |_| value.clone()),
        Case::sync(ENCODE, move |_| encoded(value, <[u8]>::len)),
        Case::sync(DECODE, move |_| decoded::<V>(packed)),
        Case::sync(BOTH, move |_| encoded(value, decoded::<V>)),
        Case::sync(JSON_ENCODE, move |_| to_json()),
        Case::sync(JSON_DECODE, move |_| serde_json::from_slice::<V>(json).expect("its own bytes")),
        Case::sync(JSON_BOTH, move |_| serde_json::from_slice::<V>(&to_json()).expect("its own bytes")),
    ];
    let plan =
        Plan { traffic: Traffic::Hot, threads: 1, rounds: setting("HIT_ROUNDS", 15), slice: Duration::from_millis(50) };
    let outcome = run(plan, &cases);
    table(title, &outcome, CLONE);
    outcome
}

/// The size as a multiple of JSON's.
fn size<V: Serialize>(value: &V) -> f64 {
    let json = serde_json::to_vec(value).expect("a value that can be encoded").len();
    encoded(value, <[u8]>::len) as f64 / json as f64
}

fn encoded<V: Serialize, R>(value: &V, read: impl FnOnce(&[u8]) -> R) -> R {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    BUFFER.with_borrow_mut(|bytes| {
        bytes.clear();
        msgpack::write(value, false, bytes).expect("a value that can be encoded");
        read(bytes)
    })
}

fn decoded<V: DeserializeOwned>(bytes: &[u8]) -> V {
    msgpack::from_slice(bytes).expect("its own bytes")
}
