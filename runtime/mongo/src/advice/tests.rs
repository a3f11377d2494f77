use bson::doc;

use super::usage::IndexUsage;
use super::*;

const WEEK: Duration = Duration::from_secs(604_800);

fn index(key: Document) -> IndexDefinition {
    IndexDefinition::listed(doc! { "name": format!("{:?}", key.keys().collect::<Vec<_>>()), "key": key })
}

fn with(key: Document, options: Document) -> IndexDefinition {
    let mut raw = doc! { "name": "special", "key": key };
    raw.extend(options);
    IndexDefinition::listed(raw)
}

fn suggested(filter: Document, sort: Document, existing: &[IndexDefinition]) -> Vec<Document> {
    let query = slow(filter, sort);
    let found = missing(&[(query, wasteful(10_000))], |_| existing.to_vec());
    found.into_iter().map(|suggestion| suggestion.key).collect()
}

fn slow(filter: Document, sort: Document) -> QuerySample {
    QuerySample { collection: "c".to_owned(), filter, sort, limit: 0, took: MIN_DURATION }
}

fn wasteful(documents: u64) -> ExplainResult {
    ExplainResult { documents, returned: 1, ..ExplainResult::default() }
}

#[test]
fn fields_come_in_the_order_equality_sort_range() {
    let cases = [
        (doc! { "a": 1 }, doc! {}, doc! { "a": 1 }),
        (doc! { "n": { "$gt": 1 }, "s": "x" }, doc! { "t": -1 }, doc! { "s": 1, "t": -1, "n": 1 }),
        (doc! { "b": { "$in": [1, 2] }, "a": { "$eq": 1 } }, doc! { "t": 1 }, doc! { "a": 1, "b": 1, "t": 1 }),
        // Fields with fixed values need no sort; a sort serves a range.
        (doc! { "a": 1, "t": { "$lt": 9 } }, doc! { "a": 1, "t": -1 }, doc! { "a": 1, "t": -1 }),
        (doc! { "$and": [{ "a": 1 }, { "b.c": { "$gte": 1, "$lt": 2 } }] }, doc! {}, doc! { "a": 1, "b.c": 1 }),
        (doc! { "p": { "$elemMatch": { "x": 1, "y": { "$gt": 2 } } } }, doc! {}, doc! { "p.x": 1, "p.y": 1 }),
        (doc! { "a": 1, "s": { "$regex": "^ab" } }, doc! {}, doc! { "a": 1, "s": 1 }),
        // Neither condition is a range.
        (doc! { "a": 1, "s": { "$regex": "ab" }, "n": { "$ne": 3 } }, doc! {}, doc! { "a": 1 }),
        (doc! {}, doc! { "t": -1, "a": 1.0 }, doc! { "t": -1, "a": 1 }),
    ];
    for (filter, sort, key) in cases {
        let found = suggested(filter.clone(), sort, &[]);
        assert_eq!(
            found.iter().map(|key| format_bson(&key.clone().into())).collect::<Vec<_>>(),
            [format_bson(&key.into())],
            "{filter}"
        );
    }
    let many: Vec<i32> = (0..300).collect();
    assert_eq!(
        suggested(doc! { "a": { "$in": many } }, doc! { "t": 1 }, &[])[0].keys().collect::<Vec<_>>(),
        ["t", "a"]
    );
}

#[test]
fn each_branch_of_an_alternative_needs_an_index() {
    let filter = doc! { "t": 1, "$or": [{ "a": 1 }, { "b": { "$gt": 1 } }] };
    assert_eq!(suggested(filter, doc! {}, &[index(doc! { "a": 1, "t": 1 })]), [doc! { "t": 1, "b": 1 }]);
}

#[test]
fn an_alternative_that_no_index_serves_makes_the_others_useless() {
    let none = [] as [Document; 0];
    let filter = doc! { "$or": [{ "a": 1 }, { "b": { "$ne": 1 } }] };
    assert_eq!(suggested(filter.clone(), doc! {}, &[]), none);
    assert_eq!(suggested(filter, doc! { "t": -1 }, &[]), [doc! { "t": -1 }], "an index can return this order");
    assert_eq!(suggested(doc! { "$or": [{ "a": 1 }, { "place": { "$geoWithin": {} } }] }, doc! {}, &[]), none);
    assert_eq!(suggested(doc! { "$or": [{ "a": 1 }, {}] }, doc! {}, &[]), none);
}

