//! Questions on writes, counts, distinct values, alternatives and collations.

use bson::{Document, doc};

use super::write::{
    COLLATION, SELECTIVE, SUPPORT, all_of, ask, create, find, on, rows, sorted, tempting, useless, with,
};
use super::{Answer, Collection, Flaw, Question};

/// Returns the questions.
pub(super) fn questions() -> Vec<Question> {
    [changes(), counts(), alternatives(), collations()].concat()
}

fn orders() -> Collection {
    rows(4_000, |n| {
        let state = if n % 2 == 0 { "waiting" } else { "done" };
        doc! { "user": n % 400, "shop": n % 3, "total": n * 7_919 % 1_000, "created": n, "state": state, "p": n * 31 % 10 }
    })
}

fn changes() -> Vec<Question> {
    let update = |q: Document, multi: bool| {
        doc! { "update": "c", "updates": [{ "q": q, "u": { "$set": { "seen": true } }, "multi": multi }] }
    };
    let delete = |q: Document| doc! { "delete": "c", "deletes": [{ "q": q, "limit": 0 }] };
    let take = doc! {
        "findAndModify": "c",
        "query": { "state": "waiting" },
        "sort": { "p": -1, "created": 1 },
        "update": { "$set": { "state": "taken" } },
    };
    let by_user = || create([doc! { "user": 1 }]);
    vec![
        ask("update_of_few", SUPPORT, orders(), update(doc! { "user": 5 }, true), by_user()),
        ask("update_of_one", SUPPORT, orders(), update(doc! { "user": 399, "shop": 1 }, false), by_user()),
        ask(
            "update_of_most",
            SELECTIVE,
            orders(),
            update(doc! { "total": { "$gte": 100 } }, true),
            useless([doc! { "total": 1 }]),
        ),
        ask(
            "delete_of_the_oldest",
            SELECTIVE,
            orders(),
            delete(doc! { "created": { "$lt": 50 } }),
            create([doc! { "created": 1 }]),
        ),
        ask("delete_of_few", SUPPORT, orders(), delete(doc! { "user": 5 }), by_user()),
        ask(
            "job_that_is_taken",
            "db.collection.findAndModify(): sort",
            orders(),
            take,
            create([doc! { "state": 1, "p": -1, "created": 1 }, doc! { "p": -1, "created": 1 }]),
        ),
        ask(
            "take_and_delete_one_of_few",
            SUPPORT,
            orders(),
            doc! { "findAndModify": "c", "query": { "user": 399 }, "remove": true },
            by_user(),
        ),
    ]
}

fn counts() -> Vec<Question> {
    let count = |query: Document| doc! { "count": "c", "query": query };
    let covered = |projection: Document| doc! { "find": "c", "filter": { "shop": 1 }, "projection": projection };
    vec![
        ask("count_of_few", SUPPORT, orders(), count(doc! { "user": 5 }), create([doc! { "user": 1 }])),
        ask("count_of_a_third", SUPPORT, orders(), count(doc! { "shop": 1 }), create([doc! { "shop": 1 }])),
        ask(
            "count_of_most",
            SELECTIVE,
            orders(),
            count(doc! { "total": { "$gte": 100 } }),
            useless([doc! { "total": 1 }]),
        ),
        ask(
            "count_of_a_range_behind_an_equality",
            SUPPORT,
            orders(),
            count(doc! { "shop": 1, "total": { "$gte": 500 } }),
            create([doc! { "shop": 1, "total": 1 }]),
        ),
        ask(
            "distinct_values_of_all",
            "distinct: Index Use",
            orders(),
            doc! { "distinct": "c", "key": "shop" },
            create([doc! { "shop": 1 }]),
        ),
        ask(
            "distinct_values_of_a_third",
            "distinct: Index Use",
            orders(),
            doc! { "distinct": "c", "key": "p", "query": { "shop": 1 } },
            create([doc! { "shop": 1, "p": 1 }]),
        ),
        ask(
            "distinct_elements_of_arrays",
            "distinct: Array Fields",
            rows(3_000, |n| doc! { "tags": [n % 7, n % 5 + 10] }),
            doc! { "distinct": "c", "key": "tags" },
            create([doc! { "tags": 1 }]),
        ),
        ask(
            "projection_that_an_index_contains",
            "Covered Query",
            orders(),
            covered(doc! { "_id": 0, "shop": 1, "total": 1 }),
            create([doc! { "shop": 1, "total": 1 }]),
        ),
        ask(
            "projection_of_all_but_one_field",
            SELECTIVE,
            orders(),
            covered(doc! { "created": 0 }),
            useless([doc! { "shop": 1 }, doc! { "shop": 1, "total": 1 }]),
        ),
    ]
}

