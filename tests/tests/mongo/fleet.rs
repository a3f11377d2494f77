//! Processes that apply at the same time, and servers that fail during a build.

use std::time::Duration;

use bson::{Bson, Document, doc};
use fastness::mongo::IndexManager;
use fastness::mongo::model::DeclaredIndex;
use fastness::mongo::plan::{self, ApplyReport};
use fastness_tests::servers::{Mongo, MongoSet, PATIENCE, database_name, shared_mongo, shared_mongo_set, until};
use mongodb::{Client, Database};
use tokio::task::JoinHandle;

use super::{A, B, databases, indexes, names};

const UNIQUE: DeclaredIndex = DeclaredIndex { unique: true, ..A };

async fn insert(db: &Database) {
    db.collection("c").insert_many((0..1_000).map(|number| doc! { "a": number })).await.unwrap();
}

/// Stops every further index build midway, until the fail point is disabled.
async fn hang(server: &Mongo) {
    fail_point(server, "alwaysOn").await;
}

async fn go_on(server: &Mongo) {
    fail_point(server, "off").await;
}

async fn fail_point(server: &Mongo, mode: &str) {
    server.admin(doc! { "configureFailPoint": "hangAfterStartingIndexBuild", "mode": mode }).await;
}

/// Waits until the server builds an index of the collection `c`.
async fn building(db: &Database) {
    until("an index is being built", async || {
        let stats = db.run_command(doc! { "collStats": "c" }).await;
        stats.is_ok_and(|stats| stats.get_array("indexBuilds").is_ok_and(|names| !names.is_empty()))
    })
    .await;
}

fn start(indexes: &IndexManager, options: plan::Settings) -> JoinHandle<ApplyReport> {
    let indexes = indexes.clone();
    tokio::spawn(async move { indexes.apply(&options).await.unwrap() })
}

async fn done(applied: JoinHandle<ApplyReport>) -> ApplyReport {
    tokio::time::timeout(3 * PATIENCE, applied).await.expect("an end").unwrap()
}

#[tokio::test]
async fn one_of_many_concurrent_processes_builds_and_the_others_wait() {
    let (single, set, name) = (shared_mongo().await, shared_mongo_set().await, database_name());
    for url in [single.url(), set.url()] {
        let mut fleet = Vec::new();
        for _ in 0..6 {
            let client = Client::with_uri_str(&url).await.unwrap();
            fleet.push(start(&indexes(&client.database(&name), &[UNIQUE, B]), plan::Settings::default()));
        }
        let mut builders = 0;
        for applied in fleet {
            let report = done(applied).await;
            assert!(report.is_complete(), "{report}");
            builders += usize::from(report.has_changes());
        }
        assert_eq!(builders, 1);
    }
}

#[tokio::test]
async fn a_lease_is_respected_until_its_time_is_up() {
    for db in databases().await {
        let leases = db.collection::<Document>("fastness_leases");
        let until = |seconds: i64| {
            Bson::DateTime(bson::DateTime::from_millis(bson::DateTime::now().timestamp_millis() + seconds * 1_000))
        };
        leases.insert_one(doc! { "_id": "indexes", "holder": "other", "until": until(3_600) }).await.unwrap();
        let indexes = indexes(&db, &[A]);
        let options = plan::Settings::default().max_wait(Duration::from_millis(300));

        let error = indexes.apply(&options).await.unwrap_err();
        assert!(error.is_busy() && error.to_string().contains("fastness_leases"), "{error}");
        assert!(!indexes.plan().await.unwrap().is_in_sync());

        leases.update_one(doc! { "_id": "indexes" }, doc! { "$set": { "until": until(-1) } }).await.unwrap();
        assert!(indexes.apply(&options).await.unwrap().is_complete());
        assert_eq!(leases.count_documents(doc! {}).await.unwrap(), 0, "it was given back");
    }
}

