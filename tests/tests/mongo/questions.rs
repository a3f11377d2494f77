//! Answers to the questions on indexes, proven by measurement.

use std::collections::BTreeSet;
use std::sync::Arc;

use fastness_tests::questions::{Verdict, all, judge, prove};
use fastness_tests::servers::shared_mongo;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

#[test]
fn questions_have_different_names() {
    let all = all();
    let names: BTreeSet<_> = all.iter().map(|question| question.name).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.len() >= 80, "{}", all.len());
}

#[tokio::test]
async fn every_answer_is_proven_by_measurement() {
    let server = shared_mongo().await;
    let slots = Arc::new(Semaphore::new(4));
    let mut proofs = JoinSet::new();
    for question in all() {
        let (db, slots) = (server.database().await, slots.clone());
        proofs.spawn(async move {
            let _slot = slots.acquire_owned().await.unwrap();
            let wrong = prove(&db, &question).await;
            db.drop().await.unwrap();
            wrong.into_iter().map(|wrong| format!("{}: {wrong}", question.name)).collect::<Vec<_>>()
        });
    }
    let wrong = proofs.join_all().await.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn at_least_95_percent_of_the_advice_is_right_and_none_is_harmful() {
    let server = shared_mongo().await;
    let slots = Arc::new(Semaphore::new(4));
    let mut judgements = JoinSet::new();
    for question in all() {
        let (db, slots) = (server.database().await, slots.clone());
        judgements.spawn(async move {
            let _slot = slots.acquire_owned().await.unwrap();
            let judgement = judge(&db, &question).await;
            db.drop().await.unwrap();
            judgement
        });
    }
    let judgements = judgements.join_all().await;
    let right = |verdict| matches!(verdict, Verdict::Right | Verdict::RightlySilent);
    let (good, rest): (Vec<_>, Vec<_>) = judgements.into_iter().partition(|judgement| right(judgement.verdict));
    let faults: Vec<_> = rest.iter().map(ToString::to_string).collect();
    assert!(rest.iter().all(|judgement| judgement.verdict != Verdict::Harmful), "{}", faults.join("\n"));
    assert!(good.len() * 100 >= (good.len() + rest.len()) * 95, "{}", faults.join("\n"));
}
