use std::time::Duration;

use bson::{Document, doc};

use super::recorder::MAX_SHAPES;
use super::*;
use crate::query::QueryParts;
use fastness_core::Clock;

const MS: u64 = 1_000_000;

fn record() -> (SlowQueryRecorder, Clock) {
    let clock = Clock::manual();
    (SlowQueryRecorder::new(Duration::from_millis(100), clock.clone()), clock)
}

fn slow(filter: Document, millis: u64, outcome: QueryOutcome) -> SlowCall<'static> {
    SlowCall {
        source: QuerySource::Client,
        database: "d",
        collection: "c",
        operation: Operation::Find,
        parts: QueryParts { filter, ..QueryParts::default() },
        took: millis * MS,
        outcome,
        ago: 0,
    }
}

#[test]
fn queries_of_one_shape_share_a_line() {
    let (record, clock) = record();
    for (number, outcome) in (1..=100).zip(
        [QueryOutcome::Ok, QueryOutcome::Failed, QueryOutcome::TimedOut, QueryOutcome::Cancelled].into_iter().cycle(),
    ) {
        record.add(slow(doc! { "a": i64::try_from(number).unwrap() }, number * 10, outcome));
    }
    clock.advance(Duration::from_secs(3));
    let found = record.snapshot();
    let [shape] = &found.shapes[..] else { panic!("{found}") };
    assert_eq!((shape.count, shape.errors, shape.timeouts, shape.cancelled), (100, 25, 25, 25));
    assert_eq!((shape.total, shape.max), (Duration::from_millis(50_500), Duration::from_secs(1)));
    assert!((935..966).contains(&shape.p95.as_millis()), "{found}");
    assert_eq!((shape.ago, shape.shape.as_str()), (Duration::from_secs(3), r#"{a: "?"}"#));
    assert_eq!(shape.example().parts.filter, doc! { "a": 100_i64 }, "the slowest");
    assert_eq!(found.examples("d")[0].took, shape.p95);
    assert!(found.examples("e").is_empty());
}

#[test]
fn the_least_recently_seen_shape_makes_room() {
    let (record, clock) = record();
    for number in 0..=MAX_SHAPES {
        clock.advance(Duration::from_millis(1));
        record.add(slow(doc! { format!("f{number}"): 1 }, 100, QueryOutcome::Ok));
        // The first shape is recorded again after each new one.
        record.add(slow(doc! { "f0": 1 }, 100, QueryOutcome::Ok));
    }
    let found = record.snapshot();
    assert_eq!((found.shapes.len(), found.forgotten_shapes, found.forgotten), (MAX_SHAPES, 1, 1));
    let has = |field: &str| found.shapes.iter().any(|shape| shape.shape == format!("{{{field}: \"?\"}}"));
    assert!(has("f0") && !has("f1") && has("f2") && has(&format!("f{MAX_SHAPES}")));
    assert!(found.to_string().ends_with("1 more, of 1 shapes that were replaced by these\n"), "{found}");
}

#[test]
fn a_profile_is_read_once() {
    let (record, _) = record();
    let at = bson::DateTime::from_millis;
    let claimed = [5, 4, 6, 6].map(|newest| record.claim("d", at(newest)));
    assert_eq!(claimed, [bson::DateTime::MIN, at(5), at(5), at(6)]);
    assert_eq!((record.read_until("d"), record.read_until("e")), (at(6), bson::DateTime::MIN));
}

#[test]
fn displayed_reports_have_no_values() {
    let (record, _) = record();
    record.add(slow(doc! { "name": "hunter2" }, 250, QueryOutcome::Ok));
    let found = record.snapshot();
    let shown = format!("{found} {found:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let line = found.to_string().lines().nth(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(line.unwrap(), r#"1 0 250ms 250ms 250ms 0 s ago client d.c.find {name: "?"}"#);
    assert_eq!(self::record().0.snapshot().to_string(), "No query took 100ms or longer.\n");
}

#[test]
fn inserts_and_whole_collections_need_no_index() {
    let (record, _) = record();
    record.add(SlowCall { operation: Operation::Insert, ..slow(doc! { "a": 1 }, 100, QueryOutcome::Ok) });
    record.add(slow(doc! {}, 100, QueryOutcome::Ok));
    assert!(record.snapshot().examples("d").is_empty());
}

/// Large values are dropped: 200 queries of a few megabytes would fill the memory.
#[test]
fn the_values_of_a_large_query_are_not_stored() {
    let (record, _) = record();
    let filter = doc! { "a": { "$in": (0..10_000).collect::<Vec<i32>>() }, "b": "secret" };
    record.add(slow(filter, 200, QueryOutcome::Ok));
    let found = record.snapshot();
    let kept = &found.shapes[0].example().parts;
    assert!(kept.hidden && kept.filter.to_vec().unwrap().len() < 200, "{}", kept.filter);
    assert_eq!(found.examples("d").len(), 0, "a query without its values cannot run again");
    record.add(slow(doc! { "a": 1 }, 200, QueryOutcome::Ok));
    assert_eq!(record.snapshot().examples("d").len(), 1);
}

/// Only an index with the same collation serves the query.
#[test]
fn a_query_with_a_collation_has_its_own_shape() {
    let (record, _) = record();
    let mut collated = slow(doc! { "a": 1 }, 200, QueryOutcome::Ok);
    collated.parts.collation = Some(doc! { "locale": "en" });
    record.add(collated);
    let found = record.snapshot();
    assert_eq!(found.shapes[0].shape, r#"{a: "?"} with a collation"#);
    assert_eq!(found.examples("d").len(), 1);
}