#[tokio::test]
async fn a_builder_that_dies_is_followed_and_its_build_is_joined() {
    let server = Mongo::start().await;
    let db = server.database().await;
    insert(&db).await;
    hang(&server).await;
    let indexes = indexes(&db, &[UNIQUE]);
    let first = start(&indexes, plan::Settings::default().lease(Duration::from_secs(1)));
    building(&db).await;
    first.abort();

    let plan = indexes.plan().await.unwrap();
    assert!(!plan.is_in_sync() && plan.to_string().contains("is being built"), "{plan}");
    let second = start(&indexes, plan::Settings::default());
    go_on(&server).await;
    assert!(done(second).await.is_complete());
    assert!(indexes.plan().await.unwrap().is_in_sync());
}

#[tokio::test]
async fn a_server_killed_in_mid_build_builds_the_index_when_it_is_back() {
    let mut server = Mongo::start().await;
    let db = server.database().await;
    insert(&db).await;
    hang(&server).await;
    let indexes = indexes(&db, &[UNIQUE, B]);
    let applied = start(&indexes, plan::Settings::default());
    building(&db).await;

    server.kill();
    server.restart().await;
    let report = done(applied).await;
    assert!(report.is_complete(), "{report}");
    assert!(indexes.plan().await.unwrap().is_in_sync());
    assert_eq!(names(&db).await, ["a_1", "b_1"]);
}

#[tokio::test]
async fn a_build_outlives_its_primary() {
    let mut set = MongoSet::start().await;
    for kill in [false, true] {
        let db = set.database().await;
        insert(&db).await;
        let indexes = indexes(&db, &[UNIQUE]);
        hang(set.primary().await).await;
        let applied = start(&indexes, plan::Settings::default());
        building(&db).await;
        if kill {
            set.kill_primary().await;
            // All voting members have to build it.
            set.restart().await;
        } else {
            let old = set.primary().await;
            set.step_down().await;
            go_on(old).await;
        }
        let report = done(applied).await;
        assert!(report.is_complete(), "{report}");
        assert!(indexes.plan().await.unwrap().is_in_sync());
    }
}

/// The report says that no server could be reached and the outcome is unknown.
#[tokio::test]
async fn a_server_that_does_not_come_back_is_reported() {
    let mut server = Mongo::start().await;
    let client = Client::with_uri_str(format!("{}&serverSelectionTimeoutMS=100", server.url())).await.unwrap();
    let db = client.database(&database_name());
    insert(&db).await;
    hang(&server).await;
    let indexes = indexes(&db, &[A]);
    let applied = start(&indexes, plan::Settings::default());
    building(&db).await;
    server.kill();
    let report = done(applied).await;
    assert!(!report.is_complete() && report.to_string().contains("cannot be reached"), "{report}");
    assert!(indexes.plan().await.unwrap_err().is_unreachable());
}

#[tokio::test]
async fn progress_is_reported() {
    let server = Mongo::start().await;
    let db = server.database().await;
    insert(&db).await;
    let point = "hangIndexBuildDuringCollectionScanPhaseBeforeInsertion";
    let hang = doc! { "configureFailPoint": point, "mode": "alwaysOn", "data": { "fieldsToMatch": { "a": 500 } } };
    server.admin(hang).await;
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    let options = plan::Settings::default().on_progress(move |progress| drop(sender.send(progress.clone())));
    let applied = start(&indexes(&db, &[A]), options);

    let progress = tokio::time::timeout(PATIENCE, told.recv()).await.expect("word of the build").unwrap();
    assert_eq!((progress.collection.as_str(), progress.total), ("c", 1_000), "{progress:?}");
    assert_eq!((progress.message.as_str(), progress.done), ("Index Build: scanning collection", 500));
    server.admin(doc! { "configureFailPoint": point, "mode": "off" }).await;
    assert!(done(applied).await.is_complete());
}

#[tokio::test]
async fn a_build_that_takes_longer_than_allowed_leaves_nothing() {
    let server = Mongo::start().await;
    let db = server.database().await;
    insert(&db).await;
    hang(&server).await;
    let indexes = indexes(&db, &[A]);
    let applied = start(&indexes, plan::Settings::default().build_limit(Duration::from_millis(200)));
    let report = done(applied).await;
    assert!(!report.is_complete() && report.to_string().contains("50)"), "{report}");
    go_on(&server).await;
    until("the build is given up", async || names(&db).await.is_empty()).await;
}