/// The limit prevents 2^40 branches.
#[test]
fn alternatives_that_multiply_are_left_alone() {
    let or = |number: i32| doc! { "$or": [{ format!("a{number}"): 1 }, { format!("b{number}"): 1 }] };
    let filter = doc! { "$and": (0..40).map(or).collect::<Vec<_>>() };
    assert_eq!(suggested(filter, doc! {}, &[]), [] as [Document; 0]);
    let wide: Document = (0..33).map(|number| (format!("f{number}"), Bson::Int32(1))).collect();
    assert_eq!(suggested(wide, doc! {}, &[]), [] as [Document; 0], "no index has so many fields");
}

#[test]
fn only_a_pattern_with_a_fixed_beginning_is_a_bound() {
    let regex = |pattern: &str, options: &str| {
        let parts = (pattern.to_owned(), options.to_owned());
        Bson::RegularExpression(bson::Regex {
            pattern: parts.0.try_into().unwrap(),
            options: parts.1.try_into().unwrap(),
        })
    };
    let bounds = |value: Bson| !suggested(doc! { "s": value }, doc! {}, &[]).is_empty();
    for good in [regex("^ab", ""), doc! { "$regex": "^ab.*c" }.into(), doc! { "$regex": regex("^a", "s") }.into()] {
        assert!(bounds(good.clone()), "{good}");
    }
    let in_list = |second: Bson| Bson::from(doc! { "$in": ["x", second] });
    assert!(bounds(in_list(regex("^ab", ""))));
    let bad = [
        regex("ab", ""),
        regex("^ab", "i"),
        regex("^ab", "m"),
        regex("^a|b", ""),
        regex("^a*b", ""),
        regex("^.*b", ""),
        regex("^", ""),
        regex("^(a)?", ""),
        in_list(regex("ab", "")),
        doc! { "$regex": "^ab", "$options": "i" }.into(),
        doc! { "$regex": 1 }.into(),
    ];
    for bad in bad {
        assert!(!bounds(bad.clone()), "{bad}");
    }
}

#[test]
fn an_order_that_no_index_can_have_leads_to_no_suggestion() {
    for sort in [doc! { "$natural": -1 }, doc! { "score": { "$meta": "textScore" } }] {
        assert_eq!(suggested(doc! { "a": 1 }, sort.clone(), &[]), [] as [Document; 0], "{sort}");
    }
}

#[test]
fn slow_queries_do_not_show_their_values() {
    let shown = format!("{:?}", slow(doc! { "a": "secret", "n": { "$in": ["secret"] } }, doc! { "t": 1 }));
    assert!(shown.contains("$in") && !shown.contains("secret"), "{shown}");
}

/// An index without a collation compares strings as its collection does, and so does a query.
#[test]
fn an_index_with_the_collations_of_its_collection_serves() {
    let collation = doc! { "locale": "de", "strength": 1 };
    let listed = |options: Document| with(doc! { "a": 1 }, options).for_queries(Some(&collation));
    let count = |index: IndexDefinition| suggested(doc! { "a": "x" }, doc! {}, &[index]).len();
    assert_eq!(count(listed(doc! { "collation": collation.clone() })), 0);
    assert_eq!(count(listed(doc! {})), 1, "an index without a collation compares bytes");
    assert_eq!(count(with(doc! { "a": 1 }, doc! { "collation": collation.clone() }).for_queries(None)), 1);
    assert_eq!(count(with(doc! { "a": 1 }, doc! {}).for_queries(None)), 0);
    let new = plain(&doc! { "a": 1 }).with_inherited_collation(Some(&collation));
    assert!(new.is_identical(&with(doc! { "a": 1 }, doc! { "collation": collation.clone() })), "{new}");
}

#[test]
fn filters_that_no_ordinary_index_serves_lead_to_no_suggestion() {
    let filters = [
        doc! {},
        doc! { "$text": { "$search": "x" }, "a": 1 },
        doc! { "place": { "$geoWithin": {} }, "a": 1 },
        doc! { "a": { "$ne": 1 } },
        doc! { "$where": "true" },
        doc! { "_id": 1, "a": 1 },
    ];
    for filter in filters {
        assert_eq!(suggested(filter.clone(), doc! {}, &[index(doc! { "_id": 1 })]), [] as [Document; 0], "{filter}");
    }
}

