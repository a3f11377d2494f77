//! Indexes that no model declares, or that another program made.

use bson::doc;
use fastness::mongo::IndexManager;
use fastness::mongo::model::{Collation, Condition, Declaration, Field, Kind, Literal, Operator};
use fastness::mongo::plan::{self, Action, Clash, Outcome, Unmanaged};

use super::{A, B, databases, indexes, listed, names};

#[tokio::test]
async fn unmanaged_indexes_stay_are_hidden_or_dropped_as_asked() {
    for db in databases().await {
        indexes(&db, &[A, B]).apply(&plan::Settings::default()).await.unwrap();
        let only_a = indexes(&db, &[A]);
        let apply = async |unmanaged| only_a.apply(&plan::Settings::default().unmanaged(unmanaged)).await.unwrap();

        let plan = only_a.plan().await.unwrap();
        assert!(plan.is_in_sync() && plan.to_string().contains("unmanaged b_1 {b: 1}"), "{plan}");
        apply(Unmanaged::Keep).await;
        apply(Unmanaged::DropHidden).await;
        assert_eq!(names(&db).await, ["a_1", "b_1"]);

        let report = apply(Unmanaged::Hide).await;
        assert!(matches!(report.entries[1].outcome, Outcome::Hidden), "{report}");
        assert!(listed(&db).await[1].get_bool("hidden").unwrap());
        assert!(!apply(Unmanaged::Hide).await.did_something(), "it is hidden already");

        let report = apply(Unmanaged::DropHidden).await;
        assert!(matches!(report.entries[1].outcome, Outcome::Dropped), "{report}");
        assert_eq!(names(&db).await, ["a_1"]);

        indexes(&db, &[B]).apply(&plan::Settings::default()).await.unwrap();
        apply(Unmanaged::Drop).await;
        assert_eq!(names(&db).await, ["a_1"]);
    }
}

/// Each as another program could have made it: other types of numbers, flags that say nothing, another order.
#[tokio::test]
async fn an_index_made_by_another_program_is_recognised() {
    let partial = &[
        Condition { path: &["s"], operator: Operator::Equal(Literal::Text("x")) },
        Condition { path: &["n"], operator: Operator::Greater(Literal::Int(1)) },
    ];
    let collation = Some(Collation { locale: "en", strength: Some(2), numeric_ordering: None });
    let field = |path, kind| Field { path, kind };
    let words: &'static [Field] =
        Box::leak(Box::new([field(&["n"], Kind::Text { weight: 3 }), field(&["d"], Kind::Text { weight: 1 })]));
    let foreign = [
        (doc! { "key": { "a": 1.0 }, "name": "other", "background": true, "sparse": false, "unique": false }, A),
        (
            doc! { "key": { "a": 1_i64 }, "name": "a_1", "expireAfterSeconds": 60.9 },
            Declaration { expire_after: Some(60), ..A },
        ),
        (
            doc! { "key": { "a": 1 }, "name": "a_1", "partialFilterExpression": { "n": { "$gt": 1.0 }, "s": { "$eq": "x" } } },
            Declaration { partial, ..A },
        ),
        (
            doc! { "key": { "a": 1 }, "name": "a_1", "partialFilterExpression": { "$and": [{ "s": "x" }, { "n": { "$gt": 1_i64 } }] } },
            Declaration { partial, ..A },
        ),
        (
            doc! { "key": { "a": 1 }, "name": "a_1", "collation": { "locale": "en", "strength": 2, "caseLevel": false } },
            Declaration { collation, ..A },
        ),
        (doc! { "key": { "a": 1 }, "name": "a_1", "collation": { "locale": "simple" } }, A),
        (
            doc! { "key": { "d": "text", "n": "text" }, "name": "words", "weights": { "n": 3.0 }, "default_language": "english" },
            Declaration { fields: words, ..Declaration::PLAIN },
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

/// An index that cannot be declared, since the option is not known here, under a name that is declared.
#[tokio::test]
async fn an_option_that_no_model_can_declare_is_reported() {
    let [db, _] = databases().await;
    let made = doc! { "key": { "$**": 1 }, "name": "$**_1", "wildcardProjection": { "a": 1 } };
    db.run_command(doc! { "createIndexes": "c", "indexes": [made] }).await.unwrap();
    let wildcard = Declaration { fields: &[Field { path: &[], kind: Kind::Wildcard }], ..Declaration::PLAIN };
    let plan = indexes(&db, &[wildcard]).plan().await.unwrap();
    assert!(plan.to_string().contains("wildcardProjection: {a: 1} -> (default)"), "{plan}");
}

#[tokio::test]
async fn declarations_that_contradict_each_other_are_shown_and_left_alone() {
    for db in databases().await {
        indexes(&db, &[A]).apply(&plan::Settings::default()).await.unwrap();
        let unique = Declaration { unique: true, ..A };
        let indexes = IndexManager::new(&db).collection("c", &[A, B]).collection("c", &[unique, B]);

        let plan = indexes.plan().await.unwrap();
        assert!(plan.has_conflicts() && !plan.is_in_sync());
        assert!(matches!(plan.steps[0].action, Action::Conflict { why: Clash::Name, .. }), "{plan}");
        let text = plan.to_string();
        assert!(text.contains("a_1 {a: 1} unique: true\n") && text.contains("against a_1 {a: 1}\n"), "{text}");

        let report = indexes.apply(&plan::Settings::default().unmanaged(Unmanaged::Drop)).await.unwrap();
        assert!(!report.is_complete(), "{report}");
        assert_eq!(names(&db).await, ["a_1", "b_1"], "the one that both declare is made");
    }
}

/// The server agrees that these cannot both be had.
#[tokio::test]
async fn the_server_refuses_what_is_planned_as_a_conflict() {
    let [db, _] = databases().await;
    let text = |path| Declaration {
        fields: Box::leak(Box::new([Field { path, kind: Kind::Text { weight: 1 } }])),
        ..Declaration::PLAIN
    };
    let clashes = [
        (A, Declaration { name: Some("a_1"), ..B }, Clash::Name, 86),
        (A, Declaration { name: Some("a_1"), sparse: true, ..A }, Clash::Name, 86),
        (A, Declaration { name: Some("a_1"), expire_after: Some(1), ..A }, Clash::Name, 85),
        (A, Declaration { name: Some("x"), ..A }, Clash::Identity, 85),
        (A, Declaration { name: Some("x"), expire_after: Some(1), ..A }, Clash::Identity, 85),
        (text(&["a"]), text(&["b"]), Clash::Text, 85),
    ];
    for (one, other, expected, code) in clashes {
        db.drop().await.unwrap();
        let plan = indexes(&db, &[one, other]).plan().await.unwrap();
        let Action::Conflict { why, with } = &plan.steps[0].action else { panic!("{plan}") };
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
