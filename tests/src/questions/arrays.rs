//! Questions on arrays.

use bson::{Bson, Document, doc};

use super::write::{MULTIKEY, ask, create, find, on, rows, sorted, tempting, useless};
use super::{Answer, Collection, Flaw, NewIndex, Question, Tempting};

/// Returns the questions.
pub(super) fn questions() -> Vec<Question> {
    [elements(), several()].concat()
}

/// Articles with two tags of 400 and one category of 5.
fn articles() -> Collection {
    rows(4_000, |n| {
        let tags = vec![n % 400, n * 7 % 400 + 1_000];
        doc! { "tags": tags, "cats": [n % 5, 9], "user": n % 8, "n": n }
    })
}

fn elements() -> Vec<Question> {
    let items = |n: i32| vec![doc! { "sku": n % 300, "qty": n % 7 }, doc! { "sku": n % 299, "qty": 9 }];
    let sold = move || rows(4_000, move |n| doc! { "items": items(n), "n": n });
    vec![
        ask("element_of_an_array", MULTIKEY, articles(), find(doc! { "tags": 7 }), create([doc! { "tags": 1 }])),
        ask(
            "element_match_of_two_fields",
            "$elemMatch",
            sold(),
            find(doc! { "items": { "$elemMatch": { "sku": 7, "qty": { "$lt": 5 } } } }),
            create([doc! { "items.sku": 1, "items.qty": 1 }, doc! { "items.sku": 1 }]),
        ),
        ask("field_in_an_array", MULTIKEY, sold(), find(doc! { "items.sku": 7 }), create([doc! { "items.sku": 1 }])),
        ask(
            "all_of_two_elements",
            "$all",
            articles(),
            find(doc! { "tags": { "$all": [7, 1_049] } }),
            create([doc! { "tags": 1 }]),
        ),
        ask(
            "number_of_elements",
            "$size",
            rows(4_000, |n| doc! { "tags": (0..n % 40).collect::<Vec<_>>() }),
            find(doc! { "tags": { "$size": 7 } }),
            useless([doc! { "tags": 1 }]),
        ),
        ask(
            "element_and_sort",
            MULTIKEY,
            rows(6_000, |n| doc! { "tags": [n % 9, 20 + n % 11], "n": n, "created": n * 7_919 % 6_000 }),
            sorted(doc! { "tags": 7 }, doc! { "created": -1 }, 10),
            create([doc! { "tags": 1, "created": -1 }]),
        ),
        ask("element_that_all_have", MULTIKEY, articles(), find(doc! { "cats": 9 }), useless([doc! { "cats": 1 }])),
        ask("first_element", MULTIKEY, articles(), find(doc! { "tags.0": 7 }), create([doc! { "tags.0": 1 }])),
    ]
}

fn several() -> Vec<Question> {
    let refused = |key: Document| vec![tempting(on(key), Flaw::Refused)];
    let instead = |keys: &[Document], tempting: Vec<Tempting>| Answer::Instead {
        choices: keys.iter().map(|key| vec![on(key.clone())]).collect(),
        tempting,
    };
    let breaks = |key: Document, document: Document| Tempting {
        indexes: vec![NewIndex::new("c", key)],
        flaw: Flaw::Breaks(doc! { "insert": "c", "documents": [document] }),
    };
    let mixed = |n: i32| if n % 800 == 3 { Bson::from(vec![n % 400, 5_000]) } else { Bson::from(n % 400) };
    vec![
        ask(
            "elements_of_two_arrays",
            MULTIKEY,
            articles(),
            find(doc! { "tags": 7, "cats": 2 }),
            instead(&[doc! { "tags": 1 }], refused(doc! { "tags": 1, "cats": 1 })),
        ),
        ask(
            "two_arrays_behind_an_equality",
            MULTIKEY,
            articles(),
            find(doc! { "user": 7, "tags": 7, "cats": 2 }),
            instead(
                &[doc! { "tags": 1 }, doc! { "user": 1, "tags": 1 }],
                refused(doc! { "user": 1, "tags": 1, "cats": 1 }),
            ),
        ),
        ask(
            "field_that_is_seldom_an_array_beside_an_array",
            MULTIKEY,
            rows(4_000, move |n| doc! { "tag": mixed(n), "cats": [n % 5, 9], "n": n }),
            find(doc! { "tag": 7, "cats": 2 }),
            instead(&[doc! { "tag": 1 }], refused(doc! { "tag": 1, "cats": 1 })),
        ),
        ask(
            "field_that_is_seldom_an_array",
            MULTIKEY,
            rows(4_000, move |n| doc! { "tag": mixed(n), "user": n % 8, "n": n }),
            find(doc! { "tag": 7, "user": 7 }),
            create([doc! { "tag": 1, "user": 1 }, doc! { "user": 1, "tag": 1 }, doc! { "tag": 1 }]),
        ),
        ask(
            "field_that_may_become_an_array",
            MULTIKEY,
            rows(4_000, |n| doc! { "tags": ["a", "b"], "cat": n % 700 }),
            find(doc! { "tags": "b", "cat": 7 }),
            instead(
                &[doc! { "cat": 1 }],
                vec![
                    breaks(doc! { "cat": 1, "tags": 1 }, doc! { "tags": ["a"], "cat": [1, 2] }),
                    breaks(doc! { "tags": 1, "cat": 1 }, doc! { "tags": ["a"], "cat": [1, 2] }),
                ],
            ),
        ),
        ask(
            "existing_index_would_be_needed_on_two_arrays",
            MULTIKEY,
            articles().index(doc! { "cats": 1 }),
            find(doc! { "cats": 2, "tags": { "$in": [7, 8] } }),
            instead(&[doc! { "tags": 1 }], refused(doc! { "cats": 1, "tags": 1 })),
        ),
        ask(
            "equality_of_all_beside_an_array",
            MULTIKEY,
            rows(4_000, |n| doc! { "tags": [n % 400, 9_999], "live": true, "n": n }),
            find(doc! { "tags": 7, "live": true }),
            create([doc! { "tags": 1 }, doc! { "live": 1, "tags": 1 }]),
        ),
    ]
}
