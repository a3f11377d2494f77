//! Questions on pipelines, and on collections that they join.

use bson::{Document, doc};

use super::write::{PIPELINE, SUPPORT, all_of, ask, create, find, named, on, pipeline, rows, useless};
use super::{Answer, Collection, NewIndex, Question};

/// Page of the manual on places.
const GEO: &str = "Geospatial Indexes";

/// Returns the questions.
pub(super) fn questions() -> Vec<Question> {
    [filters(), sorts_and_groups(), joins(), places()].concat()
}

fn orders() -> Collection {
    rows(4_000, |n| {
        doc! { "user": n % 400, "total": n * 7_919 % 1_000, "created": n * 13 % 4_000, "tags": [n % 50, 60], "shop": n % 4 }
    })
}

fn filters() -> Vec<Question> {
    let by_user = || create([doc! { "user": 1 }]);
    let ask = |name, stages: &[Document], answer| ask(name, PIPELINE, orders(), pipeline(stages), answer);
    let user = || doc! { "$match": { "user": 5 } };
    let twice = || doc! { "$addFields": { "twice": { "$multiply": ["$total", 2] } } };
    let sum = || doc! { "$group": { "_id": "$user", "sum": { "$sum": "$total" } } };
    vec![
        ask("match_first", &[user(), sum()], by_user()),
        ask("match_behind_unwind", &[doc! { "$unwind": "$tags" }, user()], by_user()),
        ask(
            "match_of_the_unwound_elements",
            &[doc! { "$unwind": "$tags" }, doc! { "$match": { "tags": 7 } }],
            useless([doc! { "tags": 1 }]),
        ),
        ask("match_behind_a_projection", &[doc! { "$project": { "user": 1, "total": 1 } }, user()], by_user()),
        ask(
            "match_behind_a_renaming_project",
            &[doc! { "$project": { "client": "$user" } }, doc! { "$match": { "client": 5 } }],
            by_user(),
        ),
        ask(
            "match_of_a_computed_field",
            &[twice(), doc! { "$match": { "twice": 14 } }],
            useless([doc! { "twice": 1 }, doc! { "total": 1 }]),
        ),
        ask(
            "match_of_a_computed_and_a_stored_field",
            &[twice(), doc! { "$match": { "user": 5, "twice": { "$gt": 14 } } }],
            by_user(),
        ),
        ask("match_behind_two_stages", &[twice(), doc! { "$unset": "created" }, user()], by_user()),
        ask("match_behind_a_limit", &[doc! { "$limit": 3_000 }, user()], useless([doc! { "user": 1 }])),
        ask("match_in_a_facet", &[doc! { "$facet": { "a": [user()] } }], useless([doc! { "user": 1 }])),
        ask("match_with_an_expression", &[doc! { "$match": { "$expr": { "$eq": ["$user", 5] } } }, sum()], by_user()),
    ]
}

fn sorts_and_groups() -> Vec<Question> {
    let ask = |name, stages: &[Document], answer| ask(name, PIPELINE, orders(), pipeline(stages), answer);
    let newest = || doc! { "$sort": { "created": -1 } };
    let ten = || doc! { "$limit": 10 };
    vec![
        ask(
            "sort_behind_add_fields",
            &[doc! { "$addFields": { "twice": { "$multiply": ["$total", 2] } } }, newest(), ten()],
            useless([doc! { "created": -1 }]),
        ),
        ask(
            "match_behind_sort",
            &[newest(), doc! { "$match": { "shop": 3 } }, ten()],
            create([doc! { "shop": 1, "created": -1 }, doc! { "created": -1 }]),
        ),
        ask(
            "last_document_of_each_group",
            &[
                doc! { "$sort": { "shop": 1, "created": -1 } },
                doc! { "$group": { "_id": "$shop", "last": { "$first": "$total" } } },
            ],
            create([doc! { "shop": 1, "created": -1 }]),
        ),
        ask("groups_alone", &[doc! { "$group": { "_id": "$shop" } }], create([doc! { "shop": 1 }])),
        ask(
            "sum_of_each_group",
            &[doc! { "$group": { "_id": "$shop", "sum": { "$sum": "$total" } } }],
            useless([doc! { "shop": 1 }, doc! { "shop": 1, "total": 1 }]),
        ),
        ask(
            "match_and_fields_that_an_index_contains",
            &[doc! { "$match": { "shop": 3 } }, doc! { "$group": { "_id": "$shop", "sum": { "$sum": "$total" } } }],
            create([doc! { "shop": 1, "total": 1 }]),
        ),
        ask(
            "sort_behind_a_group",
            &[doc! { "$group": { "_id": "$user", "sum": { "$sum": "$total" } } }, doc! { "$sort": { "sum": -1 } }],
            useless([doc! { "sum": 1 }, doc! { "user": 1 }]),
        ),
    ]
}

