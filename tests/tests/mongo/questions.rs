//! Answers to the questions on indexes, proven by measurement.

use std::collections::BTreeSet;
use std::sync::Arc;

use fastness_tests::questions::{Question, Verdict, all, judge, prove};
use fastness_tests::servers::shared_mongo;
use mongodb::Database;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

#[test]
fn questions_have_different_names() {
    let all = all();
    let names: BTreeSet<_> = all.iter().map(|question| question.name).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.len() >= 80, "{}", all.len());
}

/// Answers each question in a database of its own, four at a time.
async fn each<F>(answer: fn(Database, Question) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let server = shared_mongo().await;
    let slots = Arc::new(Semaphore::new(4));
    let mut answers = JoinSet::new();
    for question in all() {
        let (db, slots) = (server.database().await, slots.clone());
        answers.spawn(async move {
            let _slot = slots.acquire_owned().await.unwrap();
            let found = answer(db.clone(), question).await;
            db.drop().await.unwrap();
            found
        });
    }
    answers.join_all().await
}

#[tokio::test]
async fn every_answer_is_proven_by_measurement() {
    let proofs = each(|db, question| async move {
        let wrong = prove(&db, &question).await;
        wrong.into_iter().map(|wrong| format!("{}: {wrong}", question.name)).collect::<Vec<_>>()
    });
    let wrong = proofs.await.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn at_least_95_percent_of_the_advice_is_right_and_none_is_harmful() {
    let judgements = each(|db, question| async move { judge(&db, &question).await }).await;
    let right = |verdict| matches!(verdict, Verdict::Right | Verdict::RightlySilent);
    let (good, rest): (Vec<_>, Vec<_>) = judgements.into_iter().partition(|judgement| right(judgement.verdict));
    let faults: Vec<_> = rest.iter().map(ToString::to_string).collect();
    assert!(rest.iter().all(|judgement| judgement.verdict != Verdict::Harmful), "{}", faults.join("\n"));
    assert!(good.len() * 100 >= (good.len() + rest.len()) * 95, "{}", faults.join("\n"));
}
