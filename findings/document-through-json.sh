#!/usr/bin/env bash
# The crates bson 3.1.0, serde_json 1.0.145, rmp-serde 1.3.0
#
# A `Document` that serde writes as JSON or MessagePack and reads again, without an error, is another one: an `Int64` that fits becomes an
# `Int32`, and a map with a key of extended JSON at any place, not only alone, becomes that value; its other fields are gone. As BSON,
# the document comes back as it was.
#
# Output:
#   written Document({"n": Int64(5), "price": Document({"currency": String("eur"), "$numberLong": String("7")})})
#   JSON Document({"n": Int32(5), "price": Int64(7)})
#   MessagePack Document({"n": Int32(5), "price": Int64(7)})
#   BSON Document({"n": Int64(5), "price": Document({"currency": String("eur"), "$numberLong": String("7")})})
set -euo pipefail
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
mkdir "$FOLDER/src"
cat >"$FOLDER/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"
[dependencies]
bson = { version = "=3.1.0", features = ["serde"] }
serde_json = "=1.0.145"
rmp-serde = "=1.3.0"
TOML
cat >"$FOLDER/src/main.rs" <<'RUST'
use bson::{Document, doc};

fn main() {
    let written = doc! { "n": 5_i64, "price": { "currency": "eur", "$numberLong": "7" } };
    println!("written {written:?}");
    let json = serde_json::to_string(&written).unwrap();
    println!("JSON {:?}", serde_json::from_str::<Document>(&json).unwrap());
    let bytes = rmp_serde::to_vec_named(&written).unwrap();
    println!("MessagePack {:?}", rmp_serde::from_slice::<Document>(&bytes).unwrap());
    let bytes = written.to_vec().unwrap();
    println!("BSON {:?}", Document::from_reader(&bytes[..]).unwrap());
}
RUST
cargo run --quiet --manifest-path "$FOLDER/Cargo.toml" --target-dir "$FOLDER/target" >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
