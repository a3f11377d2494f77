//! Values and codecs: which values each codec gives back, and where the others are stored. The guide's table is made from this:
//! `UPDATE_DOCS=1 cargo test -p fastness-tests --test codecs` writes it anew.

use std::fmt;
use std::path::Path;

use fastness::testing::round_trip;
use fastness::tier::{Codec, SharedValue};

mod documents;
mod rows;

const CODECS: [Codec; 3] = [Codec::MessagePack, Codec::Json, Codec::Bincode];

/// The treatment of a value by the shared tier where a codec is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The value comes back from the codec as it was stored.
    Exact,
    /// The value is stored as `MessagePack` instead, from which it comes back as it was stored.
    AsMessagePack,
    /// The value comes back from neither codec, and stays in its process.
    Local,
}

use Outcome::{AsMessagePack, Exact, Local};

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Exact => "yes",
            AsMessagePack => "as `messagepack`",
            Local => "stays local",
        })
    }
}

/// Outcomes in the order of the codecs.
type Outcomes = [Outcome; 3];

const ALL: Outcomes = [Exact; 3];
const NOT_JSON: Outcomes = [Exact, AsMessagePack, Exact];
const NOT_BINCODE: Outcomes = [Exact, Exact, AsMessagePack];
const MESSAGEPACK: Outcomes = [Exact, AsMessagePack, AsMessagePack];
const NONE: Outcomes = [Local; 3];

struct Row {
    what: &'static str,
    found: Outcomes,
    expected: Outcomes,
    why: Vec<String>,
}

/// The worst outcome of these values.
fn row<T: SharedValue>(what: &'static str, values: &[T], expected: Outcomes) -> Row {
    let mut why = Vec::new();
    let mut all = |codec| {
        let failed: Vec<_> = values.iter().filter_map(|value| round_trip(value, codec).err()).collect();
        why.extend(failed.iter().map(ToString::to_string));
        failed.is_empty()
    };
    let packed = all(Codec::MessagePack);
    let found = CODECS.map(|codec| match (all(codec), packed) {
        (true, _) => Exact,
        (false, true) => AsMessagePack,
        (false, false) => Local,
    });
    Row { what, found, expected, why }
}

#[test]
fn every_value_comes_back_from_the_codecs_that_promise_it() {
    let rows: Vec<_> = rows::all().into_iter().chain(documents::all()).collect();
    let wrong: Vec<_> = rows
        .iter()
        .filter(|row| row.found != row.expected)
        .map(|row| (row.what, row.found, row.expected, &row.why))
        .collect();
    assert!(wrong.is_empty(), "found, expected: {wrong:#?}");

    let lines = rows.iter().map(|Row { what, found: [a, b, c], .. }| format!("| {what} | {a} | {b} | {c} |\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/codecs.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let head = "| values | `messagepack` (default) | `json` | `bincode` |\n|---|---|---|---|\n";
    let (before, rest) = page.split_once(head).expect("the table of values");
    let after = rest.find("\n\n").map_or("", |end| &rest[end + 1..]);
    let made = format!("{before}{head}{}{after}", lines.collect::<String>());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), made, "run the test with UPDATE_DOCS=1");
}
