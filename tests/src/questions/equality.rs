//! Questions on commands that compare for equality.

use bson::{Bson, doc};

use super::write::{PARTIAL, SELECTIVE, SPARSE, SUPPORT, all_of, ask, create, find, on, rows, tempting, useless, with};
use super::{Answer, Flaw, Question};

/// Returns the questions.
pub(super) fn questions() -> Vec<Question> {
    [values(), rare(), existing(), texts()].concat()
}

fn values() -> Vec<Question> {
    let orders = || rows(5_000, |n| doc! { "user": n % 500, "shop": n % 6, "city": n % 70, "active": n % 20 != 0 });
    let kinds = |n: i32| ["a", "b", "c", "d"][n.unsigned_abs() as usize % 4];
    vec![
        ask("equality_of_a_selective_field", SUPPORT, orders(), find(doc! { "user": 5 }), create([doc! { "user": 1 }])),
        ask(
            "equality_of_95_percent",
            SELECTIVE,
            orders(),
            find(doc! { "active": true }),
            useless([doc! { "active": 1 }]),
        ),
        ask(
            "equality_of_the_other_5_percent",
            SELECTIVE,
            orders(),
            find(doc! { "active": false }),
            Answer::Create(vec![
                vec![on(doc! { "active": 1 })],
                vec![with(doc! { "active": 1 }, doc! { "partialFilterExpression": { "active": false } })],
            ]),
        ),
        ask(
            "two_equalities_together_are_selective",
            SUPPORT,
            orders(),
            find(doc! { "shop": 3, "city": 3 }),
            create([doc! { "shop": 1, "city": 1 }, doc! { "city": 1, "shop": 1 }]),
        ),
        ask(
            "equality_beside_95_percent",
            SELECTIVE,
            orders(),
            find(doc! { "user": 5, "active": true }),
            create([doc! { "user": 1 }, doc! { "user": 1, "active": 1 }, doc! { "active": 1, "user": 1 }]),
        ),
        ask(
            "one_of_three_values",
            SELECTIVE,
            rows(4_000, |n| doc! { "status": n * 7_919 % 3, "n": n }),
            find(doc! { "status": 1 }),
            useless([doc! { "status": 1 }]),
        ),
        ask(
            "few_values_of_many",
            SUPPORT,
            orders(),
            find(doc! { "user": { "$in": [1, 2, 3] } }),
            create([doc! { "user": 1 }]),
        ),
        ask(
            "most_values_of_few",
            SELECTIVE,
            rows(4_000, move |n| doc! { "kind": kinds(n), "n": n }),
            find(doc! { "kind": { "$in": ["a", "b", "c"] } }),
            useless([doc! { "kind": 1 }]),
        ),
        ask(
            "few_documents",
            SELECTIVE,
            rows(300, |n| doc! { "user": n % 50, "n": n }),
            find(doc! { "user": 5 }),
            Answer::Nothing { tempting: Vec::new() },
        ),
        ask(
            "field_of_an_embedded_document",
            SUPPORT,
            rows(4_000, |n| doc! { "address": { "city": format!("city{}", n % 200), "zip": n } }),
            find(doc! { "address.city": "city7" }),
            create([doc! { "address.city": 1 }]),
        ),
        ask(
            "whole_embedded_document",
            SUPPORT,
            rows(4_000, |n| doc! { "size": { "w": n % 40, "h": n % 30 } }),
            find(doc! { "size": { "w": 7, "h": 7 } }),
            create([doc! { "size": 1 }]),
        ),
    ]
}