#[test]
fn an_index_that_serves_is_enough() {
    let (filter, sort) = (doc! { "a": 1, "b": 2, "n": { "$gt": 1 } }, doc! { "t": 1, "u": -1 });
    let serving = [
        doc! { "a": 1, "b": 1, "t": 1, "u": -1, "n": 1 },
        doc! { "b": -1, "a": 1, "t": -1, "u": 1, "n": -1, "more": 1 },
    ];
    for key in serving {
        assert_eq!(suggested(filter.clone(), sort.clone(), &[index(key)]), [] as [Document; 0]);
    }
    let lacking = [
        index(doc! { "a": 1, "t": 1, "u": -1, "b": 1, "n": 1 }),
        index(doc! { "a": 1, "b": 1, "t": 1, "u": 1, "n": 1 }),
        index(doc! { "a": 1, "b": 1, "t": 1, "u": -1 }),
        with(doc! { "a": 1, "b": 1, "t": 1, "u": -1, "n": 1 }, doc! { "partialFilterExpression": { "x": 1 } }),
        with(doc! { "a": 1, "b": 1, "t": 1, "u": -1, "n": 1 }, doc! { "hidden": true }),
        index(doc! { "a": "hashed" }),
    ];
    for other in lacking {
        assert_eq!(suggested(filter.clone(), sort.clone(), std::slice::from_ref(&other)).len(), 1, "{other}");
    }
    let unique = with(doc! { "b": 1 }, doc! { "unique": true });
    assert_eq!(suggested(filter, sort, &[unique]), [] as [Document; 0]);
}

