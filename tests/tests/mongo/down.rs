//! `apply` while a member of the set is down, while the primary is lost, and while a person changes indexes by hand.

use std::time::Duration;

use bson::{Bson, Document, doc};
use fastness::mongo::model::{DeclaredIndex, IndexField, IndexKind};
use fastness::mongo::plan::{self, ApplyReport, CommitQuorum, PlanAction, StepOutcome};
use fastness::mongo::{Error, IndexManager};
use fastness_tests::servers::{MongoSet, PATIENCE, until};
use mongodb::Database;
use tokio::task::JoinHandle;

use super::{A, B, databases, indexes, listed, names};

async fn insert(db: &Database) {
    db.collection("c").insert_many((0..1_000).map(|number| doc! { "a": number })).await.unwrap();
}

fn start(indexes: &IndexManager, options: plan::Settings) -> JoinHandle<Result<ApplyReport, Error>> {
    let indexes = indexes.clone();
    tokio::spawn(async move { indexes.apply(&options).await })
}

async fn done(applied: JoinHandle<Result<ApplyReport, Error>>) -> ApplyReport {
    tokio::time::timeout(3 * PATIENCE, applied).await.expect("an end").unwrap().unwrap()
}

fn short() -> plan::Settings {
    plan::Settings::default().max_wait(Duration::from_secs(3))
}

#[tokio::test]
async fn a_member_that_is_down_is_named_and_the_build_is_left_to_the_server() {
    let mut set = MongoSet::start().await;
    let db = set.database().await;
    insert(&db).await;
    let down = set.kill_secondary().await;
    let indexes = indexes(&db, &[A, B]);

    let report = done(start(&indexes, short())).await;
    println!("{report}");
    assert!(!report.is_complete() && report.to_string().contains(&format!("the server waits for {down}")), "{report}");
    let unfinished = |step: &plan::AppliedStep| matches!(step.outcome, StepOutcome::Unfinished { .. });
    assert!(report.entries.len() == 2 && report.entries.iter().all(unfinished), "{report}");
    let plan = indexes.plan().await.unwrap();
    assert!(!plan.is_in_sync() && plan.to_string().contains("is being built"), "{plan}");

    set.restart().await;
    until("the server has finished the build", async || indexes.plan().await.is_ok_and(|plan| plan.is_in_sync())).await;
    assert!(!indexes.apply(&short()).await.unwrap().has_changes());
}

#[tokio::test]
async fn a_majority_is_enough_if_the_settings_say_so() {
    let mut set = MongoSet::start().await;
    let db = set.database().await;
    insert(&db).await;
    set.kill_secondary().await;
    let majority = short().commit_quorum(CommitQuorum::Majority);
    assert!(done(start(&indexes(&db, &[A]), majority.clone())).await.is_complete());

    // A build that waits for all voting members is released.
    let indexes = indexes(&db, &[A, B]);
    assert!(!done(start(&indexes, short())).await.is_complete());
    let report = done(start(&indexes, majority)).await;
    assert!(report.is_complete() && report.has_changes(), "{report}");
    assert!(indexes.plan().await.unwrap().is_in_sync());
}

#[tokio::test]
async fn a_primary_that_is_killed_in_mid_build_and_stays_down_stops_no_majority() {
    let mut set = MongoSet::start().await;
    let db = set.database().await;
    insert(&db).await;
    let hang = doc! { "configureFailPoint": "hangAfterStartingIndexBuild", "mode": "alwaysOn" };
    set.primary().await.admin(hang).await;
    let indexes = indexes(&db, &[DeclaredIndex { unique: true, ..A }]);
    let applied = start(&indexes, plan::Settings::default().commit_quorum(CommitQuorum::Majority));
    until("an index is being built", async || {
        let stats = db.run_command(doc! { "collStats": "c" }).await;
        stats.is_ok_and(|stats| stats.get_array("indexBuilds").is_ok_and(|names| !names.is_empty()))
    })
    .await;
    set.kill_primary().await;
    let report = done(applied).await;
    assert!(report.is_complete(), "{report}");
    assert!(indexes.plan().await.unwrap().is_in_sync());
}