fn rare() -> Vec<Question> {
    let status = |n: i32| if n % 100 == 0 { "open" } else { ["done", "sent"][n.unsigned_abs() as usize % 2] };
    let orders = move || rows(4_000, move |n| doc! { "status": status(n), "n": n });
    let mail = |missing: bool| {
        rows(4_000, move |n| {
            if (n % 100 == 0) == missing {
                doc! { "n": n }
            } else {
                doc! { "n": n, "mail": format!("m{n}") }
            }
        })
    };
    vec![
        ask(
            "ne_of_a_value_that_is_rare",
            SELECTIVE,
            orders(),
            find(doc! { "status": { "$ne": "open" } }),
            useless([doc! { "status": 1 }]),
        ),
        ask(
            "nin_that_leaves_1_percent",
            SELECTIVE,
            orders(),
            find(doc! { "status": { "$nin": ["done", "sent"] } }),
            create([doc! { "status": 1 }]),
        ),
        ask(
            "ne_that_leaves_1_percent",
            SELECTIVE,
            rows(4_000, |n| doc! { "status": if n % 100 == 0 { "open" } else { "done" }, "n": n }),
            find(doc! { "status": { "$ne": "done" } }),
            create([doc! { "status": 1 }]),
        ),
        ask(
            "null_that_99_percent_have",
            SELECTIVE,
            rows(4_000, |n| doc! { "n": n, "gone": if n % 100 == 0 { Bson::Int32(n) } else { Bson::Null } }),
            find(doc! { "gone": null }),
            useless([doc! { "gone": 1 }]),
        ),
        ask(
            "null_that_1_percent_have",
            SUPPORT,
            rows(4_000, |n| doc! { "n": n, "parent": if n % 100 == 0 { Bson::Null } else { Bson::Int32(n) } }),
            find(doc! { "parent": null }),
            create([doc! { "parent": 1 }]),
        ),
        ask(
            "exists_where_1_percent_have_it",
            SPARSE,
            mail(false),
            find(doc! { "mail": { "$exists": true } }),
            Answer::Instead {
                choices: vec![
                    vec![with(doc! { "mail": 1 }, doc! { "sparse": true })],
                    vec![with(doc! { "mail": 1 }, doc! { "partialFilterExpression": { "mail": { "$exists": true } } })],
                ],
                tempting: vec![tempting(on(doc! { "mail": 1 }), Flaw::Useless)],
            },
        ),
        ask(
            "exists_not_where_1_percent_lack_it",
            SPARSE,
            mail(true),
            find(doc! { "mail": { "$exists": false } }),
            create([doc! { "mail": 1 }]),
        ),
        ask(
            "exists_where_99_percent_have_it",
            SPARSE,
            mail(true),
            find(doc! { "mail": { "$exists": true } }),
            Answer::Nothing {
                tempting: vec![
                    tempting(on(doc! { "mail": 1 }), Flaw::Useless),
                    tempting(with(doc! { "mail": 1 }, doc! { "sparse": true }), Flaw::Useless),
                ],
            },
        ),
        ask(
            "nor_that_leaves_1_percent",
            "$nor",
            orders(),
            find(doc! { "$nor": [{ "status": "done" }, { "status": "sent" }] }),
            useless([doc! { "status": 1 }]),
        ),
    ]
}

