//! Questions on ranges and sorts.

use bson::{Bson, DateTime, Document, doc};

use super::write::{ESR, SELECTIVE, SORT, ask, create, find, rows, sorted, useless};
use super::{Collection, Question};

/// Returns the questions.
pub(super) fn questions() -> Vec<Question> {
    [ranges(), sorts(), orders_and_ranges(), long_lists()].concat()
}

fn at(n: i32) -> DateTime {
    DateTime::from_millis(1_700_000_000_000 + i64::from(n) * 3_600_000)
}

/// Orders, of which one in a thousand has a total above 998.
fn orders(count: i32) -> Collection {
    let status = |n: i32| if n % 100 == 7 { "failed" } else { "paid" };
    rows(count, move |n| {
        doc! { "created": at(n), "total": n * 7_919 % 1_000, "shop": n % 3, "user": n % 50, "status": status(n) }
    })
}

fn ranges() -> Vec<Question> {
    let day = doc! { "$gte": at(4_000), "$lt": at(4_024) };
    vec![
        ask(
            "range_of_2_percent",
            SELECTIVE,
            orders(5_000),
            find(doc! { "total": { "$gt": 980 } }),
            create([doc! { "total": 1 }]),
        ),
        ask(
            "range_of_90_percent",
            SELECTIVE,
            orders(5_000),
            find(doc! { "total": { "$gte": 100 } }),
            useless([doc! { "total": 1 }]),
        ),
        ask(
            "two_ranges_one_of_which_is_selective",
            SELECTIVE,
            orders(5_000),
            find(doc! { "created": { "$gt": at(-1) }, "total": { "$gt": 990 } }),
            create([doc! { "total": 1 }, doc! { "total": 1, "created": 1 }]),
        ),
        ask(
            "range_behind_an_equality",
            ESR,
            orders(6_000),
            find(doc! { "shop": 1, "total": { "$lt": 200 } }),
            create([doc! { "shop": 1, "total": 1 }]),
        ),
        ask(
            "dates_of_one_day",
            SELECTIVE,
            orders(5_000),
            find(doc! { "created": day }),
            create([doc! { "created": 1 }]),
        ),
        ask(
            "rare_value_in_half_of_all_dates",
            ESR,
            orders(5_000),
            find(doc! { "created": { "$gte": at(2_500) }, "status": "failed" }),
            create([doc! { "status": 1, "created": 1 }, doc! { "status": 1 }]),
        ),
        ask(
            "range_from_both_sides",
            SELECTIVE,
            orders(5_000),
            find(doc! { "total": { "$gte": 450, "$lt": 500 } }),
            create([doc! { "total": 1 }]),
        ),
    ]
}

fn sorts() -> Vec<Question> {
    let recent = || sorted(doc! {}, doc! { "created": -1 }, 10);
    vec![
        ask(
            "sort_of_all_with_a_limit",
            SORT,
            orders(4_000),
            recent(),
            create([doc! { "created": -1 }, doc! { "created": 1 }]),
        ),
        ask(
            "sort_that_an_index_serves_backwards",
            SORT,
            orders(4_000).index(doc! { "created": 1 }),
            recent(),
            useless([doc! { "created": -1 }]),
        ),
        ask(
            "sort_in_memory_behind_an_index",
            SORT,
            orders(6_000).index(doc! { "shop": 1 }),
            doc! { "find": "c", "filter": { "shop": 1 }, "sort": { "created": -1 } },
            create([doc! { "shop": 1, "created": -1 }, doc! { "shop": 1, "created": 1 }]),
        ),
        ask(
            "sort_in_mixed_directions",
            SORT,
            orders(4_000).index(doc! { "shop": 1, "created": 1 }),
            sorted(doc! {}, doc! { "shop": 1, "created": -1 }, 10),
            create([doc! { "shop": 1, "created": -1 }, doc! { "shop": -1, "created": 1 }]),
        ),
        ask(
            "sort_by_id_of_few",
            SORT,
            orders(6_000),
            sorted(doc! { "status": "failed" }, doc! { "_id": -1 }, 10),
            create([doc! { "status": 1, "_id": -1 }, doc! { "status": 1, "_id": 1 }]),
        ),
        ask(
            "sort_with_a_page_far_behind",
            SORT,
            orders(4_000),
            doc! { "find": "c", "filter": {}, "sort": { "created": 1 }, "skip": 2_000, "limit": 10 },
            create([doc! { "created": 1 }]),
        ),
        ask(
            "sort_by_a_second_field_of_an_equality",
            ESR,
            orders(6_000).index(doc! { "user": 1 }),
            sorted(doc! { "shop": 1 }, doc! { "user": 1, "created": -1 }, 10),
            create([doc! { "shop": 1, "user": 1, "created": -1 }]),
        ),
    ]
}

