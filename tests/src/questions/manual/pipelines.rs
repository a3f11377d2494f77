//! Pipelines: the stages that can use an index, and the order in which the server runs them.

use bson::{Document, doc};

use super::{asked, below, collection, one_of, useless};
use crate::questions::{Answer, NewIndex, Question};

const LOOKUP: &str = "https://www.mongodb.com/docs/manual/reference/operator/aggregation/lookup";
const ORDER: &str = "https://www.mongodb.com/docs/manual/core/aggregation-pipeline-optimization";
const STAGES: &str = "https://www.mongodb.com/docs/manual/core/aggregation-pipeline";
const EXPR: &str = "https://www.mongodb.com/docs/manual/reference/operator/query/expr";
const DISTINCT: &str = "https://www.mongodb.com/docs/manual/reference/command/distinct";

pub(super) fn questions() -> Vec<Question> {
    vec![
        lookup_by_sku(),
        match_behind_project(),
        match_behind_computed_field(),
        newest_of_each_group(),
        constant_in_expr(),
        two_fields_in_expr(),
        distinct_values(),
    ]
}

fn line(number: i32) -> Document {
    doc! {
        "customer": below(700, 1, number),
        "sku": format!("sku {}", below(3_000, 2, number)),
        "price": below(500, 3, number),
        "quantity": 1 + below(9, 4, number),
    }
}

fn lookup_by_sku() -> Question {
    let product = |number| doc! { "sku": format!("sku {number}"), "title": format!("product {number}") };
    let order = |number| doc! { "day": number / 10, "sku": format!("sku {}", below(3_000, 2, number)) };
    let join = doc! { "from": "products", "localField": "sku", "foreignField": "sku", "as": "product" };
    let command = doc! { "aggregate": "orders", "pipeline": [{ "$match": { "day": 77 } }, { "$lookup": join }] };
    let answer = one_of(vec![NewIndex::new("products", doc! { "sku": 1 })]);
    let by_day = doc! { "key": { "day": 1 }, "name": "day_1" };
    let collections =
        vec![collection("orders", 1_000, order, vec![by_day]), collection("products", 3_000, product, vec![])];
    asked("lookup_by_sku", LOOKUP, collections, command, answer)
}

fn match_behind_project() -> Question {
    let pipeline = [
        doc! { "$project": { "customer": 1, "sum": { "$multiply": ["$price", "$quantity"] } } },
        doc! { "$match": { "customer": 44, "sum": { "$gt": 100 } } },
    ];
    let command = doc! { "aggregate": "lines", "pipeline": pipeline.to_vec() };
    let answer = one_of(vec![NewIndex::new("lines", doc! { "customer": 1 })]);
    asked("match_behind_project", ORDER, vec![collection("lines", 9_000, line, vec![])], command, answer)
}

fn match_behind_computed_field() -> Question {
    let pipeline = [
        doc! { "$addFields": { "total": { "$multiply": ["$price", "$quantity"] } } },
        doc! { "$match": { "total": { "$gt": 4_000 } } },
    ];
    let command = doc! { "aggregate": "lines", "pipeline": pipeline.to_vec() };
    let tempting = vec![
        useless(vec![NewIndex::new("lines", doc! { "total": 1 })]),
        useless(vec![NewIndex::new("lines", doc! { "price": 1, "quantity": 1 })]),
    ];
    let answer = Answer::Nothing { tempting };
    asked("match_behind_computed_field", ORDER, vec![collection("lines", 9_000, line, vec![])], command, answer)
}

fn newest_of_each_group() -> Question {
    let reading = |number| doc! { "sensor": below(25, 1, number), "at": number, "value": below(1_000, 2, number) };
    let pipeline = [
        doc! { "$sort": { "sensor": 1, "at": 1 } },
        doc! { "$group": { "_id": "$sensor", "at": { "$first": "$at" } } },
    ];
    let command = doc! { "aggregate": "readings", "pipeline": pipeline.to_vec() };
    let answer = one_of(vec![NewIndex::new("readings", doc! { "sensor": 1, "at": 1 })]);
    asked("newest_of_each_group", STAGES, vec![collection("readings", 10_000, reading, vec![])], command, answer)
}

fn constant_in_expr() -> Question {
    let command = doc! { "find": "lines", "filter": { "$expr": { "$eq": ["$customer", 12] } } };
    let answer = one_of(vec![NewIndex::new("lines", doc! { "customer": 1 })]);
    asked("constant_in_expr", EXPR, vec![collection("lines", 9_000, line, vec![])], command, answer)
}

fn two_fields_in_expr() -> Question {
    let month = |number| doc! { "category": below(30, 1, number), "spent": below(900, 2, number), "budget": below(900, 3, number) };
    let command = doc! { "find": "months", "filter": { "$expr": { "$gt": ["$spent", "$budget"] } } };
    let tempting = vec![
        useless(vec![NewIndex::new("months", doc! { "spent": 1 })]),
        useless(vec![NewIndex::new("months", doc! { "spent": 1, "budget": 1 })]),
    ];
    let answer = Answer::Nothing { tempting };
    asked("two_fields_in_expr", EXPR, vec![collection("months", 5_000, month, vec![])], command, answer)
}

fn distinct_values() -> Question {
    let command = doc! { "distinct": "lines", "key": "customer" };
    let answer = one_of(vec![NewIndex::new("lines", doc! { "customer": 1 })]);
    asked("distinct_values", DISTINCT, vec![collection("lines", 9_000, line, vec![])], command, answer)
}
