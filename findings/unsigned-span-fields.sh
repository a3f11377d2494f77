#!/usr/bin/env bash
# The crates tracing 0.1.44, tracing-opentelemetry 0.34.0, opentelemetry_sdk 0.33.1
#
# An unsigned number in a span or an event of `tracing` is exported to OpenTelemetry as text, a signed one as a number. So a query such as
# `bytes > 1000` finds nothing, unless the field is written as an `i64`. And a field that is recorded twice becomes two attributes of one
# name, where the subscriber that prints logs shows one.
#
# Output:
#   span signed = I64(7)
#   span unsigned = String(Owned("7"))
#   span length = String(Owned("7"))
#   span share = F64(0.5)
#   span attempt = I64(1)
#   span attempt = I64(2)
#   event unsigned = String(Owned("7"))
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
opentelemetry = { version = "=0.33.1", default-features = false, features = ["trace"] }
opentelemetry_sdk = { version = "=0.33.1", features = ["trace", "testing"] }
tracing = "=0.1.44"
tracing-opentelemetry = { version = "=0.34.0", default-features = false }
tracing-subscriber = { version = "=0.3.23", default-features = false, features = ["registry", "std"] }
TOML
cat >"$FOLDER/src/main.rs" <<'RUST'
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing::field::Empty;
use tracing_subscriber::layer::SubscriberExt;

const NAMES: [&str; 5] = ["signed", "unsigned", "length", "share", "attempt"];

fn main() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("finding"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let span = tracing::info_span!("work", signed = 7_i64, unsigned = 7_u64, length = 7_usize, share = 0.5, attempt = Empty);
        span.record("attempt", 1_i64);
        span.record("attempt", 2_i64);
        span.in_scope(|| tracing::info!(unsigned = 7_u64, "done"));
    });
    let span = exporter.get_finished_spans().unwrap().remove(0);
    for attribute in span.attributes.iter().filter(|attribute| NAMES.contains(&attribute.key.as_str())) {
        println!("span {} = {:?}", attribute.key, attribute.value);
    }
    let event = &span.events.events[0];
    for attribute in event.attributes.iter().filter(|attribute| NAMES.contains(&attribute.key.as_str())) {
        println!("event {} = {:?}", attribute.key, attribute.value);
    }
}
RUST
cargo run --quiet --manifest-path "$FOLDER/Cargo.toml" --target-dir "$FOLDER/target" >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
