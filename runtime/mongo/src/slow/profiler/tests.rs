use super::*;

fn shapes(record: &Document) -> Option<(&'static str, String, u64)> {
    let slow = read_record("d", record, 5_000)?;
    Some((slow.operation.name(), slow.parts.shape(slow.operation), slow.ago / 1_000_000))
}

fn record(op: &str, ns: &str, command: Document) -> Document {
    let at = bson::DateTime::from_millis(4_000);
    doc! { "op": op, "ns": ns, "command": command, "millis": 7, "ts": at }
}

#[test]
fn profiler_records_are_read_by_their_command() {
    let cases = [
        (
            "query",
            doc! { "find": "c", "filter": { "a": 1 }, "sort": { "b": -1 } },
            ("find", r#"{a: "?"} sort {b: -1}"#),
        ),
        ("command", doc! { "count": "c", "query": { "a": 1 } }, ("count", r#"{a: "?"}"#)),
        ("command", doc! { "distinct": "c", "key": "k", "query": { "a": 1 } }, ("distinct", r#"k of {a: "?"}"#)),
        (
            "command",
            doc! { "aggregate": "c", "pipeline": [{ "$match": { "a": 1 } }, { "$group": { "_id": 1 } }] },
            ("aggregate", r#"[{$match: {a: "?"}}, {$group: "?"}]"#),
        ),
        ("update", doc! { "q": { "a": 1 }, "u": { "$set": { "b": 1 } } }, ("update", r#"{a: "?"}"#)),
        ("remove", doc! { "q": { "a": 1 }, "limit": 0 }, ("remove", r#"{a: "?"}"#)),
    ];
    for (op, command, (operation, shape)) in cases {
        assert_eq!(shapes(&record(op, "d.c", command)), Some((operation, shape.to_owned(), 1_000)));
    }
}

#[test]
fn entries_that_are_no_query_of_the_application_are_left_out() {
    let find = doc! { "find": "c", "filter": {} };
    let cases = [
        record("getmore", "d.c", doc! { "getMore": 1_i64, "collection": "c" }),
        record("insert", "d.c", doc! { "insert": "c" }),
        record("query", "d.system.profile", find.clone()),
        record("query", "e.c", find.clone()),
        record("command", "d.c", doc! { "listIndexes": "c" }),
        record("command", "d.c", doc! { "explain": find.clone() }),
        record("command", "d.c", doc! { "aggregate": "c", "pipeline": [{ "$indexStats": {} }] }),
        record("command", "d.c", doc! { "$truncated": "{ find: .." }),
        record("query", "nonsense", find),
        doc! {},
    ];
    for case in cases {
        assert_eq!(shapes(&case), None, "{case}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for bad in [
        Settings::default().level(2),
        Settings::default().level(0),
        Settings::default().sample_rate(1.5),
        Settings::default().sample_rate(f64::NAN),
    ] {
        assert!(bad.command().is_err(), "{bad:?}");
    }
    let error = Settings::default().level(2).command().unwrap_err().to_string();
    assert!(error.contains("leave it at 1"), "{error}");
    let command = Settings::default().slow(Duration::MAX).sample_rate(0.5).command().unwrap();
    assert_eq!(command, doc! { "profile": 1, "slowms": i32::MAX, "sampleRate": 0.5 });
}