fn existing() -> Vec<Question> {
    let orders = || rows(5_000, |n| doc! { "user": n % 5, "shop": n % 497, "active": n % 3 != 0, "n": n });
    vec![
        ask(
            "existing_index_on_one_of_two_fields",
            "Compound Indexes",
            orders().index(doc! { "user": 1 }),
            find(doc! { "user": 3, "shop": 3 }),
            create([doc! { "user": 1, "shop": 1 }, doc! { "shop": 1, "user": 1 }, doc! { "shop": 1 }]),
        ),
        ask(
            "existing_index_serves_a_query_that_returns_much",
            SELECTIVE,
            orders().index(doc! { "user": 1 }),
            find(doc! { "user": 3 }),
            useless([doc! { "user": 1, "n": 1 }]),
        ),
        ask(
            "existing_index_is_hidden",
            "Hidden Indexes",
            orders().index_with(doc! { "shop": 1 }, doc! { "hidden": true }),
            find(doc! { "shop": 3 }),
            all_of([with(doc! { "shop": 1 }, doc! { "unhide": "shop_1" })]),
        ),
        ask(
            "existing_wildcard_index_serves",
            "Wildcard Indexes",
            rows(4_000, |n| doc! { "attrs": { "color": n % 2, "size": n } }).index(doc! { "attrs.$**": 1 }),
            find(doc! { "attrs.color": 1 }),
            useless([doc! { "attrs.color": 1 }]),
        ),
        ask(
            "existing_wildcard_index_on_one_of_two_fields",
            "Wildcard Indexes",
            rows(6_000, |n| doc! { "attrs": { "color": n % 3, "size": n % 1_000 / 333 }, "n": n })
                .index(doc! { "attrs.$**": 1 }),
            find(doc! { "attrs.color": 1, "attrs.size": 3 }),
            useless([doc! { "attrs.size": 1 }]),
        ),
        ask(
            "existing_partial_index_contains_what_is_asked",
            PARTIAL,
            orders().index_with(doc! { "user": 1 }, doc! { "partialFilterExpression": { "active": true } }),
            find(doc! { "user": 3, "active": true }),
            useless([doc! { "user": 1, "active": 1 }]),
        ),
        ask(
            "existing_partial_index_lacks_what_is_asked",
            PARTIAL,
            orders().index_with(doc! { "shop": 1 }, doc! { "partialFilterExpression": { "active": true } }),
            find(doc! { "shop": 3 }),
            create([doc! { "shop": 1 }]),
        ),
        ask(
            "two_existing_indexes_intersect",
            "Index Intersection",
            rows(6_000, |n| doc! { "a": n % 5, "b": n / 5 % 5, "n": n }).index(doc! { "a": 1 }).index(doc! { "b": 1 }),
            find(doc! { "a": 3, "b": 3 }),
            create([doc! { "a": 1, "b": 1 }, doc! { "b": 1, "a": 1 }]),
        ),
        ask(
            "hint_that_forces_another_index",
            "$hint",
            orders().index(doc! { "user": 1 }),
            doc! { "find": "c", "filter": { "user": 3, "shop": 3 }, "hint": "user_1" },
            useless([doc! { "shop": 1 }, doc! { "user": 1, "shop": 1 }]),
        ),
    ]
}

fn texts() -> Vec<Question> {
    let names = || rows(4_000, |n| doc! { "name": format!("{:04}-name", n * 7_919 % 4_000), "shop": n % 40 });
    let filters = [
        ("regex_with_a_prefix", doc! { "name": { "$regex": "^00" } }, Some(doc! { "name": 1 })),
        ("regex_without_an_anchor", doc! { "name": { "$regex": "77-n" } }, None),
        ("regex_that_ignores_case", doc! { "name": { "$regex": "^00", "$options": "i" } }, None),
        ("regex_beside_an_equality", doc! { "shop": 7, "name": { "$regex": "7-n" } }, Some(doc! { "shop": 1 })),
        ("script_alone", doc! { "$where": "this.name == '0007-name'" }, None),
        ("script_beside_an_equality", doc! { "shop": 7, "$where": "this.name > '2'" }, Some(doc! { "shop": 1 })),
        ("not_a_prefix", doc! { "name": { "$not": { "$regex": "^00" } } }, None),
        ("remainder_of_a_division", doc! { "shop": { "$mod": [2, 0] } }, None),
    ];
    let question = |(name, filter, key): (&'static str, _, Option<_>)| {
        let answer = key.map_or_else(|| useless([doc! { "name": 1 }, doc! { "shop": 1 }]), |key| create([key]));
        ask(name, "$regex: Index Use", names(), find(filter), answer)
    };
    let mut found: Vec<_> = filters.into_iter().map(question).collect();
    let fields = || rows(4_000, |n| doc! { "spent": n, "budget": 4_000 - n, "user": n % 400 });
    let computed =
        |name, expression, answer| ask(name, "$expr: Behavior", fields(), find(doc! { "$expr": expression }), answer);
    found.extend([
        computed("expr_equal_to_a_constant", doc! { "$eq": ["$user", 5] }, create([doc! { "user": 1 }])),
        computed("expr_greater_than_a_constant", doc! { "$gt": ["$spent", 3_950] }, create([doc! { "spent": 1 }])),
        computed(
            "expr_and_of_constants",
            doc! { "$and": [{ "$eq": ["$user", 5] }, { "$lt": ["$spent", 1_000] }] },
            create([doc! { "user": 1 }, doc! { "user": 1, "spent": 1 }]),
        ),
        computed(
            "expr_of_two_fields",
            doc! { "$gt": ["$spent", "$budget"] },
            useless([doc! { "spent": 1, "budget": 1 }, doc! { "spent": 1 }]),
        ),
    ]);
    found
}
