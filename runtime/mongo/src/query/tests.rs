use super::*;

fn shape(filter: Document) -> String {
    QueryParts { filter, ..QueryParts::default() }.shape(Operation::Find)
}

#[test]
fn queries_that_differ_in_values_or_in_the_order_of_fields_have_one_shape() {
    let same = [
        doc! { "a": 1, "$or": [{ "b": 1 }, { "b": 2 }, { "c": { "$in": [1, 2] } }], "n": { "$lt": 1, "$gt": 2 } },
        doc! { "n": { "$gt": "x", "$lt": "y" }, "a": { "deep": 1 }, "$or": [{ "b": 1 }, { "c": { "$in": [3] } }] },
    ];
    for filter in same {
        assert_eq!(shape(filter), r#"{$or: [{b: "?"}, {c: {$in: ["?"]}}], a: "?", n: {$gt: "?", $lt: "?"}}"#);
    }
    assert_ne!(shape(doc! { "a": 1 }), shape(doc! { "a": { "$gt": 1 } }));
}

#[test]
fn a_shape_contains_no_value() {
    let secret = "hunter2";
    let filters = [
        doc! { "a": secret },
        doc! { "a": { "b": secret } },
        doc! { "a": [secret] },
        doc! { "a": { "$in": [secret], "$not": { "$eq": secret } } },
        doc! { "$nor": [{ "a": secret }, { "$and": [{ "a": { "$ne": secret } }] }] },
        doc! { "a": { "$elemMatch": { "b": secret, "$or": [{ "c": secret }] } } },
        doc! { "a": { "$all": [{ "$elemMatch": { "b": secret } }] } },
        doc! { "$text": { "$search": secret } },
        doc! { "$where": secret },
        doc! { "$comment": secret },
        doc! { "$expr": { "$eq": ["$a", secret] } },
        doc! { "$jsonSchema": { "required": [secret] } },
        doc! { "p": { "$near": { "$geometry": { "type": secret, "coordinates": [1, 2] } } } },
    ];
    for filter in filters {
        let pipeline = vec![
            doc! { "$match": filter.clone() },
            doc! { "$sort": { "a": 1, "s": { "$meta": secret } } },
            doc! { "$group": { "_id": secret } },
            doc! { "$lookup": { "let": { "x": secret } } },
        ];
        let parts =
            QueryParts { filter: filter.clone(), sort: doc! { "a": secret }, pipeline, ..QueryParts::default() };
        for operation in [Operation::Find, Operation::Aggregate, Operation::Count, Operation::Insert] {
            let shape = parts.shape(operation);
            assert!(!shape.contains(secret), "{filter}: {shape}");
        }
        let query = Query::new("c", Operation::Find, parts).option("let", doc! { "x": secret });
        assert!(!format!("{query} {query:?}").contains(secret));
    }
}

#[test]
fn a_shape_has_a_bounded_length() {
    let filter: Document = (0..5_000).map(|number| (format!("é{number}"), Bson::from(number))).collect();
    assert_eq!(shape(filter).chars().count(), MAX_SHAPE_LENGTH + 2);
}

#[test]
fn a_command_becomes_a_query_or_a_clear_error() {
    let shown = |command: Document| Query::from_command(&command).map(|query| query.to_string());
    let cases = [
        (doc! { "find": "c", "filter": { "a": 1 }, "sort": { "b": -1 } }, r#"c.find {a: "?"} sort {b: -1}"#),
        (doc! { "count": "c", "query": { "a": 1 } }, r#"c.count {a: "?"}"#),
        (doc! { "distinct": "c", "key": "k", "query": { "a": 1 } }, r#"c.distinct k of {a: "?"}"#),
        (doc! { "aggregate": "c", "pipeline": [{ "$match": { "a": 1 } }] }, r#"c.aggregate [{$match: {a: "?"}}]"#),
        (doc! { "update": "c", "updates": [{ "q": { "a": 1 }, "u": {} }] }, r#"c.update {a: "?"}"#),
        (doc! { "delete": "c", "deletes": [{ "q": { "a": 1 }, "limit": 0 }] }, r#"c.remove {a: "?"}"#),
        (
            doc! { "findAndModify": "c", "query": { "a": 1 }, "sort": { "b": 1 } },
            r#"c.find_and_modify {a: "?"} sort {b: 1}"#,
        ),
    ];
    for (command, expected) in cases {
        assert_eq!(shown(command.clone()).unwrap(), expected, "{command}");
    }
    let single =
        Query::from_command(&doc! { "delete": "c", "deletes": [{ "q": {}, "limit": 1, "hint": "a_1" }] }).unwrap();
    assert_eq!(single.command(), doc! { "find": "c", "filter": {}, "limit": 1_i64, "hint": "a_1" });
    let several = doc! { "update": "c", "updates": [{ "q": {}, "u": {} }, { "q": {}, "u": {} }] };
    for (bad, part) in [
        (several, "give one statement"),
        (doc! { "insert": "c", "documents": [] }, "it is not a query: give a `find`"),
        (doc! { "q": { "a": 1 } }, "write `{find: \"products\""),
    ] {
        let error = shown(bad).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_command_has_all_parts_of_the_query() {
    let find = Query::find("c", doc! { "a": 1 }).sort(doc! { "b": 1 }).limit(3).option("skip", 2);
    assert_eq!(
        find.command(),
        doc! { "find": "c", "filter": { "a": 1 }, "sort": { "b": 1 }, "limit": 3_i64, "skip": 2 }
    );
    assert_eq!(
        Query::count("c", doc! { "a": 1 }).sort(doc! { "b": 1 }).command(),
        doc! { "count": "c", "query": { "a": 1 } }
    );
    let stages = [doc! { "$match": { "a": 1 } }, doc! { "$out": "other" }];
    let pipeline = vec![stages[0].clone()];
    assert_eq!(
        Query::aggregate("c", stages).command(),
        doc! { "aggregate": "c", "pipeline": pipeline, "cursor": {} },
        "nothing is written"
    );
}

#[test]
fn shapes_contain_no_values() {
    let filter =
        doc! { "a": "x", "n": { "$gt": 1, "$lt": 9 }, "$or": [{ "b": { "c": 1 } }, { "l": { "$in": [1, 2] } }] };
    let expected = r#"{a: "?", n: {$gt: "?", $lt: "?"}, $or: [{b: "?"}, {l: {$in: ["?"]}}]}"#;
    assert_eq!(format_bson(&shape::without_values(&filter).into()), expected);
}
