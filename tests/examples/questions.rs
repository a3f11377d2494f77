//! Puts the questions on MongoDB indexes to the advice, follows it, measures, and prints a table in Markdown.
//!
//! `cargo run -p fastness-tests --all-features --example questions [part of a name]`

use std::collections::BTreeMap;

use fastness_tests::questions::{all, judge};
use fastness_tests::servers::shared_mongo;

#[tokio::main]
async fn main() {
    let part = std::env::args().nth(1).unwrap_or_default();
    let server = shared_mongo().await;
    println!("| question | source | verdict | before | expected | after | advice |\n|---|---|---|---|---|---|---|");
    let mut verdicts = BTreeMap::new();
    for question in all().into_iter().filter(|question| question.name.contains(&part)) {
        let db = server.database().await;
        let judgement = judge(&db, &question).await;
        db.drop().await.unwrap();
        println!("{judgement}");
        *verdicts.entry(judgement.verdict).or_insert(0) += 1;
    }
    println!();
    for (verdict, count) in verdicts {
        println!("{verdict}: {count}");
    }
}
