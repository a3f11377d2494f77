//! Rebuilds: queries have an index meanwhile, and a rebuild that is broken off or fails is cleared up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bson::{Bson, Document, doc};
use fastness::mongo::model::{DeclaredIndex, IndexField, IndexKind};
use fastness::mongo::plan::{self, PlanAction, StepOutcome, UnmanagedIndexes};
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

/// A duplicate that is written while neither index exists is in the way of both. What stood in is then the only one.
#[tokio::test]
async fn an_index_that_stands_in_stays_until_its_index_exists() {
    let server = Mongo::start().await;
    let db = server.database().await;
    let documents = db.collection("c");
    documents.insert_many((0..1_000).map(|number| doc! { "a": number })).await.unwrap();
    let unique = DeclaredIndex { unique: true, ..A };
    let expiring = DeclaredIndex { unique: true, ..EXPIRING };
    assert!(indexes(&db, &[expiring]).apply(&plan::Settings::default()).await.unwrap().is_complete());
    hang(&server, Some(1)).await;
    let manager = indexes(&db, &[unique]);
    let applied = tokio::spawn({
        let manager = manager.clone();
        async move { manager.apply(&rebuild()).await }
    });
    building(&db, "a_1").await;
    documents.insert_one(doc! { "_id": "again", "a": 1 }).await.unwrap();
    hang(&server, None).await;
    let report = applied.await.unwrap().unwrap();
    assert!(matches!(report.entries[0].outcome, StepOutcome::Failed { lost: true, .. }), "{report}");
    assert_eq!(names(&db).await, ["a_1_meanwhile"], "{report}");

    for unmanaged in [UnmanagedIndexes::Keep, UnmanagedIndexes::Hide, UnmanagedIndexes::Drop] {
        let report = manager.apply(&rebuild().unmanaged(unmanaged)).await.unwrap();
        assert!(matches!(report.entries[0].outcome, StepOutcome::Failed { .. }), "{report}");
        assert!(report.to_string().contains("left over from a rebuild of `a_1`"), "{report}");
        assert_eq!(names(&db).await, ["a_1_meanwhile"], "{report}");
        assert!(listed(&db).await[0].get("hidden").is_none(), "{report}");
    }
    documents.delete_one(doc! { "_id": "again" }).await.unwrap();
    let report = manager.apply(&plan::Settings::default()).await.unwrap();
    assert!(report.is_complete() && names(&db).await == ["a_1"], "{report}");
}

/// The new index is built beside the old one if none has a declared name; the old one rejects duplicates until it is dropped.
#[tokio::test]
async fn an_old_index_that_a_broken_off_rebuild_left_is_dropped_by_the_next_one() {
    let server = Mongo::start().await;
    let db = server.database().await;
    db.collection("c").insert_many((0..1_000).map(|number| doc! { "a": number })).await.unwrap();
    let sparse = DeclaredIndex { sparse: true, ..A };
    assert!(indexes(&db, &[A]).apply(&plan::Settings::default()).await.unwrap().is_complete());
    hang(&server, Some(0)).await;
    let manager = indexes(&db, &[sparse]);
    let applied = tokio::spawn({
        let manager = manager.clone();
        async move { manager.apply(&rebuild()).await }
    });
    building(&db, "a_1_2").await;
    applied.abort();
    hang(&server, None).await;
    let plan = manager.plan().await.unwrap();
    assert!(!plan.is_in_sync() && matches!(plan.steps[0].action, PlanAction::Rebuild { gap: false, .. }), "{plan}");
    let report = manager.apply(&plan::Settings::default().lease(Duration::from_secs(1))).await.unwrap();
    assert!(matches!(report.entries[0].outcome, StepOutcome::NeedsRebuild { .. }), "{report}");
    let report = manager.apply(&rebuild()).await.unwrap();
    assert!(report.is_complete() && names(&db).await == ["a_1_2"], "{report}");
    assert!(!manager.apply(&rebuild()).await.unwrap().has_changes());
}

