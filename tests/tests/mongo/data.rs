//! Stored documents that violate a declaration, and users without the required roles.

use bson::{Document, doc};
use fastness::mongo::Error;
use fastness::mongo::model::derived::{Condition, Literal, Operator};
use fastness::mongo::model::{DeclaredIndex, IndexField, IndexKind};
use fastness::mongo::plan::{self, ApplyReport, StepOutcome};
use fastness_tests::servers::{Mongo, database_name};
use mongodb::{Client, Database};

use super::{A, B, ascending, databases, indexes, listed, names};

const UNIQUE: DeclaredIndex = DeclaredIndex { unique: true, ..A };

async fn insert(db: &Database, documents: impl IntoIterator<Item = Document>) {
    db.collection("c").insert_many(documents).await.unwrap();
}

/// Returns the only failure: numbers of shared values and documents, and example ids.
fn duplicates(report: &ApplyReport) -> (u64, u64, Vec<Vec<bson::Bson>>) {
    let failure = report.failures().next().unwrap_or_else(|| panic!("{report}"));
    let StepOutcome::Failed { error, duplicates, lost: false } = &failure.outcome else { panic!("{report}") };
    assert!(error.is_duplicate(), "{error}");
    let found = duplicates.clone().unwrap_or_else(|| panic!("{report}"));
    (found.groups, found.documents, found.examples)
}

#[tokio::test]
async fn duplicates_are_counted_and_named_and_nothing_is_left_behind() {
    for db in databases().await {
        let secret = |id: i32, a: &str| doc! { "_id": id, "a": a };
        insert(&db, [secret(1, "Ada"), secret(2, "Bob"), secret(3, "Ada"), secret(4, "Ada"), secret(5, "Bob")]).await;
        insert(&db, [secret(6, "Eve"), doc! { "_id": 7 }, doc! { "_id": 8, "a": null }]).await;
        let report = indexes(&db, &[UNIQUE, B]).apply(&plan::Settings::default()).await.unwrap();
        assert!(!report.is_complete());
        let (groups, documents, examples) = duplicates(&report);
        assert_eq!((groups, documents), (3, 7), "{report}");
        assert_eq!(examples, [vec![1.into(), 4.into()], vec![2.into(), 5.into()], vec![7.into(), 8.into()]]);
        assert_eq!(names(&db).await, ["b_1"], "the index that can be built is built");
        let text = report.to_string();
        assert!(text.contains("7 documents share 3 values") && !text.contains("Ada"), "{text}");
    }
}

#[tokio::test]
async fn only_the_documents_that_would_be_in_the_index_are_looked_at() {
    let [db, _] = databases().await;
    let array = |id: i32, a: &[i32], live: bool| doc! { "_id": id, "a": a, "live": live };
    // The index has each element of an array once for each document.
    insert(&db, [array(1, &[1, 2, 2], true), array(2, &[2, 3], true), array(3, &[3, 3], false), doc! { "_id": 4 }])
        .await;
    insert(&db, [doc! { "_id": 5 }]).await;

    let live = Condition { path: &["live"], operator: Operator::Equal(Literal::Bool(true)) };
    let partial = DeclaredIndex { partial: Box::leak(Box::new([live])), ..UNIQUE };
    let cases = [
        (UNIQUE, (3, 6, vec![vec![1.into(), 2.into()], vec![2.into(), 3.into()], vec![4.into(), 5.into()]])),
        (DeclaredIndex { sparse: true, ..UNIQUE }, (2, 4, vec![vec![1.into(), 2.into()], vec![2.into(), 3.into()]])),
        (partial, (1, 2, vec![vec![1.into(), 2.into()]])),
    ];
    for (index, expected) in cases {
        let report = indexes(&db, &[index]).apply(&plan::Settings::default()).await.unwrap();
        assert_eq!(duplicates(&report), expected, "{report}");
    }
}

#[tokio::test]
async fn an_index_that_cannot_become_unique_stays_as_it_was() {
    for db in databases().await {
        indexes(&db, &[A]).apply(&plan::Settings::default()).await.unwrap();
        insert(&db, [doc! { "_id": 1, "a": 7 }, doc! { "_id": 2, "a": 7 }, doc! { "_id": 3, "a": 8 }]).await;
        let before = listed(&db).await;
        let unique = indexes(&db, &[UNIQUE]);

        let report = unique.apply(&plan::Settings::default()).await.unwrap();
        assert_eq!(duplicates(&report), (1, 2, vec![vec![1.into(), 2.into()]]), "{report}");
        assert_eq!(listed(&db).await, before, "writes are not refused from now on");

        db.collection::<Document>("c").delete_one(doc! { "_id": 2 }).await.unwrap();
        let report = unique.apply(&plan::Settings::default()).await.unwrap();
        assert!(report.is_complete() && unique.plan().await.unwrap().is_in_sync(), "{report}");
    }
}

