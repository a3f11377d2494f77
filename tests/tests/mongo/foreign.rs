//! Indexes that no model declares, or that another program created.

use bson::doc;
use fastness::mongo::IndexManager;
use fastness::mongo::model::derived::{Collation, Condition, Literal, Operator};
use fastness::mongo::model::{DeclaredIndex, IndexField, IndexKind};
use fastness::mongo::plan::{self, IndexConflict, PlanAction, StepOutcome, UnmanagedIndexes};

use super::{A, B, databases, indexes, listed, names};

#[tokio::test]
async fn unmanaged_indexes_are_left_hidden_or_dropped_as_configured() {
    for db in databases().await {
        indexes(&db, &[A, B]).apply(&plan::Settings::default()).await.unwrap();
        let only_a = indexes(&db, &[A]);
        let apply = async |unmanaged| only_a.apply(&plan::Settings::default().unmanaged(unmanaged)).await.unwrap();

        let plan = only_a.plan().await.unwrap();
        assert!(plan.is_in_sync() && plan.to_string().contains("unmanaged b_1 {b: 1}"), "{plan}");
        apply(UnmanagedIndexes::Keep).await;
        apply(UnmanagedIndexes::DropHidden).await;
        assert_eq!(names(&db).await, ["a_1", "b_1"]);

        let report = apply(UnmanagedIndexes::Hide).await;
        assert!(matches!(report.entries[1].outcome, StepOutcome::Hidden), "{report}");
        assert!(listed(&db).await[1].get_bool("hidden").unwrap());
        assert!(!apply(UnmanagedIndexes::Hide).await.has_changes(), "it is hidden already");

        let report = apply(UnmanagedIndexes::DropHidden).await;
        assert!(matches!(report.entries[1].outcome, StepOutcome::Dropped), "{report}");
        assert_eq!(names(&db).await, ["a_1"]);

        indexes(&db, &[B]).apply(&plan::Settings::default()).await.unwrap();
        apply(UnmanagedIndexes::Drop).await;
        assert_eq!(names(&db).await, ["a_1"]);
    }
}

/// Indexes as another program may create them: other number types, redundant flags, another order of options.
#[tokio::test]
async fn an_index_made_by_another_program_is_recognised() {
    let partial = &[
        Condition { path: &["s"], operator: Operator::Equal(Literal::Text("x")) },
        Condition { path: &["n"], operator: Operator::Greater(Literal::Int(1)) },
    ];
    let collation = Some(Collation { locale: "en", strength: Some(2), numeric_ordering: None, ..Collation::DEFAULT });
    let field = |path, kind| IndexField { path, kind };
    let words: &'static [IndexField] = Box::leak(Box::new([
        field(&["n"], IndexKind::Text { weight: 3 }),
        field(&["d"], IndexKind::Text { weight: 1 }),
    ]));
    let foreign = [
        (doc! { "key": { "a": 1.0 }, "name": "other", "background": true, "sparse": false, "unique": false }, A),
        (
            doc! { "key": { "a": 1_i64 }, "name": "a_1", "expireAfterSeconds": 60.9 },
            DeclaredIndex { expire_after: Some(60), ..A },
        ),
        (
            doc! { "key": { "a": 1 }, "name": "a_1", "partialFilterExpression": { "n": { "$gt": 1.0 }, "s": { "$eq": "x" } } },
            DeclaredIndex { partial, ..A },
        ),
        (
            doc! { "key": { "a": 1 }, "name": "a_1", "partialFilterExpression": { "$and": [{ "s": "x" }, { "n": { "$gt": 1_i64 } }] } },
            DeclaredIndex { partial, ..A },
        ),
        (
            doc! { "key": { "a": 1 }, "name": "a_1", "collation": { "locale": "en", "strength": 2, "caseLevel": false } },
            DeclaredIndex { collation, ..A },
        ),
        (doc! { "key": { "a": 1 }, "name": "a_1", "collation": { "locale": "simple" } }, A),
        (
            doc! { "key": { "d": "text", "n": "text" }, "name": "words", "weights": { "n": 3.0 }, "default_language": "english" },
            DeclaredIndex { fields: words, ..DeclaredIndex::DEFAULT },
        ),
    ];
    for db in databases().await {
        for (made, declared) in &foreign {
            db.drop().await.unwrap();
            db.run_command(doc! { "createIndexes": "c", "indexes": [made] }).await.unwrap();
            let plan = indexes(&db, &[*declared]).plan().await.unwrap();
            assert!(plan.is_in_sync(), "{made}: {plan}");
        }
    }
}

