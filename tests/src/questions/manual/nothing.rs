//! Commands that no further index helps.

use bson::{Bson, Document, doc};

use super::{asked, below, collection, useless};
use crate::questions::{Answer, NewIndex, Question};

const SELECTIVITY: &str = "https://www.mongodb.com/docs/manual/tutorial/create-queries-that-ensure-selectivity";
const SORTS: &str = "https://www.mongodb.com/docs/manual/tutorial/sort-results-with-indexes";
const NULLS: &str = "https://www.mongodb.com/docs/manual/tutorial/query-for-null-fields";

pub(super) fn questions() -> Vec<Question> {
    vec![flag_of_most(), served_with_a_gap(), field_that_most_lack()]
}

fn flag_of_most() -> Question {
    let event = |number| doc! { "handled": below(10, 1, number) < 7, "text": format!("event {number}") };
    let command = doc! { "find": "events", "filter": { "handled": true } };
    let answer = Answer::Nothing { tempting: vec![useless(vec![NewIndex::new("events", doc! { "handled": 1 })])] };
    asked("flag_of_most", SELECTIVITY, vec![collection("events", 10_000, event, vec![])], command, answer)
}

/// An index serves a sort by a later key if all keys before it are given by equality.
fn served_with_a_gap() -> Question {
    let sample = |number| {
        doc! { "a": below(10, 1, number), "b": below(10, 2, number), "c": below(5_000, 3, number), "d": number }
    };
    let command = doc! { "find": "samples", "filter": { "b": 3, "a": 5 }, "sort": { "c": -1 } };
    let tempting = vec![
        useless(vec![NewIndex::new("samples", doc! { "a": 1, "b": 1, "c": -1 })]),
        useless(vec![NewIndex::new("samples", doc! { "b": 1, "a": 1, "c": 1 })]),
    ];
    let all = doc! { "key": { "a": 1, "b": 1, "c": 1, "d": 1 }, "name": "a_1_b_1_c_1_d_1" };
    let answer = Answer::Nothing { tempting };
    asked("served_with_a_gap", SORTS, vec![collection("samples", 10_000, sample, vec![all])], command, answer)
}

/// A query for null finds documents without the field as well.
fn field_that_most_lack() -> Question {
    let file = |number| {
        let mut file: Document = doc! { "name": format!("file {number}") };
        match below(10, 1, number) {
            0 => drop(file.insert("deleted", number)),
            1 => drop(file.insert("deleted", Bson::Null)),
            _ => {}
        }
        file
    };
    let command = doc! { "find": "files", "filter": { "deleted": null } };
    let answer = Answer::Nothing { tempting: vec![useless(vec![NewIndex::new("files", doc! { "deleted": 1 })])] };
    asked("field_that_most_lack", NULLS, vec![collection("files", 7_000, file, vec![])], command, answer)
}