#[test]
fn a_suggestion_extends_an_existing_index() {
    let existing = [index(doc! { "b": 1 }), index(doc! { "x": 1 })];
    let found = missing(&[(slow(doc! { "a": 1, "b": 2 }, doc! {}), wasteful(9_999))], |_| existing.to_vec());
    assert_eq!(found[0].key.keys().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(found[0].covers, [existing[0].name()]);
    let text = found[0].to_string();
    assert!(text.starts_with("c: an index {b: 1, a: 1} is missing\n"), "{text}");
}

#[test]
fn one_suggestion_serves_all_its_prefixes_and_a_small_waste_leads_to_none() {
    let queries = [
        (slow(doc! { "a": 1 }, doc! {}), wasteful(5_000)),
        (slow(doc! { "a": 1, "b": 1 }, doc! {}), wasteful(1_000)),
        (slow(doc! { "z": "secret" }, doc! {}), wasteful(2_000)),
        (slow(doc! { "y": 1 }, doc! {}), wasteful(MAX_WASTED_READS + 1)),
    ];
    let found = missing(&queries, |_| Vec::new());
    assert_eq!(found.iter().map(|found| &found.key).collect::<Vec<_>>(), [&doc! { "a": 1, "b": 1 }, &doc! { "z": 1 }]);
    assert_eq!(found[0].evidence.explained.documents, 5_000, "the worst query is the evidence");
    assert_eq!(found[1].evidence.shape, r#"{z: "?"}"#);
}

#[test]
fn shapes_contain_no_values() {
    let filter =
        doc! { "a": "x", "n": { "$gt": 1, "$lt": 9 }, "$or": [{ "b": { "c": 1 } }, { "l": { "$in": [1, 2] } }] };
    let expected = r#"{a: "?", n: {$gt: "?", $lt: "?"}, $or: [{b: "?"}, {l: {$in: ["?"]}}]}"#;
    assert_eq!(format_bson(&without_values(&filter).into()), expected);
}

#[test]
fn an_index_that_is_a_prefix_of_another_is_needless_unless_its_options_matter() {
    let long = index(doc! { "a": 1, "b": -1 });
    let needless = |short: IndexDefinition| !unneeded("c", &[long.clone(), short], &[], WEEK).is_empty();
    assert!(needless(index(doc! { "a": 1 })));
    assert!(needless(index(doc! { "a": -1 })), "it can be read backwards");
    assert!(needless(with(doc! { "a": 1 }, doc! { "sparse": true })), "the other index has all its documents");
    assert!(!needless(index(doc! { "b": 1 })));
    assert!(!needless(index(doc! { "a": 1, "b": 1 })));
    assert!(!needless(index(doc! { "a": "hashed" })));
    assert!(!needless(with(doc! { "a": 1 }, doc! { "unique": true })));
    assert!(!needless(with(doc! { "a": 1 }, doc! { "expireAfterSeconds": 1 })));
    assert!(!needless(with(doc! { "a": 1 }, doc! { "collation": { "locale": "en" } })));
}

#[test]
fn an_index_is_unused_if_no_server_used_it_for_a_week() {
    let usage = |operations, watched| {
        [IndexUsage { collection: "c".to_owned(), index: "special".to_owned(), operations, watched }]
    };
    let reasons =
        |index: &IndexDefinition, usage: &[IndexUsage]| unneeded("c", std::slice::from_ref(index), usage, WEEK);
    let plain = with(doc! { "a": 1 }, doc! {});
    assert_eq!(reasons(&plain, &usage(0, WEEK))[0].reason, UnneededReason::Unused { days: 7 });
    assert_eq!(reasons(&plain, &usage(1, WEEK)), []);
    assert_eq!(reasons(&plain, &usage(0, WEEK / 2)), []);
    assert_eq!(reasons(&plain, &[]), []);
    assert_eq!(reasons(&with(doc! { "a": 1 }, doc! { "unique": true }), &usage(0, WEEK)), []);
}

/// Replies of both query engines, and of an aggregation.
#[test]
fn explanations_are_read_in_all_their_forms() {
    let stats = doc! { "nReturned": 1, "totalKeysExamined": 5, "totalDocsExamined": 3_i64 };
    let fetch = doc! { "stage": "FETCH", "inputStage": { "stage": "IXSCAN", "indexName": "a_1" } };
    let classic = doc! { "queryPlanner": { "winningPlan": fetch.clone() }, "executionStats": stats.clone() };
    let newer = doc! { "queryPlanner": { "winningPlan": { "queryPlan": fetch } }, "executionStats": stats };
    let staged = doc! { "stages": [{ "$cursor": newer.clone() }, { "$facet": {} }] };
    for reply in [classic, newer, staged] {
        let explained = ExplainResult::from_reply(&reply);
        assert_eq!((explained.documents, explained.keys, explained.returned, explained.wasted()), (3, 5, 1, 4));
        assert_eq!(explained.indexes, ["a_1"]);
    }
    let or = doc! { "stage": "SORT", "inputStage": { "stage": "OR", "inputStages": [
        { "stage": "IXSCAN", "indexName": "a_1" }, { "stage": "COLLSCAN" },
    ] } };
    let explained = ExplainResult::from_reply(&doc! { "queryPlanner": { "winningPlan": or } });
    assert!(explained.scanned && explained.sorted_in_memory && explained.indexes == ["a_1"]);
}

/// An aggregation on a sharded collection has a plan for each shard; a search has one plan that lists the shards.
#[test]
fn the_work_of_all_shards_is_summed() {
    let stats = |documents: i32| doc! { "nReturned": 1, "totalKeysExamined": 0, "totalDocsExamined": documents };
    let scan = doc! { "queryPlanner": { "winningPlan": { "stage": "COLLSCAN" } }, "executionStats": stats(5) };
    let fetch = doc! { "queryPlan": { "stage": "FETCH", "inputStage": { "stage": "IXSCAN", "indexName": "a_1" } } };
    let other = doc! { "queryPlanner": { "winningPlan": fetch.clone() }, "executionStats": stats(2) };
    let staged = doc! { "stages": [{ "$cursor": other }, { "$group": {} }] };
    let explained = ExplainResult::from_reply(&doc! { "splitPipeline": {}, "shards": { "one": scan, "two": staged } });
    assert_eq!((explained.documents, explained.returned, explained.scanned), (7, 2, true));
    assert_eq!(explained.indexes, ["a_1"]);

    let shards = vec![
        doc! { "shardName": "one", "winningPlan": { "stage": "COLLSCAN" } },
        doc! { "shardName": "two", "winningPlan": fetch },
    ];
    let plan = doc! { "winningPlan": { "stage": "SHARD_MERGE", "shards": shards } };
    let explained = ExplainResult::from_reply(&doc! { "queryPlanner": plan, "executionStats": stats(9) });
    assert!(explained.scanned && explained.indexes == ["a_1"] && explained.documents == 9);
}

#[test]
fn hidden_indexes_get_no_advice_and_serve_no_query() {
    let long = with(doc! { "a": 1, "b": 1 }, doc! { "hidden": true });
    assert!(unneeded("c", &[long.clone(), index(doc! { "a": 1 })], &[], WEEK).is_empty());
    let short = with(doc! { "a": 1 }, doc! { "hidden": true });
    assert!(unneeded("c", &[index(doc! { "a": 1, "b": 1 }), short.clone()], &[], WEEK).is_empty());
    let building = index(doc! { "a": 1, "b": 1 }).with_building(true);
    assert!(unneeded("c", &[building, index(doc! { "a": 1 })], &[], WEEK).is_empty());

    let found = missing(&[(slow(doc! { "a": 1 }, doc! {}), wasteful(9_999))], |_| vec![short.clone()]);
    assert_eq!(found[0].hidden.as_deref(), Some("special"));
    let sparse = with(doc! { "a": 1 }, doc! { "hidden": true, "sparse": true });
    let found = missing(&[(slow(doc! { "a": 1 }, doc! {}), wasteful(9_999))], |_| vec![sparse.clone()]);
    assert_eq!((found[0].hidden.as_deref(), found[0].shell.as_str()), (None, "db.c.createIndex({ a: 1 })"));
}