/// An index with an option that cannot be declared, under a declared name.
#[tokio::test]
async fn an_option_that_no_model_can_declare_is_reported() {
    let [db, _] = databases().await;
    let made = doc! { "key": { "$**": 1 }, "name": "$**_1", "wildcardProjection": { "a": 1 } };
    db.run_command(doc! { "createIndexes": "c", "indexes": [made] }).await.unwrap();
    let wildcard =
        DeclaredIndex { fields: &[IndexField { path: &[], kind: IndexKind::Wildcard }], ..DeclaredIndex::DEFAULT };
    let plan = indexes(&db, &[wildcard]).plan().await.unwrap();
    assert!(plan.to_string().contains("wildcardProjection: {a: 1} -> (default)"), "{plan}");
}

#[tokio::test]
async fn declarations_that_contradict_each_other_are_shown_and_left_alone() {
    for db in databases().await {
        indexes(&db, &[A]).apply(&plan::Settings::default()).await.unwrap();
        let unique = DeclaredIndex { unique: true, ..A };
        let indexes = IndexManager::new(&db).collection("c", &[A, B]).collection("c", &[unique, B]);

        let plan = indexes.plan().await.unwrap();
        assert!(plan.has_conflicts() && !plan.is_in_sync());
        assert!(matches!(plan.steps[0].action, PlanAction::Conflict { why: IndexConflict::Name, .. }), "{plan}");
        let text = plan.to_string();
        assert!(text.contains("a_1 {a: 1} unique: true\n") && text.contains("conflicts with a_1 {a: 1}\n"), "{text}");

        let report = indexes.apply(&plan::Settings::default().unmanaged(UnmanagedIndexes::Drop)).await.unwrap();
        assert!(!report.is_complete(), "{report}");
        assert_eq!(names(&db).await, ["a_1", "b_1"], "the one that both declare is made");
    }
}

/// The server agrees that these declarations conflict.
#[tokio::test]
async fn the_server_refuses_planned_conflicts() {
    let [db, _] = databases().await;
    let text = |path| DeclaredIndex {
        fields: Box::leak(Box::new([IndexField { path, kind: IndexKind::Text { weight: 1 } }])),
        ..DeclaredIndex::DEFAULT
    };
    let clashes = [
        (A, DeclaredIndex { name: Some("a_1"), ..B }, IndexConflict::Name, 86),
        (A, DeclaredIndex { name: Some("a_1"), sparse: true, ..A }, IndexConflict::Name, 86),
        (A, DeclaredIndex { name: Some("a_1"), expire_after: Some(1), ..A }, IndexConflict::Name, 85),
        (A, DeclaredIndex { name: Some("x"), ..A }, IndexConflict::Identity, 85),
        (A, DeclaredIndex { name: Some("x"), expire_after: Some(1), ..A }, IndexConflict::Identity, 85),
        (text(&["a"]), text(&["b"]), IndexConflict::Text, 85),
    ];
    for (one, other, expected, code) in clashes {
        db.drop().await.unwrap();
        let plan = indexes(&db, &[one, other]).plan().await.unwrap();
        let PlanAction::Conflict { why, with } = &plan.steps[0].action else { panic!("{plan}") };
        assert_eq!(*why, expected, "{plan}");
        for (index, refused) in [(with, false), (&plan.steps[0].index, true)] {
            let mut spec = doc! { "name": index.name(), "key": index.key().clone() };
            for option in ["sparse", "expireAfterSeconds", "weights"] {
                spec.extend(index.option(option).map(|value| (option.to_owned(), value.clone())));
            }
            let created = db.run_command(doc! { "createIndexes": "c", "indexes": [spec] }).await;
            let found = created.err().map(|error| match *error.kind {
                mongodb::error::ErrorKind::Command(error) => error.code,
                other => panic!("{other:?}"),
            });
            assert_eq!(found, refused.then_some(code), "{plan}");
        }
    }
}
