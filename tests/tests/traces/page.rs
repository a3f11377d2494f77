//! The page of the spans, compared with the code that creates them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Fields = BTreeMap<String, BTreeSet<String>>;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// The names in double quotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).collect()
}

/// The spans of the source, each with its fields.
fn created() -> Fields {
    let source = read("runtime/core/src/trace/spans.rs");
    let spans = source.split("debug_span!(").skip(1).map(|span| span.split("\n        )").next().unwrap());
    let spans = spans.map(|span| span.split("\n    ))").next().unwrap());
    spans
        .map(|span| {
            let name = quoted(span).into_iter().find(|text| text.starts_with("fastness.")).unwrap().to_owned();
            let fields = span.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" = "));
            (name, fields.map(|(field, _)| field.to_owned()).collect())
        })
        .collect()
}

/// The spans of the page, each with its fields.
fn listed() -> Fields {
    let page = read("docs/guide/traces.md");
    let rows = page.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("| `fastness.")?.split_once("` | ")?;
        let fields = rest.split(" | ").nth(1)?;
        Some((format!("fastness.{name}"), fields.split('`').skip(1).step_by(2).map(str::to_owned).collect()))
    });
    rows.collect()
}

#[test]
fn the_page_lists_every_span_with_its_fields() {
    let (created, listed) = (created(), listed());
    assert!(created.len() >= 7, "{created:?}");
    assert_eq!(created, listed, "left: the code, right: docs/guide/traces.md");
}

#[test]
fn the_page_explains_every_field() {
    let page = read("docs/guide/traces.md");
    let explained: BTreeSet<_> =
        page.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once("` | ")?.0.to_owned())).collect();
    for field in listed().into_values().flatten() {
        assert!(explained.contains(&field), "docs/guide/traces.md does not explain `{field}`");
    }
}
