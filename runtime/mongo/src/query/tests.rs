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
fn the_first_stages_of_a_pipeline_are_a_query() {
    let pipeline = vec![
        doc! { "$match": { "a": 1 } },
        doc! { "$match": { "b": 2 } },
        doc! { "$sort": { "t": -1 } },
        doc! { "$limit": 5_i64 },
        doc! { "$match": { "c": 1 } },
    ];
    let query = Query::aggregate("c", pipeline.clone()).sample(Duration::ZERO);
    assert_eq!(query.filter, doc! { "$and": [{ "a": 1 }, { "b": 2 }] });
    assert_eq!((query.sort, query.limit), (doc! { "t": -1 }, 5));
    let grouped = Query::aggregate("c", [doc! { "$group": { "_id": 1 } }, pipeline[0].clone()]);
    assert_eq!(grouped.sample(Duration::ZERO).filter, doc! {});
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
