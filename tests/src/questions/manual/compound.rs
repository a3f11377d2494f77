//! Compound indexes: order of the keys, prefixes, sorts.

use bson::{DateTime, Document, doc};

use super::{asked, below, chosen, collection, one_of};
use crate::questions::{Answer, NewIndex, Question};

/// The page on the order of equality, sort and range.
const ESR: &str = "https://www.mongodb.com/docs/manual/tutorial/equality-sort-range-guideline";
const SORTS: &str = "https://www.mongodb.com/docs/manual/tutorial/sort-results-with-indexes";
const PREFIXES: &str = "https://www.mongodb.com/docs/manual/core/indexes/index-types/index-compound";
const SELECTIVITY: &str = "https://www.mongodb.com/docs/manual/tutorial/create-queries-that-ensure-selectivity";
const COVERED: &str = "https://www.mongodb.com/docs/manual/core/query-optimization";

pub(super) fn questions() -> Vec<Question> {
    vec![
        sort_before_range(),
        range_before_sort(),
        list_of_values_before_sort(),
        sort_in_two_directions(),
        sort_behind_a_gap(),
        key_that_is_no_prefix(),
        flag_and_date(),
        covered_report(),
    ]
}

/// The moment of a minute after the start of 2024.
fn minute(number: i32) -> DateTime {
    DateTime::from_millis(1_704_067_200_000 + i64::from(number) * 60_000)
}

fn car(number: i32) -> Document {
    doc! {
        "manufacturer": format!("maker {}", below(20, 1, number)),
        "model": format!("model {}", below(400, 2, number)),
        "cost": 9_000 + below(60_000, 3, number),
        "sold": minute(below(500_000, 4, number)),
    }
}

fn sort_before_range() -> Question {
    let command = doc! {
        "find": "cars",
        "filter": { "manufacturer": "maker 7", "cost": { "$gt": 15_000 } },
        "sort": { "model": 1 },
        "limit": 20,
    };
    let answer = one_of(vec![NewIndex::new("cars", doc! { "manufacturer": 1, "model": 1, "cost": 1 })]);
    asked("sort_before_range", ESR, vec![collection("cars", 10_000, car, vec![])], command, answer)
}

fn range_before_sort() -> Question {
    let order = |number| {
        doc! {
            "status": if below(20, 1, number) == 0 { "open" } else { "paid" },
            "total": below(100_000, 2, number),
            "placed": minute(below(500_000, 3, number)),
        }
    };
    let command = doc! {
        "find": "orders",
        "filter": { "status": "paid", "total": { "$gte": 99_900 } },
        "sort": { "placed": -1 },
    };
    let answer = one_of(vec![
        NewIndex::new("orders", doc! { "status": 1, "total": 1, "placed": 1 }),
        NewIndex::new("orders", doc! { "total": 1 }),
    ]);
    asked("range_before_sort", ESR, vec![collection("orders", 12_000, order, vec![])], command, answer)
}

fn list_of_values_before_sort() -> Question {
    let ticket = |number| {
        doc! {
            "team": format!("team {}", below(12, 1, number)),
            "opened": minute(below(500_000, 2, number)),
            "title": format!("ticket {number}"),
        }
    };
    let command = doc! {
        "find": "tickets",
        "filter": { "team": { "$in": ["team 2", "team 5", "team 9"] } },
        "sort": { "opened": -1 },
        "limit": 25,
    };
    let answer = one_of(vec![NewIndex::new("tickets", doc! { "team": 1, "opened": -1 })]);
    asked("list_of_values_before_sort", ESR, vec![collection("tickets", 8_000, ticket, vec![])], command, answer)
}

fn sort_in_two_directions() -> Question {
    let score =
        |number| doc! { "player": format!("player {number}"), "score": below(50, 1, number), "at": minute(number) };
    let command = doc! { "find": "scores", "filter": {}, "sort": { "score": -1, "at": 1 }, "limit": 10 };
    // The same index, read from either end.
    let answer = one_of(vec![
        NewIndex::new("scores", doc! { "score": -1, "at": 1 }),
        NewIndex::new("scores", doc! { "score": 1, "at": -1 }),
    ]);
    let by_score = doc! { "key": { "score": 1, "at": 1 }, "name": "score_1_at_1" };
    asked("sort_in_two_directions", SORTS, vec![collection("scores", 6_000, score, vec![by_score])], command, answer)
}

fn sort_behind_a_gap() -> Question {
    let parcel = |number| {
        doc! {
            "depot": below(10, 1, number),
            "route": below(300, 2, number),
            "weight": below(40_000, 3, number),
        }
    };
    let command = doc! { "find": "parcels", "filter": { "depot": 4 }, "sort": { "weight": -1 }, "limit": 10 };
    let answer = one_of(vec![NewIndex::new("parcels", doc! { "depot": 1, "weight": 1 })]);
    let by_route = doc! { "key": { "depot": 1, "route": 1, "weight": 1 }, "name": "depot_1_route_1_weight_1" };
    asked("sort_behind_a_gap", SORTS, vec![collection("parcels", 9_000, parcel, vec![by_route])], command, answer)
}

fn key_that_is_no_prefix() -> Question {
    let part = |number| {
        doc! {
            "item": format!("item {}", below(3_000, 1, number)),
            "location": format!("shelf {}", below(250, 2, number)),
            "stock": below(100, 3, number),
        }
    };
    let command = doc! { "find": "parts", "filter": { "location": "shelf 31", "stock": { "$lt": 50 } } };
    let answer = one_of(vec![
        NewIndex::new("parts", doc! { "location": 1, "stock": 1 }),
        NewIndex::new("parts", doc! { "location": 1 }),
    ]);
    let by_item = doc! { "key": { "item": 1, "location": 1, "stock": 1 }, "name": "item_1_location_1_stock_1" };
    asked("key_that_is_no_prefix", PREFIXES, vec![collection("parts", 10_000, part, vec![by_item])], command, answer)
}

fn flag_and_date() -> Question {
    let message = |number| {
        doc! {
            "status": if below(2, 1, number) == 0 { "processed" } else { "new" },
            "created": minute(number),
            "text": format!("message {number}"),
        }
    };
    let command = doc! {
        "find": "messages",
        "filter": { "status": "new", "created": { "$gte": minute(9_700) } },
    };
    let answer = one_of(vec![
        NewIndex::new("messages", doc! { "status": 1, "created": 1 }),
        NewIndex::new("messages", doc! { "created": 1 }),
    ]);
    let by_status = doc! { "key": { "status": 1 }, "name": "status_1" };
    asked("flag_and_date", SELECTIVITY, vec![collection("messages", 10_000, message, vec![by_status])], command, answer)
}

fn covered_report() -> Question {
    let product = |number| {
        doc! {
            "type": chosen(&["food", "tools", "toys", "books", "food"], 1, number),
            "item": format!("item {number}"),
            "description": "a text of some length that the report leaves out",
        }
    };
    let command = doc! {
        "find": "products",
        "filter": { "type": "food" },
        "projection": { "type": 1, "item": 1, "_id": 0 },
    };
    // Two fifths of the documents match: an index on the type alone is read beside each of them.
    let answer = Answer::Create(vec![vec![NewIndex::new("products", doc! { "type": 1, "item": 1 })]]);
    asked("covered_report", COVERED, vec![collection("products", 10_000, product, vec![])], command, answer)
}
