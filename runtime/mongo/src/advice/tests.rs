use std::collections::BTreeMap;

use bson::{Bson, Document, doc};

use super::choice::ChosenIndex;
use super::usage::IndexUsage;
use super::*;
use crate::conversions::format_bson;
use crate::plan::IndexDefinition;
use crate::query::Query;

const WEEK: Duration = Duration::from_secs(604_800);

fn index(key: Document) -> IndexDefinition {
    IndexDefinition::listed(doc! { "name": format!("{:?}", key.keys().collect::<Vec<_>>()), "key": key })
}

fn with(key: Document, options: Document) -> IndexDefinition {
    let mut raw = doc! { "name": "special", "key": key };
    raw.extend(options);
    IndexDefinition::listed(raw)
}

/// The suggestions for a query of a large collection in which each value is one of a hundred, and each range half of all.
#[expect(clippy::needless_pass_by_value, reason = "a call is read with its documents")]
fn suggested(filter: Document, sort: Document, existing: &[IndexDefinition]) -> Vec<Document> {
    chosen(&filter, &sort, existing, |_| {}).into_iter().map(|chosen| chosen.key).collect()
}

fn chosen(
    filter: &Document,
    sort: &Document,
    existing: &[IndexDefinition],
    change: impl FnOnce(&mut AccessCounts),
) -> Vec<ChosenIndex> {
    const DOCUMENTS: u32 = 100_000_000;
    let mut access = CollectionAccess::new("c", filter).with_sort(sort);
    // The first documents in an order.
    access.limit = if sort.is_empty() { 0 } else { 10 };
    let mut counts = AccessCounts::assumed(&access, f64::from(DOCUMENTS));
    change(&mut counts);
    let reads = u64::from(DOCUMENTS);
    let measured = MeasuredReads { reads, documents: reads, sorts: !sort.is_empty() };
    choose(&access, &counts, existing, Some(measured))
}

fn missing(filter: &Document, existing: &[IndexDefinition]) -> MissingIndex {
    let chosen = chosen(filter, &doc! {}, existing, |_| {}).remove(0);
    MissingIndex::new(chosen, &Query::find("c", filter.clone()), (MIN_DURATION, wasteful(10_000)), existing)
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
        (doc! { "a": 1, "s": { "$regex": "ab" }, "n": { "$mod": [3, 0] } }, doc! {}, doc! { "a": 1 }),
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
    assert_eq!(suggested(filter, doc! {}, &[]), none);
    assert_eq!(suggested(doc! { "$or": [{ "a": 1 }, { "place": { "$geoWithin": {} } }] }, doc! {}, &[]), none);
    assert_eq!(suggested(doc! { "$or": [{ "a": 1 }, {}] }, doc! {}, &[]), none);
}

/// Alternatives may come from requests: 40 of them would have 2^40 branches.
#[test]
fn one_of_several_alternatives_is_served() {
    let or = |number: i32| doc! { "$or": [{ format!("a{number}"): 1 }, { format!("b{number}"): 1 }] };
    let filter = doc! { "$and": (0..40).map(or).collect::<Vec<_>>() };
    assert_eq!(suggested(filter, doc! {}, &[]), [doc! { "a0": 1 }, doc! { "b0": 1 }]);
    let wide: Document = (0..33).map(|number| (format!("f{number}"), Bson::Int32(1))).collect();
    assert!(suggested(wide, doc! {}, &[])[0].len() <= 12, "no index has so many fields");
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
    let query = Query::find("c", doc! { "a": "secret", "n": { "$in": ["secret"] } }).sort(doc! { "t": 1 });
    let shown = format!("{:?}", crate::query::QuerySample::new(query, MIN_DURATION));
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
    let new = definition(&doc! { "a": 1 }, &doc! {}).with_inherited_collation(Some(&collation));
    assert!(new.is_identical(&with(doc! { "a": 1 }, doc! { "collation": collation.clone() })), "{new}");
}

