//! Suggested indexes, tried on a sample that is dropped afterwards.

use std::time::Duration;

use bson::{Document, doc};
use fastness::mongo::IndexManager;
use fastness::mongo::advice::TrialSettings;
use fastness::mongo::slow::Query;
use fastness_tests::servers::{Mongo, until};
use mongodb::Database;

use super::databases;

async fn fill(db: &Database) {
    let document =
        |number: i32| doc! { "user": number % 500, "tags": ["a", "b"], "at": number, "pad": "x".repeat(100) };
    db.collection("c").insert_many((0..5_000).map(document)).await.unwrap();
    let expiring = doc! { "key": { "gone": 1 }, "name": "gone_1", "expireAfterSeconds": 0 };
    db.run_command(doc! { "createIndexes": "c", "indexes": [expiring] }).await.unwrap();
}

async fn samples(db: &Database) -> Vec<String> {
    let names = db.list_collection_names().await.unwrap();
    names.into_iter().filter(|name| name.contains("trial")).collect()
}

#[tokio::test]
async fn a_suggestion_carries_what_a_trial_measured_and_the_sample_is_dropped() {
    for db in databases().await {
        fill(&db).await;
        let settings = TrialSettings::default().documents(2_000).time(Duration::from_secs(60));
        let indexes = IndexManager::new(&db).trials(settings);
        let found = indexes.analyze_query(&Query::find("c", doc! { "user": 7 })).await.unwrap();
        let trial = found.missing[0].trial.as_ref().unwrap_or_else(|| panic!("{found}"));
        let before = trial.before.as_ref().unwrap();
        assert_eq!((trial.documents, before.documents, before.keys), (2_000, 2_000, 0));
        assert!(trial.helps() && trial.after.documents < 50, "{trial:?}");
        assert!(found.to_string().contains("on a sample of 2000 documents"), "{found}");
        assert_eq!(samples(&db).await, [] as [String; 0]);
        assert_eq!(super::names(&db).await, ["gone_1"], "the collection itself is as it was");
        // Half a kilobyte holds two or three documents.
        let small = IndexManager::new(&db).trials(TrialSettings::default().bytes(500).time(Duration::from_secs(60)));
        let found = small.analyze_query(&Query::find("c", doc! { "user": 7 })).await.unwrap();
        assert!(found.missing.iter().all(|missing| missing.trial.as_ref().unwrap().documents <= 4), "{found}");
    }
}

#[tokio::test]
async fn a_trial_that_is_dropped_or_takes_too_long_leaves_nothing_behind() {
    for db in databases().await {
        fill(&db).await;
        let query = Query::find("c", doc! { "user": 7 });
        let indexes = IndexManager::new(&db).trials(TrialSettings::default().time(Duration::from_secs(60)));
        for micros in [500, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000] {
            // Dropped somewhere between the explanation and the end.
            drop(tokio::time::timeout(Duration::from_micros(micros), indexes.analyze_query(&query)).await);
        }
        let hurried = IndexManager::new(&db).trials(TrialSettings::default().time(Duration::ZERO));
        let found = hurried.analyze_query(&query).await.unwrap();
        assert!(found.missing[0].trial.is_none() && found.notes[0].contains("no trial"), "{found}");
        let running = async || {
            let of_us = doc! { "currentOp": 1, "ns": { "$regex": format!("^{}\\.", db.name()) } };
            let found = db.client().database("admin").run_command(of_us).await.unwrap();
            found.get_array("inprog").unwrap().len()
        };
        until("no sample is left", async || running().await == 0 && samples(&db).await.is_empty()).await;
    }
}

#[tokio::test]
async fn a_user_who_may_only_read_gets_advice_without_a_trial() {
    let server = Mongo::with(&["--auth"]).await;
    let admin = server.client().await.database("admin");
    admin.run_command(doc! { "createUser": "root", "pwd": "secret", "roles": ["root"] }).await.unwrap();
    let connect = async |user: &str| {
        let port = server.port();
        let url = format!("mongodb://{user}:secret@127.0.0.1:{port}/?directConnection=true&authSource=admin");
        mongodb::Client::with_uri_str(url).await.unwrap()
    };
    let root = connect("root").await;
    fill(&root.database("d")).await;
    let reader = doc! { "createUser": "reader", "pwd": "secret", "roles": [{ "role": "read", "db": "d" }] };
    root.database("admin").run_command(reader).await.unwrap();
    let db = connect("reader").await.database("d");
    let indexes = IndexManager::new(&db).collection("c", &[]).trials(TrialSettings::default());
    let found = indexes.analyze_query(&Query::find("c", doc! { "user": 7 })).await.unwrap();
    assert_eq!(found.missing[0].name, "user_1", "{found}");
    assert!(found.missing[0].trial.is_none() && found.notes[0].contains("not authorized"), "{found}");
    let advice = indexes.advise(&[]).await.unwrap();
    assert!(advice.notes.iter().any(|note| note.contains("`clusterMonitor`")), "{advice}");
    drop(root.database("d").collection::<Document>("c"));
}
