//! Each option changed in turn: what is planned, and that it is what then happens.

use fastness::mongo::model::{Collation, Condition, Declaration, Field, Kind, Literal, Operator};
use fastness::mongo::plan::{self, Action};

use super::{A, B, ascending, databases, indexes, names};

const TEXT: Declaration =
    Declaration { fields: &[text(&["name"], 1), text(&["description"], 1)], ..Declaration::PLAIN };
const PLANE: Declaration = Declaration { fields: &[Field { path: &["p"], kind: Kind::Plane }], ..Declaration::PLAIN };

const fn text(path: &'static [&'static str], weight: u32) -> Field {
    Field { path, kind: Kind::Text { weight } }
}

const fn active(total: i64) -> &'static [Condition] {
    if total == 1 {
        &[Condition { path: &["total"], operator: Operator::Greater(Literal::Int(1)) }]
    } else {
        &[Condition { path: &["total"], operator: Operator::Greater(Literal::Int(2)) }]
    }
}

const fn english(strength: u8) -> Declaration {
    Declaration { collation: Some(Collation { locale: "en", strength: Some(strength), numeric_ordering: None }), ..A }
}

/// The index as it was and as it is to be; what has to be done; the index's name afterwards.
const CHANGES: &[(Declaration, Declaration, &str, &str)] = &[
    // In place.
    (ttl(60), ttl(3_600), "change", "a_1"),
    (A, ttl(60), "change", "a_1"),
    (A, Declaration { hidden: true, ..A }, "change", "a_1"),
    (Declaration { hidden: true, ..A }, A, "change", "a_1"),
    (A, Declaration { unique: true, ..A }, "change", "a_1"),
    (A, Declaration { unique: true, hidden: true, expire_after: Some(5), ..A }, "change", "a_1"),
    // Another name, which the server chose, is no difference.
    (named("mine"), A, "keep", "mine"),
    (Declaration { hidden: true, ..named("mine") }, A, "change", "mine"),
    // A difference that lets both exist: the new one is there before the old one goes, so it has another name.
    (Declaration { unique: true, ..A }, A, "rebuild", "a_1_2"),
    (A, Declaration { sparse: true, ..A }, "rebuild", "a_1_2"),
    (A, Declaration { partial: active(1), ..A }, "rebuild", "a_1_2"),
    (Declaration { partial: active(1), ..A }, Declaration { partial: active(2), ..A }, "rebuild", "a_1_2"),
    (A, english(2), "rebuild", "a_1_2"),
    (english(2), english(1), "rebuild", "a_1_2"),
    // One that does not.
    (ttl(60), A, "rebuild", "a_1"),
    (A, named("mine"), "rebuild", "mine"),
    (named("mine"), Declaration { name: Some("mine"), ..B }, "rebuild", "mine"),
    (named("mine"), Declaration { sparse: true, ..named("mine") }, "rebuild", "mine"),
    (
        TEXT,
        Declaration { fields: &[text(&["name"], 10), text(&["description"], 1)], ..TEXT },
        "rebuild",
        "name_text_description_text",
    ),
    (TEXT, Declaration { fields: &[text(&["name"], 1)], ..TEXT }, "rebuild", "name_text"),
    (TEXT, Declaration { default_language: Some("german"), ..TEXT }, "rebuild", "name_text_description_text"),
    (TEXT, Declaration { language_override: Some("idioma"), ..TEXT }, "rebuild", "name_text_description_text"),
    (PLANE, Declaration { bits: Some(20), ..PLANE }, "rebuild", "p_2d"),
    (PLANE, Declaration { bounds: Some((0.0, 10.0)), ..PLANE }, "rebuild", "p_2d"),
    // Other keys are another index.
    (A, B, "create", "b_1"),
    (A, Declaration { fields: &[ascending(&["a"]), ascending(&["b"])], ..A }, "create", "a_1_b_1"),
];

const fn ttl(seconds: u32) -> Declaration {
    Declaration { expire_after: Some(seconds), ..A }
}

const fn named(name: &'static str) -> Declaration {
    Declaration { name: Some(name), ..A }
}

fn verb(action: &Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Keep { .. } => "keep",
        Action::Change { .. } => "change",
        Action::Rebuild { .. } => "rebuild",
        Action::Unmanaged => "unmanaged",
        _ => "conflict",
    }
}

#[tokio::test]
async fn each_option_that_is_changed_leads_to_the_right_step_and_then_to_peace() {
    for db in databases().await {
        for (before, after, expected, name) in CHANGES {
            db.drop().await.unwrap();
            indexes(&db, &[*before]).apply(&plan::Settings::default()).await.unwrap();
            let indexes = indexes(&db, &[*after]);

            let plan = indexes.plan().await.unwrap();
            assert_eq!(verb(&plan.steps[0].action), *expected, "{plan}");

            let report = indexes.apply(&plan::Settings::default().rebuild(true)).await.unwrap();
            assert!(report.is_complete(), "{report}");
            let plan = indexes.plan().await.unwrap();
            assert!(plan.is_in_sync(), "{plan}");
            let names = names(&db).await;
            assert!(names.iter().any(|listed| listed == name), "{name}: {names:?}\n{report}");
            assert_eq!(names.len(), if *expected == "create" { 2 } else { 1 }, "{names:?}");
        }
    }
}

#[tokio::test]
async fn nothing_is_dropped_unless_that_is_asked_for() {
    for db in databases().await {
        indexes(&db, &[A, B]).apply(&plan::Settings::default()).await.unwrap();
        let changed = indexes(&db, &[Declaration { sparse: true, ..A }]);
        let before = super::listed(&db).await;

        let report = changed.apply(&plan::Settings::default()).await.unwrap();
        assert!(!report.is_complete() && !report.did_something(), "{report}");
        assert_eq!(super::listed(&db).await, before);
    }
}