#[test]
fn filters_that_no_ordinary_index_serves_lead_to_no_suggestion() {
    let filters = [
        doc! {},
        doc! { "$text": { "$search": "x" }, "a": 1 },
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
    let found = missing(&doc! { "a": 1, "b": 2 }, &existing);
    assert_eq!(found.key.keys().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(found.covers, [existing[0].name()]);
    let text = found.to_string();
    assert!(text.starts_with("c: an index {b: 1, a: 1} is missing\n"), "{text}");
}

#[test]
fn one_suggestion_serves_all_its_prefixes() {
    let mut found = Vec::new();
    for (filter, reads) in [(doc! { "a": 1 }, 5_000), (doc! { "a": 1, "b": 1 }, 1_000), (doc! { "z": "secret" }, 2_000)]
    {
        let mut new = missing(&filter, &[]);
        new.evidence.explained = wasteful(reads);
        add(&mut found, new);
    }
    assert_eq!(found.iter().map(|found| &found.key).collect::<Vec<_>>(), [&doc! { "a": 1, "b": 1 }, &doc! { "z": 1 }]);
    assert_eq!(found[0].evidence.explained.documents, 5_000, "the worst query is the evidence");
    assert_eq!(found[1].evidence.shape, r#"{z: "?"}"#);
}

#[test]
fn a_query_that_wastes_little_is_not_counted() {
    let access = CollectionAccess::new("c", &doc! { "a": 1 });
    assert!(is_wasteful(&wasteful(502), &access) && !is_wasteful(&wasteful(501), &access));
    let returned = ExplainResult { documents: 900, returned: 900, ..ExplainResult::default() };
    assert!(!is_wasteful(&returned, &access));
    assert!(is_wasteful(&ExplainResult { sorted_in_memory: true, ..returned }, &access));
}

/// An array in two fields makes the server refuse the index, or a later document.
#[test]
fn no_index_is_suggested_over_two_arrays() {
    let filter = doc! { "tags": 1, "cats": 1, "user": 1 };
    let arrays = |counts: &mut AccessCounts| counts.add_arrays(["tags".to_owned(), "cats".to_owned()]);
    let found = chosen(&filter, &doc! {}, &[], arrays);
    let keys: Vec<_> = found[0].key.keys().map(String::as_str).collect();
    assert!(keys.len() == 2 && keys.contains(&"user"), "{keys:?}");
    assert!(found[0].array.is_some(), "a document in which the user is an array would be refused");
    // Both are in one array.
    let within = doc! { "items.sku": 1, "items.qty": 1 };
    let found = chosen(&within, &doc! {}, &[], |counts| counts.add_arrays(["items".to_owned()]));
    assert_eq!(found[0].key.len(), 1, "only one of them bounds an index, as different elements may match");
    let element = doc! { "items": { "$elemMatch": { "sku": 1, "qty": 1 } } };
    let found = chosen(&element, &doc! {}, &[], |counts| counts.add_arrays(["items".to_owned()]));
    assert_eq!(found[0].key.len(), 2);
}

#[test]
fn an_index_that_is_a_prefix_of_another_is_needless_unless_its_options_matter() {
    let long = index(doc! { "a": 1, "b": -1 });
    let with_arrays = |short: IndexDefinition, arrays: &[&str], operations| {
        let usage = IndexUsage {
            collection: "c".to_owned(),
            index: short.name().to_owned(),
            operations,
            watched: Duration::ZERO,
        };
        let arrays = arrays.iter().map(|path| (*path).to_owned()).collect();
        let arrays = BTreeMap::from([(long.name().to_owned(), arrays)]);
        !unneeded("c", &[long.clone(), short], &[usage], &arrays, WEEK).is_empty()
    };
    let needless = |short| with_arrays(short, &[], 0);
    assert!(!with_arrays(index(doc! { "a": 1 }), &[], 1), "a hint may name it");
    assert!(!with_arrays(index(doc! { "a": 1 }), &["b"], 0), "the other one has an entry for each element of b");
    assert!(with_arrays(index(doc! { "a": 1 }), &["a"], 0), "both have");
    assert!(needless(index(doc! { "a": 1 })));
    assert!(needless(index(doc! { "a": -1 })), "it can be read backwards");
    assert!(!needless(with(doc! { "a": 1 }, doc! { "sparse": true })), "the other one has more documents");
    assert!(needless(index(doc! { "a": "hashed" })), "no shard key is reported, as its use is unknown");
    assert!(!needless(index(doc! { "b": 1 })));
    assert!(!needless(index(doc! { "a": 1, "b": 1 })));
    assert!(!needless(with(doc! { "a": 1 }, doc! { "unique": true })));
    assert!(!needless(with(doc! { "a": 1 }, doc! { "expireAfterSeconds": 1 })));
    assert!(!needless(with(doc! { "a": 1 }, doc! { "collation": { "locale": "en" } })));
}

#[test]
fn an_index_is_unused_if_no_server_used_it_for_a_week() {
    let usage = |operations, watched| {
        [IndexUsage { collection: "c".to_owned(), index: "special".to_owned(), operations, watched }]
    };
    let reasons = |index: &IndexDefinition, usage: &[IndexUsage]| {
        unneeded("c", std::slice::from_ref(index), usage, &BTreeMap::new(), WEEK)
    };
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
    let none = |existing: &[IndexDefinition]| {
        let usage = |index: &IndexDefinition| {
            let index = index.name().to_owned();
            IndexUsage { collection: "c".to_owned(), index, operations: 0, watched: Duration::ZERO }
        };
        let usages: Vec<_> = existing.iter().map(usage).collect();
        unneeded("c", existing, &usages, &BTreeMap::new(), WEEK).is_empty()
    };
    assert!(none(&[long.clone(), index(doc! { "a": 1 })]));
    let short = with(doc! { "a": 1 }, doc! { "hidden": true });
    assert!(none(&[index(doc! { "a": 1, "b": 1 }), short.clone()]));
    let building = index(doc! { "a": 1, "b": 1 }).with_building(true);
    assert!(none(&[building, index(doc! { "a": 1 })]));

    let found = missing(&doc! { "a": 1 }, &[short]);
    assert_eq!(found.hidden.as_deref(), Some("special"));
    let sparse = with(doc! { "a": 1 }, doc! { "hidden": true, "sparse": true });
    let found = missing(&doc! { "a": 1 }, &[sparse]);
    assert_eq!((found.hidden.as_deref(), found.shell.as_str()), (None, "db.c.createIndex({ a: 1 })"));
}

#[test]
fn the_first_stages_of_a_pipeline_and_its_joins_are_accesses() {
    let join = doc! { "$lookup": { "from": "people", "localField": "user", "foreignField": "number", "as": "p" } };
    let union = doc! { "$unionWith": { "coll": "old", "pipeline": [{ "$match": { "x": 1 } }] } };
    let stages = [
        doc! { "$match": { "a": 1 } },
        doc! { "$match": { "b": 2 } },
        doc! { "$sort": { "t": -1 } },
        doc! { "$limit": 5_i64 },
        doc! { "$match": { "c": 1 } },
        join,
        doc! { "$facet": { "f": [union] } },
    ];
    let found = access(&Query::aggregate("c", stages.clone()), None);
    assert_eq!(found.fields(), ["a", "b"]);
    assert_eq!((&found.sort[..], found.limit), (&[("t".to_owned(), -1)][..], 5));
    let joins = joined(&stages, None);
    let joins: Vec<_> = joins.iter().map(|join| (join.collection.as_str(), join.fields())).collect();
    assert_eq!(joins, [("people", vec!["number"]), ("old", vec!["x"])]);
}

/// Four of 2 000 documents meet the first condition, 20 the second, and none both: that says little of a million.
#[test]
fn what_a_sample_hardly_shows_is_estimated_from_its_parts() {
    let counts = AccessCounts::sampled(1e6, 2_000.0, &[(1, 4.0), (2, 20.0), (3, 0.0)]);
    let documents = |combination| (counts.share(combination) * 1e6).round();
    assert_eq!((documents(1), documents(2), documents(3)), (2_000.0, 10_000.0, 20.0));
    let whole = AccessCounts::sampled(2_000.0, 2_000.0, &[(1, 4.0), (2, 20.0), (3, 0.0)]);
    assert!(whole.share(3) < f64::EPSILON, "all documents were counted");
}

#[test]
fn a_place_with_many_conditions_is_bounded_as_a_filter_is() {
    let many: Document = (0..40).map(|number| (format!("f{number}"), Bson::from(number))).collect();
    let mut access = CollectionAccess::new("c", &doc! {});
    access.near(&doc! { "near": [1, 2], "key": "at", "query": many.clone() });
    assert_eq!(access.common.len(), CollectionAccess::new("c", &many).common.len());
    assert_eq!(access.common[0].field, "at", "the place is not left out");
}