/// The next builds would not finish either, so nothing more is dropped.
#[tokio::test]
async fn no_rebuild_is_begun_after_a_build_that_does_not_finish() {
    const HASHED: &[IndexField] = &[IndexField { path: &["a"], kind: IndexKind::Hashed }];
    let mut set = MongoSet::start().await;
    let db = set.database().await;
    insert(&db).await;
    let old = doc! { "key": { "a": "hashed" }, "name": "mine", "sparse": true };
    db.run_command(doc! { "createIndexes": "c", "indexes": [old] }).await.unwrap();
    set.kill_secondary().await;
    let mine = DeclaredIndex { fields: HASHED, name: Some("mine"), ..DeclaredIndex::DEFAULT };
    let indexes = indexes(&db, &[B, mine]);
    let report = done(start(&indexes, short().rebuild(true))).await;
    let outcomes: Vec<_> = report.entries.iter().map(|step| &step.outcome).collect();
    assert!(matches!(outcomes[..], [StepOutcome::Unfinished { .. }, StepOutcome::NeedsRebuild { .. }]), "{report}");
    let mine = listed(&db).await.into_iter().find(|index| index.get_str("name").unwrap() == "mine").unwrap();
    assert!(mine.get_bool("sparse").unwrap(), "{mine}");
}

/// Both come back while a member is down: neither waits for the other longer than its time.
#[tokio::test]
async fn two_deployers_at_once_come_back_while_a_member_is_down() {
    let mut set = MongoSet::start().await;
    let db = set.database().await;
    insert(&db).await;
    set.kill_secondary().await;
    let first = start(&indexes(&db, &[A]), short());
    let second = start(&indexes(&set.client().await.database(db.name()), &[A, B]), short());
    for applied in [first, second] {
        match tokio::time::timeout(3 * PATIENCE, applied).await.expect("an end").unwrap() {
            Ok(report) => assert!(!report.is_complete(), "{report}"),
            Err(error) => assert!(error.is_busy(), "{error}"),
        }
    }
    let majority = short().commit_quorum(CommitQuorum::Majority);
    let report = done(start(&indexes(&db, &[A, B]), majority)).await;
    assert!(report.is_complete(), "{report}");
}

/// The plan is made again under the lease, so that changes since the first one count.
#[tokio::test]
async fn changes_by_hand_between_plan_and_apply_are_seen() {
    for db in databases().await {
        insert(&db).await;
        let leases = db.collection::<Document>("fastness_leases");
        let later = bson::DateTime::from_millis(bson::DateTime::now().timestamp_millis() + 3_600_000);
        leases.insert_one(doc! { "_id": "indexes", "holder": "other", "until": Bson::DateTime(later) }).await.unwrap();
        let unique = DeclaredIndex { unique: true, ..B };
        let indexes = indexes(&db, &[A, unique]);
        let plan = indexes.plan().await.unwrap();
        assert!(plan.steps.iter().all(|step| matches!(step.action, PlanAction::Create)), "{plan}");
        let applied = start(&indexes, plan::Settings::default());

        let by_hand = [
            doc! { "key": { "a": 1 }, "name": "by hand" },
            doc! { "key": { "b": 1 }, "name": "b_1", "sparse": true },
            doc! { "key": { "z": 1 }, "name": "z_1" },
        ];
        db.run_command(doc! { "createIndexes": "c", "indexes": by_hand.to_vec() }).await.unwrap();
        db.run_command(doc! { "dropIndexes": "c", "index": "z_1" }).await.unwrap();
        leases.delete_one(doc! { "_id": "indexes" }).await.unwrap();
        let report = done(applied).await;
        let outcome = |name: &str| &report.entries.iter().find(|step| step.index.name() == name).unwrap().outcome;
        assert!(matches!(outcome("a_1"), StepOutcome::Kept), "{report}");
        assert!(matches!(outcome("b_1"), StepOutcome::NeedsRebuild { .. }), "{report}");
        assert_eq!(names(&db).await, ["by hand", "b_1"]);
    }
}
