//! Rebuilds: queries have an index meanwhile, and a rebuild that is broken off or fails is cleared up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bson::{Bson, Document, doc};
use fastness::mongo::model::{DeclaredIndex, IndexField, IndexKind};
use fastness::mongo::plan::{self, PlanAction, StepOutcome};
use fastness_tests::servers::{Mongo, until};
use mongodb::Database;

use super::{A, databases, indexes, listed, names};

const EXPIRING: DeclaredIndex = DeclaredIndex { expire_after: Some(3_600), ..A };

fn rebuild() -> plan::Settings {
    plan::Settings::default().rebuild(true).lease(Duration::from_secs(1))
}

/// A server with documents and an index that has to be rebuilt.
async fn prepared() -> (Mongo, Database) {
    let server = Mongo::start().await;
    let db = server.database().await;
    db.collection("c").insert_many((0..1_000).map(|number| doc! { "a": number })).await.unwrap();
    assert!(indexes(&db, &[EXPIRING]).apply(&plan::Settings::default()).await.unwrap().is_complete());
    (server, db)
}

/// Stops every index build midway, after the first `skipped` ones, or lets all of them continue.
async fn hang(server: &Mongo, skipped: Option<i32>) {
    let mode = skipped.map_or_else(|| Bson::from("off"), |skipped| doc! { "skip": skipped }.into());
    server.admin(doc! { "configureFailPoint": "hangAfterStartingIndexBuild", "mode": mode }).await;
}

async fn building(db: &Database, name: &str) {
    until("the index is being built", async || {
        let stats: Document = db.run_command(doc! { "collStats": "c" }).await.unwrap();
        stats.get_array("indexBuilds").is_ok_and(|names| names.iter().any(|other| other.as_str() == Some(name)))
    })
    .await;
}

#[tokio::test]
async fn a_rebuild_that_is_dropped_is_done_and_cleared_up_by_the_next_one() {
    for (skipped, built) in [(0, "a_1_meanwhile"), (1, "a_1")] {
        let (server, db) = prepared().await;
        hang(&server, Some(skipped)).await;
        let manager = indexes(&db, &[A]);
        let applied = tokio::spawn({
            let manager = manager.clone();
            async move { manager.apply(&rebuild()).await }
        });
        building(&db, built).await;
        applied.abort();
        hang(&server, None).await;
        let report = manager.apply(&rebuild()).await.unwrap();
        assert!(report.is_complete(), "{report}");
        assert_eq!(names(&db).await, ["a_1"], "{report}");
        assert!(listed(&db).await[0].get("expireAfterSeconds").is_none());
        assert!(!manager.apply(&rebuild()).await.unwrap().has_changes());
    }
}

#[tokio::test]
async fn a_rebuild_that_fails_leaves_the_old_index() {
    let (_server, db) = prepared().await;
    db.collection("c").insert_one(doc! { "a": 1 }).await.unwrap();
    let unique = DeclaredIndex { unique: true, name: Some("a_1"), ..A };
    let report = indexes(&db, &[unique]).apply(&rebuild()).await.unwrap();
    let StepOutcome::Failed { lost: false, duplicates: Some(found), .. } = &report.entries[0].outcome else {
        panic!("{report}")
    };
    assert_eq!((found.groups, found.documents), (1, 2), "{report}");
    assert_eq!(names(&db).await, ["a_1"]);
    assert_eq!(listed(&db).await[0].get_i32("expireAfterSeconds").unwrap(), 3_600);
}

/// An index of a person over the same fields is neither built again nor dropped.
#[tokio::test]
async fn an_index_that_can_stand_in_already_is_used_and_stays() {
    let (_server, db) = prepared().await;
    let spare = doc! { "key": { "a": 1, "_id": 1 }, "name": "spare" };
    db.run_command(doc! { "createIndexes": "c", "indexes": [spare] }).await.unwrap();
    assert!(indexes(&db, &[A]).apply(&rebuild()).await.unwrap().is_complete());
    let mut found = names(&db).await;
    found.sort();
    assert_eq!(found, ["a_1", "spare"]);
}

/// An index over the same fields and the `_id` serves queries while neither the old nor the new index exists.
#[tokio::test(flavor = "multi_thread")]
async fn queries_have_an_index_during_a_rebuild() {
    for db in databases().await {
        db.collection("c").insert_many((0..20_000).map(|number| doc! { "a": number })).await.unwrap();
        assert!(indexes(&db, &[EXPIRING]).apply(&plan::Settings::default()).await.unwrap().is_complete());
        let indexes = indexes(&db, &[A]);
        assert!(matches!(indexes.plan().await.unwrap().steps[0].action, PlanAction::Rebuild { gap: false, .. }));

        let ended = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn({
            let (db, ended) = (db.clone(), ended.clone());
            async move {
                let (mut asked, mut without) = (0, 0);
                while !ended.load(Ordering::SeqCst) {
                    let find = doc! { "find": "c", "filter": { "a": 7 } };
                    let plan = db.run_command(doc! { "explain": find, "verbosity": "queryPlanner" }).await.unwrap();
                    (asked, without) = (asked + 1, without + u32::from(!plan.to_string().contains("IXSCAN")));
                }
                (asked, without)
            }
        });
        let report = indexes.apply(&plan::Settings::default().rebuild(true)).await.unwrap();
        ended.store(true, Ordering::SeqCst);
        let (asked, without) = reader.await.unwrap();
        println!("{asked} queries were planned during a rebuild, {without} without an index");
        assert!(report.is_complete() && asked > 0 && without == 0, "{report}: {without} of {asked} without an index");
        assert_eq!(names(&db).await, ["a_1"]);
        assert!(listed(&db).await[0].get("expireAfterSeconds").is_none());
    }
}

#[tokio::test]
async fn a_rebuild_that_leaves_queries_without_an_index_says_so() {
    let [db, _] = databases().await;
    let hashed = doc! { "key": { "a": "hashed" }, "name": "mine", "sparse": true };
    db.run_command(doc! { "createIndexes": "c", "indexes": [hashed] }).await.unwrap();
    let field = IndexField { path: &["a"], kind: IndexKind::Hashed };
    let fields = Box::leak(Box::new([field]));
    let plan =
        indexes(&db, &[DeclaredIndex { fields, name: Some("mine"), ..DeclaredIndex::DEFAULT }]).plan().await.unwrap();
    assert!(plan.to_string().contains("queries have no index while it is rebuilt"), "{plan}");
}