fn orders_and_ranges() -> Vec<Question> {
    let newest = |filter: Document, limit| sorted(filter, doc! { "created": -1 }, limit);
    vec![
        ask(
            "range_of_few_before_the_sort",
            ESR,
            orders(6_000),
            newest(doc! { "total": { "$gt": 995 } }, 100),
            create([doc! { "total": 1 }, doc! { "total": 1, "created": -1 }]),
        ),
        ask(
            "sort_before_a_range_of_most",
            ESR,
            orders(6_000),
            newest(doc! { "total": { "$gte": 100 } }, 20),
            create([doc! { "created": -1 }, doc! { "created": -1, "total": 1 }]),
        ),
        ask(
            "equality_sort_range_of_most",
            ESR,
            orders(6_000),
            newest(doc! { "shop": 1, "total": { "$gte": 400 } }, 20),
            create([doc! { "shop": 1, "created": -1, "total": 1 }, doc! { "shop": 1, "created": -1 }]),
        ),
        ask(
            "equality_range_of_few_sort",
            ESR,
            orders(6_000),
            newest(doc! { "shop": 1, "total": { "$gt": 995 } }, 20),
            create([doc! { "shop": 1, "total": 1 }, doc! { "shop": 1, "total": 1, "created": -1 }]),
        ),
        ask(
            "equality_of_half_and_sort",
            SORT,
            orders(6_000),
            newest(doc! { "status": "paid" }, 10),
            create([doc! { "created": -1 }, doc! { "status": 1, "created": -1 }]),
        ),
        ask(
            "range_on_the_sorted_field",
            ESR,
            orders(6_000),
            newest(doc! { "created": { "$lt": at(3_000) }, "user": 7 }, 10),
            create([doc! { "user": 1, "created": -1 }]),
        ),
        ask(
            "equality_of_many_sorted_and_all_returned",
            ESR,
            orders(6_000),
            doc! { "find": "c", "filter": { "user": 7, "total": { "$gte": 100 } }, "sort": { "created": 1 } },
            create([doc! { "user": 1, "created": 1, "total": 1 }, doc! { "user": 1, "created": 1 }]),
        ),
    ]
}

fn long_lists() -> Vec<Question> {
    let people = || rows(6_000, |n| doc! { "user": n * 7_919 % 1_000, "created": at(n), "n": n });
    let list = |count: i32| (0..count).map(Bson::from).collect::<Vec<_>>();
    vec![
        ask(
            "short_list_and_sort",
            ESR,
            people(),
            sorted(doc! { "user": { "$in": list(3) } }, doc! { "created": -1 }, 3),
            create([doc! { "user": 1, "created": -1 }]),
        ),
        ask(
            "long_list_and_sort",
            ESR,
            people(),
            sorted(doc! { "user": { "$in": list(300) } }, doc! { "created": -1 }, 10),
            create([doc! { "created": -1, "user": 1 }, doc! { "created": -1 }]),
        ),
        ask(
            "long_list_of_few",
            SELECTIVE,
            people(),
            find(doc! { "user": { "$in": list(50) } }),
            create([doc! { "user": 1 }]),
        ),
    ]
}
