//! The options of `#[key(..)]` beside `#[derive(KeyPart)]`.
//!
//! May use: options/row.

use crate::options::row::{Group, PLAIN, Row, Takes};

const KEY: &[&str] = &["key"];

pub(super) static TABLE: &[Group] = &[Group {
    title: "",
    rows: &[
        form("display", &["display"], "writes the field by its `Display`, and compares it by this text"),
        form("debug", &["debug"], "writes the field by its `Debug`, and compares it by this text"),
        form("lower", &["lower"], "writes the field in lower case"),
        form("hash", &["hash"], "writes a digest of the field's serde form; needs the feature `hash`"),
        form("skip", &["skip"], "leaves the field out of the key"),
    ],
}];

const fn form(name: &'static str, written: &'static [&'static str], meaning: &'static str) -> Row {
    Row { name, of: KEY, takes: Takes::Nothing, written, default: "by its `KeyPart`", meaning, ..PLAIN }
}