fn alternatives() -> Vec<Question> {
    const OR: &str = "$or: $or Clauses and Indexes";
    let things = || {
        rows(4_000, |n| doc! { "a": n % 300, "b": n % 301, "x": n % 3, "live": n % 10 != 0, "created": n * 31 % 4_000 })
    };
    let either = || doc! { "$or": [{ "a": 5 }, { "b": 7 }] };
    vec![
        ask(
            "alternatives_one_of_which_has_an_index",
            OR,
            things().index(doc! { "a": 1 }),
            find(either()),
            create([doc! { "b": 1 }]),
        ),
        ask(
            "alternatives_one_of_which_is_most",
            OR,
            things(),
            find(doc! { "$or": [{ "a": 5 }, { "live": true }] }),
            Answer::Nothing {
                tempting: vec![super::Tempting {
                    indexes: vec![on(doc! { "a": 1 }), on(doc! { "live": 1 })],
                    flaw: Flaw::Useless,
                }],
            },
        ),
        ask(
            "alternatives_and_a_sort",
            OR,
            rows(6_000, |n| doc! { "a": n % 3, "b": n / 3 % 4, "created": n * 31 % 6_000 }),
            sorted(doc! { "$or": [{ "a": 1 }, { "b": 2 }] }, doc! { "created": -1 }, 10),
            Answer::Create(vec![
                vec![on(doc! { "created": -1 })],
                vec![on(doc! { "a": 1, "created": -1 }), on(doc! { "b": 1, "created": -1 })],
            ]),
        ),
        ask(
            "few_alternatives_and_a_sort",
            OR,
            things(),
            sorted(either(), doc! { "created": -1 }, 100),
            all_of([on(doc! { "a": 1 }), on(doc! { "b": 1 })]),
        ),
        ask(
            "alternatives_of_one_field",
            OR,
            things(),
            find(doc! { "$or": [{ "a": 5 }, { "a": 7 }] }),
            create([doc! { "a": 1 }]),
        ),
        ask(
            "alternatives_behind_a_selective_equality",
            OR,
            things(),
            find(doc! { "a": 5, "$or": [{ "b": 7 }, { "x": 2 }] }),
            create([doc! { "a": 1 }]),
        ),
    ]
}

fn collations() -> Vec<Question> {
    let people = || rows(4_000, |n| doc! { "name": format!("Name{}", n % 500), "user": n % 400 });
    let en = || doc! { "locale": "en", "strength": 2 };
    let collated = |filter: Document| doc! { "find": "c", "filter": filter, "collation": en() };
    let index = || with(doc! { "name": 1 }, doc! { "collation": en() });
    vec![
        ask(
            "text_with_a_collation",
            COLLATION,
            people(),
            collated(doc! { "name": "NAME7" }),
            Answer::Instead {
                choices: vec![vec![index()]],
                tempting: vec![tempting(on(doc! { "name": 1 }), Flaw::Useless)],
            },
        ),
        ask(
            "text_with_a_collation_that_an_index_lacks",
            COLLATION,
            people().index(doc! { "name": 1 }),
            collated(doc! { "name": "NAME7" }),
            Answer::Create(vec![vec![index()]]),
        ),
        ask(
            "number_with_a_collation",
            COLLATION,
            people(),
            collated(doc! { "user": 7 }),
            Answer::Create(vec![
                vec![on(doc! { "user": 1 })],
                vec![with(doc! { "user": 1 }, doc! { "collation": en() })],
            ]),
        ),
        ask(
            "sort_with_a_collation",
            COLLATION,
            people(),
            doc! { "find": "c", "filter": {}, "sort": { "name": 1 }, "limit": 10, "collation": en() },
            Answer::Instead {
                choices: vec![vec![index()]],
                tempting: vec![tempting(on(doc! { "name": 1 }), Flaw::Useless)],
            },
        ),
        ask(
            "text_with_the_collation_of_an_index",
            COLLATION,
            rows(4_000, |n| doc! { "name": format!("Name{}", n % 2), "n": n })
                .index_with(doc! { "name": 1 }, doc! { "collation": en() }),
            collated(doc! { "name": "NAME1" }),
            useless([doc! { "name": 1 }]),
        ),
    ]
}
