//! Alternatives, and commands that write.

use bson::{Document, doc};

use super::{asked, below, chosen, collection, one_of};
use crate::questions::{NewIndex, Question};

const OR: &str = "https://www.mongodb.com/docs/manual/reference/operator/query/or";
const QUEUE: &str = "https://www.mongodb.com/docs/manual/tutorial/sort-results-with-indexes";
const WRITES: &str = "https://www.mongodb.com/docs/manual/core/write-performance";

pub(super) fn questions() -> Vec<Question> {
    vec![half_indexed_alternatives(), next_of_a_queue(), delete_of_one_session()]
}

fn half_indexed_alternatives() -> Question {
    let contact = |number| {
        doc! {
            "phone": format!("+49 {:06}", below(900_000, 1, number)),
            "email": format!("someone{}@example.org", below(7_000, 2, number)),
        }
    };
    let command = doc! {
        "find": "contacts",
        "filter": { "$or": [{ "phone": "+49 000017" }, { "email": "someone17@example.org" }] },
    };
    let answer = one_of(vec![NewIndex::new("contacts", doc! { "email": 1 })]);
    let by_phone = doc! { "key": { "phone": 1 }, "name": "phone_1" };
    asked(
        "half_indexed_alternatives",
        OR,
        vec![collection("contacts", 8_000, contact, vec![by_phone])],
        command,
        answer,
    )
}

fn entry(number: i32) -> Document {
    doc! {
        "state": chosen(&["ready", "running", "done"], 1, number),
        "priority": below(1_000, 2, number),
        "session": format!("session {}", below(4_000, 3, number)),
    }
}

fn next_of_a_queue() -> Question {
    let command = doc! {
        "findAndModify": "entries",
        "query": { "state": "ready" },
        "sort": { "priority": -1 },
        "update": { "$set": { "state": "running" } },
    };
    let answer = one_of(vec![
        NewIndex::new("entries", doc! { "state": 1, "priority": -1 }),
        NewIndex::new("entries", doc! { "priority": -1 }),
    ]);
    asked("next_of_a_queue", QUEUE, vec![collection("entries", 6_000, entry, vec![])], command, answer)
}

fn delete_of_one_session() -> Question {
    let deletes = [doc! { "q": { "session": "session 99" }, "limit": 0 }];
    let command = doc! { "delete": "entries", "deletes": deletes.to_vec() };
    let answer = one_of(vec![NewIndex::new("entries", doc! { "session": 1 })]);
    asked("delete_of_one_session", WRITES, vec![collection("entries", 6_000, entry, vec![])], command, answer)
}