/// The old index is dropped first, because both have the same name, and restored after the failure.
#[tokio::test]
async fn a_rebuild_that_fails_leaves_the_old_index() {
    for db in databases().await {
        let old = DeclaredIndex { name: Some("mine"), expire_after: Some(60), ..B };
        indexes(&db, &[old]).apply(&plan::Settings::default()).await.unwrap();
        insert(&db, [doc! { "_id": 1, "a": 7 }, doc! { "_id": 2, "a": 7 }]).await;
        let before = listed(&db).await;

        let new = DeclaredIndex { name: Some("mine"), ..UNIQUE };
        let report = indexes(&db, &[new]).apply(&plan::Settings::default().rebuild(true)).await.unwrap();
        assert_eq!(duplicates(&report).0, 1, "{report}");
        assert_eq!(listed(&db).await, before);
    }
}

/// Other errors of the data are reported in the server's words without values, and the remaining indexes are built.
#[tokio::test]
async fn data_that_an_index_does_not_admit_is_reported() {
    const ARRAYS: DeclaredIndex =
        DeclaredIndex { fields: &[ascending(&["a"]), ascending(&["b"])], ..DeclaredIndex::DEFAULT };
    let [db, _] = databases().await;
    insert(&db, [doc! { "a": [1, 2], "b": [3, 4], "place": "Ada's house" }]).await;
    let place =
        DeclaredIndex { fields: &[IndexField { path: &["place"], kind: IndexKind::Sphere }], ..DeclaredIndex::DEFAULT };
    let report = indexes(&db, &[ARRAYS, place, A]).apply(&plan::Settings::default()).await.unwrap();
    let errors: Vec<_> = report.failures().map(failure).map(|error| (error.code(), error.to_string())).collect();
    assert_eq!(errors.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Some(171), Some(16755)], "{errors:?}");
    assert!(errors.iter().all(|(_, text)| !text.contains("Ada")), "{errors:?}");
    assert_eq!(names(&db).await, ["a_1"]);
}

#[tokio::test]
async fn a_view_cannot_have_indexes() {
    let [db, _] = databases().await;
    db.run_command(doc! { "create": "c", "viewOn": "d", "pipeline": [] }).await.unwrap();
    let error = indexes(&db, &[A]).plan().await.unwrap_err();
    assert!(error.to_string().contains("it is a view"), "{error}");
}

/// Starts a server with users, and connects as one with these roles.
async fn with_roles(server: &Mongo, db: &str, roles: &[&str]) -> Database {
    let root = Client::with_uri_str(server.url().replace("//", "//root:root@")).await.unwrap();
    let user = format!("{}-of-{db}", roles.join("-"));
    let roles: Vec<_> = roles.iter().map(|role| doc! { "role": *role, "db": db }).collect();
    root.database("admin").run_command(doc! { "createUser": &user, "pwd": "x", "roles": roles }).await.unwrap();
    Client::with_uri_str(server.url().replace("//", &format!("//{user}:x@"))).await.unwrap().database(db)
}

#[tokio::test]
async fn missing_rights_are_reported_and_the_other_steps_are_done() {
    let server = Mongo::with(&["--auth"]).await;
    let root = doc! { "createUser": "root", "pwd": "root", "roles": ["root"] };
    server.admin(root).await;
    let name = database_name();

    // Without the right to write the lease, indexes are built without it.
    let admin = with_roles(&server, &name, &["dbAdmin"]).await;
    let report = indexes(&admin, &[A]).apply(&plan::Settings::default()).await.unwrap();
    assert!(report.is_complete() && report.has_changes(), "{report}");

    // Allowed to build indexes, but not to change them in place.
    let writer = with_roles(&server, &name, &["readWrite"]).await;
    let changed = [DeclaredIndex { hidden: true, ..A }, B];
    let report = indexes(&writer, &changed).apply(&plan::Settings::default()).await.unwrap();
    let errors: Vec<_> = report.failures().map(|entry| (entry.index.name(), failure(entry))).collect();
    assert!(errors.len() == 1 && errors[0].0 == "a_1" && errors[0].1.is_unauthorized(), "{report}");
    assert!(errors[0].1.to_string().contains("dbAdmin") && !errors[0].1.to_string().contains("collMod:"), "{report}");
    assert!(writer.collection::<Document>("c").list_index_names().await.unwrap().contains(&"b_1".to_owned()));

    // Allowed to read, so the plan works.
    let reader = with_roles(&server, &name, &["read"]).await;
    assert!(!indexes(&reader, &changed).plan().await.unwrap().is_in_sync());
    let report = indexes(&reader, &changed).apply(&plan::Settings::default()).await.unwrap();
    assert!(failure(report.failures().next().unwrap()).is_unauthorized(), "{report}");
    let report = indexes(&reader, &[A, B]).apply(&plan::Settings::default()).await.unwrap();
    assert!(report.is_complete(), "where nothing is to be done, no right is missed: {report}");

    // Not allowed to read.
    let other = with_roles(&server, "other", &["readWrite"]).await;
    let error = indexes(&other.client().database(&name), &[A]).plan().await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
}

fn failure(entry: &fastness::mongo::plan::AppliedStep) -> &Error {
    match &entry.outcome {
        StepOutcome::Failed { error, .. } => error,
        other => panic!("{other:?}"),
    }
}
