//! Questions for indexes that can go.

use bson::{Document, doc};

use super::write::{COLLATION, COMPOUND, MULTIKEY, PARTIAL, SPARSE, find, rows};
use super::{Asked, Collection, Question};

/// Returns the questions.
pub(super) fn questions() -> Vec<Question> {
    [plain(), special()].concat()
}

fn ask(
    name: &'static str,
    source: &'static str,
    collection: Collection,
    commands: impl Into<Vec<Document>>,
    (needless, needed): (&[&'static str], &[&'static str]),
) -> Question {
    let asked = Asked::Indexes {
        commands: commands.into(),
        needless: needless.to_vec(),
        needed: needed.to_vec(),
        refused: Vec::new(),
    };
    Question { name, source, collections: vec![collection], asked }
}

fn orders() -> Collection {
    rows(3_000, |n| doc! { "user": n % 50, "created": n, "shop": n % 7, "name": format!("n{}", n % 300) })
}

fn plain() -> Vec<Question> {
    let two = || orders().index(doc! { "user": 1 }).index(doc! { "user": 1, "created": 1 });
    let hinted = |hint: bson::Bson| doc! { "find": "c", "filter": { "user": 5 }, "hint": hint };
    let newest = || doc! { "find": "c", "filter": { "user": 5 }, "sort": { "created": -1 } };
    vec![
        ask("beginning_of_a_longer_index", COMPOUND, two(), [newest()], (&["user_1"], &["user_1_created_1"])),
        ask(
            "beginning_of_a_longer_index_backwards",
            COMPOUND,
            orders().index(doc! { "user": -1 }).index(doc! { "user": 1, "created": 1 }),
            [newest()],
            (&["user_-1"], &["user_1_created_1"]),
        ),
        ask(
            "two_beginnings_of_a_longer_index",
            COMPOUND,
            two().index(doc! { "user": 1, "created": 1, "shop": 1 }),
            [doc! { "find": "c", "filter": { "user": 5, "created": 5, "shop": { "$gt": 1 } } }],
            (&["user_1", "user_1_created_1"], &[]),
        ),
        ask("beginning_that_is_hinted", "$hint", two(), [newest(), hinted("user_1".into())], (&[], &["user_1"])),
        ask(
            "beginning_that_is_hinted_by_its_key",
            "$hint",
            two(),
            [newest(), hinted(doc! { "user": 1 }.into())],
            (&[], &["user_1"]),
        ),
        ask(
            "end_of_a_longer_index",
            COMPOUND,
            orders().index(doc! { "shop": 1 }).index(doc! { "user": 1, "shop": 1 }),
            [find(doc! { "shop": 5 }), find(doc! { "user": 5, "shop": 5 })],
            (&[], &["shop_1"]),
        ),
    ]
}

fn special() -> Vec<Question> {
    let long = doc! { "user": 1, "created": 1 };
    let wide = |n: i32| doc! { "user": n % 100, "tags": (0..50).map(|k| (n * 7 + k) % 5_000).collect::<Vec<_>>() };
    let coupon = |n: i32| {
        if n % 50 == 0 {
            doc! { "coupon": "x", "n": n }
        } else {
            doc! { "n": n }
        }
    };
    let old = |n: i32| doc! { "user": n % 50, "created": n, "old": n % 20 == 0 };
    let text =
        |filter: Document| doc! { "find": "c", "filter": filter, "collation": { "locale": "en", "strength": 2 } };
    let mut unique = ask(
        "beginning_that_is_unique",
        "Unique Indexes",
        rows(1_000, |n| doc! { "mail": format!("m{n}"), "n": n })
            .index_with(doc! { "mail": 1 }, doc! { "unique": true })
            .index(doc! { "mail": 1, "n": 1 }),
        [doc! { "find": "c", "filter": { "mail": "m7", "n": 7 } }],
        (&[], &["mail_1"]),
    );
    if let Asked::Indexes { refused, .. } = &mut unique.asked {
        refused.push(doc! { "insert": "c", "documents": [{ "mail": "m7", "n": 8 }] });
    }
    vec![
        unique,
        ask(
            "beginning_of_one_that_ends_in_an_array",
            MULTIKEY,
            rows(1_000, wide).index(doc! { "user": 1 }).index(doc! { "user": 1, "tags": 1 }),
            [find(doc! { "user": { "$lt": 30 } }), find(doc! { "user": 5, "tags": 7 })],
            (&[], &["user_1"]),
        ),
        ask(
            "beginning_that_is_sparse",
            SPARSE,
            rows(3_000, coupon)
                .index_with(doc! { "coupon": 1 }, doc! { "sparse": true })
                .index(doc! { "coupon": 1, "n": 1 }),
            [find(doc! { "coupon": { "$exists": true } })],
            (&[], &["coupon_1"]),
        ),
        ask(
            "beginning_that_is_partial",
            PARTIAL,
            rows(3_000, old)
                .index_with(doc! { "user": 1 }, doc! { "partialFilterExpression": { "old": true } })
                .index(long.clone()),
            [find(doc! { "user": { "$lt": 25 }, "old": true })],
            (&[], &["user_1"]),
        ),
        ask(
            "beginning_of_one_that_is_partial",
            PARTIAL,
            rows(3_000, old)
                .index(doc! { "user": 1 })
                .index_with(long.clone(), doc! { "partialFilterExpression": { "old": true } }),
            [find(doc! { "user": 5 })],
            (&[], &["user_1"]),
        ),
        ask(
            "beginning_of_one_that_is_sparse",
            SPARSE,
            orders().index(doc! { "user": 1 }).index_with(long.clone(), doc! { "sparse": true }),
            [doc! { "find": "c", "filter": {}, "sort": { "user": 1 }, "limit": 10 }],
            (&[], &["user_1"]),
        ),
        ask(
            "beginning_with_a_collation",
            COLLATION,
            orders()
                .index_with(doc! { "name": 1 }, doc! { "collation": { "locale": "en", "strength": 2 } })
                .index(doc! { "name": 1, "user": 1 }),
            [text(doc! { "name": "N7" })],
            (&[], &["name_1"]),
        ),
        ask(
            "beginning_that_expires_documents",
            "TTL Indexes",
            rows(1_000, |n| doc! { "at": bson::DateTime::MAX, "n": n })
                .index_with(doc! { "at": 1 }, doc! { "expireAfterSeconds": 60 })
                .index(doc! { "at": 1, "n": 1 }),
            [doc! { "find": "c", "filter": {}, "sort": { "at": 1, "n": 1 }, "limit": 5 }],
            (&[], &["at_1"]),
        ),
        ask(
            "beginning_of_one_with_places",
            "2dsphere Indexes: Sparse by Default",
            rows(3_000, |n| doc! { "user": n % 50, "place": [n % 90, n % 80] })
                .index(doc! { "user": 1 })
                .index(doc! { "user": 1, "place": "2dsphere" }),
            [find(doc! { "user": 5 })],
            (&[], &["user_1"]),
        ),
    ]
}