fn joins() -> Vec<Question> {
    let there = |key: Document| Answer::Create(vec![vec![NewIndex::new("people", key)]]);
    let people = || named("people", 2_000, |n| doc! { "number": n, "team": n % 500 });
    let both = || vec![rows(30, |n| doc! { "user": n * 7, "n": n }), people()];
    let join = |foreign: &str| {
        doc! { "$lookup": { "from": "people", "localField": "user", "foreignField": foreign, "as": "p" } }
    };
    let inner = doc! { "$lookup": {
        "from": "people",
        "let": { "user": "$user" },
        "pipeline": [{ "$match": { "$expr": { "$eq": ["$number", "$$user"] } } }],
        "as": "p",
    } };
    let constant = doc! { "$lookup": {
        "from": "people",
        "pipeline": [{ "$match": { "team": 7 } }],
        "as": "p",
    } };
    let union = doc! { "$unionWith": { "coll": "people", "pipeline": [{ "$match": { "team": 7 } }] } };
    let ask = |name, stages: Vec<Document>, answer| ask(name, "$lookup: Performance", both(), pipeline(stages), answer);
    vec![
        ask("join_without_an_index_there", vec![join("number")], there(doc! { "number": 1 })),
        ask("join_behind_a_limit", vec![doc! { "$limit": 20 }, join("number")], there(doc! { "number": 1 })),
        ask("join_by_id", vec![join("_id")], Answer::Nothing { tempting: Vec::new() }),
        ask("join_by_an_expression", vec![inner], there(doc! { "number": 1 })),
        ask("join_by_a_constant", vec![constant], there(doc! { "team": 1 })),
        ask("union_with_a_match", vec![union], there(doc! { "team": 1 })),
    ]
}

fn places() -> Vec<Question> {
    let point = |n: i32| doc! { "type": "Point", "coordinates": [f64::from(n % 170), f64::from(n / 170 % 80)] };
    let shops = move || rows(5_000, move |n| doc! { "place": point(n), "kind": n % 5 });
    let flat = || rows(4_000, |n| doc! { "place": [n % 170, n / 170], "n": n });
    let here = || doc! { "type": "Point", "coordinates": [12.5, 7.5] };
    let near = || doc! { "place": { "$near": { "$geometry": here(), "$maxDistance": 300_000 } } };
    let ring = [[12, 7], [14, 7], [14, 9], [12, 9], [12, 7]].map(|[x, y]| bson::bson!([x, y])).to_vec();
    let area = doc! { "type": "Polygon", "coordinates": [ring] };
    let stage = doc! { "$geoNear": { "near": here(), "distanceField": "far", "maxDistance": 300_000 } };
    let sphere = || create([doc! { "place": "2dsphere" }]);
    let words = || rows(4_000, |n| doc! { "title": format!("word{} and more", n % 300), "n": n });
    vec![
        ask("places_near_a_point", GEO, shops(), find(near()), sphere()),
        ask("places_by_stage", GEO, shops(), pipeline([stage]), sphere()),
        ask(
            "places_within_an_area",
            GEO,
            shops(),
            find(doc! { "place": { "$geoWithin": { "$geometry": area } } }),
            sphere(),
        ),
        ask(
            "places_on_a_plane",
            GEO,
            flat(),
            doc! { "find": "c", "filter": { "place": { "$near": [12, 7] } }, "limit": 10 },
            create([doc! { "place": "2d" }]),
        ),
        ask(
            "words_in_a_text",
            "Text Indexes",
            words(),
            find(doc! { "$text": { "$search": "word7" } }),
            create([doc! { "title": "text" }]),
        ),
        ask(
            "two_alternatives_of_which_no_index_serves_any",
            SUPPORT,
            rows(4_000, |n| doc! { "a": n % 300, "b": n % 301 }),
            find(doc! { "$or": [{ "a": 5 }, { "b": 7 }] }),
            all_of([on(doc! { "a": 1 }), on(doc! { "b": 1 })]),
        ),
    ]
}
