//! Indexes with options and of other kinds: collation, sparse, partial, geographic, and the patterns that they serve.

use bson::{Document, doc};

use super::{asked, below, chosen, collection, one_of, useless, with_options};
use crate::questions::{Answer, NewIndex, Question};

const CASE: &str = "https://www.mongodb.com/docs/manual/core/index-case-insensitive";
const REGEX: &str = "https://www.mongodb.com/docs/manual/reference/operator/query/regex";
const PARTIAL: &str = "https://www.mongodb.com/docs/manual/core/index-partial";
const EXISTS: &str = "https://www.mongodb.com/docs/manual/reference/operator/query/exists";
const SPHERE: &str = "https://www.mongodb.com/docs/manual/core/indexes/index-types/geospatial/2dsphere";
const NE: &str = "https://www.mongodb.com/docs/manual/reference/operator/query/ne";

pub(super) fn questions() -> Vec<Question> {
    vec![
        name_in_any_case(),
        code_by_its_start(),
        code_by_its_end(),
        customer_of_any_state(),
        rare_field(),
        shops_in_an_area(),
        jobs_not_done(),
        tasks_not_closed(),
    ]
}

fn person(number: i32) -> Document {
    let name = format!("name{}", below(5_000, 1, number));
    let name = if number % 2 == 0 { name } else { name.to_uppercase() };
    doc! { "name": name, "code": format!("{:03}-{:04}", below(900, 2, number), number) }
}

fn name_in_any_case() -> Question {
    let collation = doc! { "locale": "en", "strength": 2 };
    let command = doc! { "find": "people", "filter": { "name": "Name77" }, "collation": collation.clone() };
    let answer = one_of(vec![with_options("people", doc! { "name": 1 }, doc! { "collation": collation })]);
    let by_bytes = doc! { "key": { "name": 1 }, "name": "name_1" };
    asked("name_in_any_case", CASE, vec![collection("people", 6_000, person, vec![by_bytes])], command, answer)
}

fn code_by_its_start() -> Question {
    let command = doc! { "find": "people", "filter": { "code": { "$regex": "^012-" } } };
    let answer = one_of(vec![NewIndex::new("people", doc! { "code": 1 })]);
    asked("code_by_its_start", REGEX, vec![collection("people", 6_000, person, vec![])], command, answer)
}

fn code_by_its_end() -> Question {
    // Neither the start of the text nor its case is given: each entry of an index would be read.
    let command = doc! { "find": "people", "filter": { "code": { "$regex": "[02468]$", "$options": "i" } } };
    let collation = doc! { "collation": { "locale": "en", "strength": 2 } };
    let tempting = vec![
        useless(vec![NewIndex::new("people", doc! { "code": 1 })]),
        useless(vec![with_options("people", doc! { "code": 1 }, collation)]),
    ];
    let answer = Answer::Nothing { tempting };
    asked("code_by_its_end", REGEX, vec![collection("people", 6_000, person, vec![])], command, answer)
}

fn customer_of_any_state() -> Question {
    let order = |number| {
        doc! {
            "customer": below(900, 1, number),
            "state": chosen(&["open", "sent", "paid", "paid", "paid"], 2, number),
        }
    };
    let command = doc! { "find": "orders", "filter": { "customer": 170 } };
    let answer = one_of(vec![NewIndex::new("orders", doc! { "customer": 1 })]);
    let open = doc! {
        "key": { "customer": 1 },
        "name": "customer_open",
        "partialFilterExpression": { "state": "open" },
    };
    asked("customer_of_any_state", PARTIAL, vec![collection("orders", 9_000, order, vec![open])], command, answer)
}

fn rare_field() -> Question {
    let account = |number| {
        let mut account = doc! { "name": format!("account {number}") };
        if below(80, 1, number) == 0 {
            account.insert("locked", format!("reason {}", below(5, 2, number)));
        }
        account
    };
    let command = doc! { "find": "accounts", "filter": { "locked": { "$exists": true } } };
    let present = doc! { "partialFilterExpression": { "locked": { "$exists": true } } };
    let answer = one_of(vec![
        with_options("accounts", doc! { "locked": 1 }, doc! { "sparse": true }),
        with_options("accounts", doc! { "locked": 1 }, present),
    ]);
    asked("rare_field", EXISTS, vec![collection("accounts", 8_000, account, vec![])], command, answer)
}

fn shops_in_an_area() -> Question {
    let shop = |number| {
        let longitude = f64::from(below(3_600, 1, number)) / 10.0 - 180.0;
        let latitude = f64::from(below(1_600, 2, number)) / 10.0 - 80.0;
        doc! { "name": format!("shop {number}"), "place": { "type": "Point", "coordinates": [longitude, latitude] } }
    };
    let corners = [[10.0, 45.0], [20.0, 45.0], [20.0, 55.0], [10.0, 55.0], [10.0, 45.0]];
    let corners: Vec<_> = corners.iter().map(|corner| corner.to_vec()).collect();
    let area = doc! { "type": "Polygon", "coordinates": [corners] };
    let command = doc! { "find": "shops", "filter": { "place": { "$geoWithin": { "$geometry": area } } } };
    let answer = one_of(vec![NewIndex::new("shops", doc! { "place": "2dsphere" })]);
    asked("shops_in_an_area", SPHERE, vec![collection("shops", 6_000, shop, vec![])], command, answer)
}

fn job(states: [&str; 2], other_in: i32, number: i32) -> Document {
    doc! {
        "state": if below(other_in, 1, number) == 0 { states[1] } else { states[0] },
        "queue": below(20, 2, number),
        "payload": format!("job {number}"),
    }
}

fn jobs_not_done() -> Question {
    let command = doc! { "find": "jobs", "filter": { "state": { "$ne": "done" } } };
    let answer = one_of(vec![NewIndex::new("jobs", doc! { "state": 1 })]);
    let jobs = collection("jobs", 10_000, |number| job(["done", "failed"], 100, number), vec![]);
    asked("jobs_not_done", NE, vec![jobs], command, answer)
}

fn tasks_not_closed() -> Question {
    let command = doc! { "find": "tasks", "filter": { "state": { "$ne": "closed" } } };
    let answer = Answer::Nothing { tempting: vec![useless(vec![NewIndex::new("tasks", doc! { "state": 1 })])] };
    let tasks = collection("tasks", 10_000, |number| job(["open", "closed"], 5, number), vec![]);
    asked("tasks_not_closed", NE, vec![tasks], command, answer)
}