/// An index of a person has the name that a declared one would have, which `optimize_indexes` then built under the next name.
#[tokio::test]
async fn a_special_index_is_never_taken_for_one_that_a_rebuild_left() {
    let [db, _] = databases().await;
    let own = [
        doc! { "key": { "a": 1 }, "name": "a_1", "unique": true, "partialFilterExpression": { "b": 1 } },
        doc! { "key": { "a": 1 }, "name": "a_1_2" },
    ];
    db.run_command(doc! { "createIndexes": "c", "indexes": own.to_vec() }).await.unwrap();
    let report = indexes(&db, &[A]).apply(&rebuild()).await.unwrap();
    let mut found = names(&db).await;
    found.sort();
    assert!(report.is_complete() && found == ["a_1", "a_1_2"], "{report}");
}

/// A declaration may change before the next `apply`, so the name decides, and that the `_id` is last.
#[tokio::test]
async fn what_is_left_over_is_known_by_its_name() {
    let (_server, db) = prepared().await;
    let left = [
        doc! { "key": { "b": 1, "_id": 1 }, "name": "a_1_meanwhile" },
        doc! { "key": { "a": 1, "_id": 1 }, "name": "a_1_meanwhile_2" },
        doc! { "key": { "c": 1 }, "name": "a_1_meanwhile_3" },
        doc! { "key": { "z": 1, "_id": 1 }, "name": "z_1_meanwhile" },
    ];
    db.run_command(doc! { "createIndexes": "c", "indexes": left.to_vec() }).await.unwrap();
    let report = indexes(&db, &[EXPIRING]).apply(&plan::Settings::default()).await.unwrap();
    assert!(report.is_complete() && report.to_string().contains("left over from a rebuild of `z_1`"), "{report}");
    let mut found = names(&db).await;
    found.sort();
    assert_eq!(found, ["a_1", "a_1_meanwhile_3", "z_1_meanwhile"], "{report}");
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

#[tokio::test]
async fn an_index_of_a_person_that_is_being_built_stays_too() {
    let (server, db) = prepared().await;
    hang(&server, Some(0)).await;
    let by_hand = tokio::spawn({
        let db = db.clone();
        let spare = doc! { "key": { "a": 1, "_id": 1 }, "name": "spare" };
        async move { db.run_command(doc! { "createIndexes": "c", "indexes": [spare] }).await }
    });
    building(&db, "spare").await;
    let manager = indexes(&db, &[A]);
    let applied = tokio::spawn(async move { manager.apply(&rebuild()).await });
    until("the rebuild waits for the same build", async || {
        let client = doc! { "$exists": true };
        let waiting = doc! { "currentOp": 1, "command.createIndexes": "c", "connectionId": client, "active": true };
        let operations = server.admin(waiting).await;
        operations.get_array("inprog").unwrap().len() > 1
    })
    .await;
    hang(&server, None).await;
    by_hand.await.unwrap().unwrap();
    let report = applied.await.unwrap().unwrap();
    let mut found = names(&db).await;
    found.sort();
    assert!(report.is_complete() && found == ["a_1", "spare"], "{report}");
}

#[tokio::test]
async fn a_hidden_index_does_not_stand_in() {
    let (_server, db) = prepared().await;
    let spare = doc! { "key": { "a": 1, "_id": 1 }, "name": "spare", "hidden": true };
    db.run_command(doc! { "createIndexes": "c", "indexes": [spare] }).await.unwrap();
    let manager = indexes(&db, &[A]);
    let plan = manager.plan().await.unwrap();
    assert!(plan.to_string().contains("queries have no index while it is rebuilt"), "{plan}");
    let report = manager.apply(&rebuild()).await.unwrap();
    let mut found = names(&db).await;
    found.sort();
    assert!(report.is_complete() && found == ["a_1", "spare"], "{report}");
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
                    let plan = match db.run_command(doc! { "explain": find, "verbosity": "queryPlanner" }).await {
                        Ok(plan) => plan,
                        // The server ends a query whose plans it compares while one of their indexes is dropped.
                        Err(error) if error.to_string().contains("QueryPlanKilled") => continue,
                        Err(error) => panic!("{error}"),
                    };
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
