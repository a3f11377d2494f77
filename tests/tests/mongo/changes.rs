//! Changes of each option: the plan, and the outcome of applying it.

use fastness::mongo::model::derived::{Collation, Condition, Literal, Operator};
use fastness::mongo::model::{DeclaredIndex, IndexField, IndexKind};
use fastness::mongo::plan::{self, PlanAction};

use super::{A, B, ascending, databases, indexes, names};

const TEXT: DeclaredIndex =
    DeclaredIndex { fields: &[text(&["name"], 1), text(&["description"], 1)], ..DeclaredIndex::DEFAULT };
const PLANE: DeclaredIndex =
    DeclaredIndex { fields: &[IndexField { path: &["p"], kind: IndexKind::Plane }], ..DeclaredIndex::DEFAULT };

const fn text(path: &'static [&'static str], weight: u32) -> IndexField {
    IndexField { path, kind: IndexKind::Text { weight } }
}

const fn active(total: i64) -> &'static [Condition] {
    if total == 1 {
        &[Condition { path: &["total"], operator: Operator::Greater(Literal::Int(1)) }]
    } else {
        &[Condition { path: &["total"], operator: Operator::Greater(Literal::Int(2)) }]
    }
}

const fn english(strength: u8) -> DeclaredIndex {
    DeclaredIndex {
        collation: Some(Collation {
            locale: "en",
            strength: Some(strength),
            numeric_ordering: None,
            ..Collation::DEFAULT
        }),
        ..A
    }
}

/// The index before and after, the expected action, and the index's name afterwards.
const CHANGES: &[(DeclaredIndex, DeclaredIndex, &str, &str)] = &[
    // Changes in place.
    (ttl(60), ttl(3_600), "change", "a_1"),
    (A, ttl(60), "change", "a_1"),
    (A, DeclaredIndex { hidden: true, ..A }, "change", "a_1"),
    (DeclaredIndex { hidden: true, ..A }, A, "change", "a_1"),
    (A, DeclaredIndex { unique: true, ..A }, "change", "a_1"),
    (A, DeclaredIndex { unique: true, hidden: true, expire_after: Some(5), ..A }, "change", "a_1"),
    // Another name is no difference if the declaration has no name.
    (named("mine"), A, "keep", "mine"),
    (DeclaredIndex { hidden: true, ..named("mine") }, A, "change", "mine"),
    // Both indexes can coexist: the new one is built before the old one is dropped, so it gets another name.
    (DeclaredIndex { unique: true, ..A }, A, "rebuild", "a_1_2"),
    (A, DeclaredIndex { sparse: true, ..A }, "rebuild", "a_1_2"),
    (A, DeclaredIndex { partial: active(1), ..A }, "rebuild", "a_1_2"),
    (DeclaredIndex { partial: active(1), ..A }, DeclaredIndex { partial: active(2), ..A }, "rebuild", "a_1_2"),
    (A, english(2), "rebuild", "a_1_2"),
    (english(2), english(1), "rebuild", "a_1_2"),
    // Both indexes cannot coexist.
    (ttl(60), A, "rebuild", "a_1"),
    (A, named("mine"), "rebuild", "mine"),
    (named("mine"), DeclaredIndex { name: Some("mine"), ..B }, "rebuild", "mine"),
    (named("mine"), DeclaredIndex { sparse: true, ..named("mine") }, "rebuild", "mine"),
    (
        TEXT,
        DeclaredIndex { fields: &[text(&["name"], 10), text(&["description"], 1)], ..TEXT },
        "rebuild",
        "name_text_description_text",
    ),
    (TEXT, DeclaredIndex { fields: &[text(&["name"], 1)], ..TEXT }, "rebuild", "name_text"),
    (TEXT, DeclaredIndex { default_language: Some("german"), ..TEXT }, "rebuild", "name_text_description_text"),
    (TEXT, DeclaredIndex { language_override: Some("idioma"), ..TEXT }, "rebuild", "name_text_description_text"),
    (PLANE, DeclaredIndex { bits: Some(20), ..PLANE }, "rebuild", "p_2d"),
    (PLANE, DeclaredIndex { bounds: Some((0.0, 10.0)), ..PLANE }, "rebuild", "p_2d"),
    // Another key is another index.
    (A, B, "create", "b_1"),
    (A, DeclaredIndex { fields: &[ascending(&["a"]), ascending(&["b"])], ..A }, "create", "a_1_b_1"),
];

const fn ttl(seconds: u32) -> DeclaredIndex {
    DeclaredIndex { expire_after: Some(seconds), ..A }
}

const fn named(name: &'static str) -> DeclaredIndex {
    DeclaredIndex { name: Some(name), ..A }
}

fn verb(action: &PlanAction) -> &'static str {
    match action {
        PlanAction::Create => "create",
        PlanAction::Keep { .. } => "keep",
        PlanAction::Change { .. } => "change",
        PlanAction::Rebuild { .. } => "rebuild",
        PlanAction::Unmanaged => "unmanaged",
        _ => "conflict",
    }
}

#[tokio::test]
async fn each_changed_option_leads_to_the_right_step_and_then_to_none() {
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
async fn no_index_is_dropped_without_a_request() {
    for db in databases().await {
        indexes(&db, &[A, B]).apply(&plan::Settings::default()).await.unwrap();
        let changed = indexes(&db, &[DeclaredIndex { sparse: true, ..A }]);
        let before = super::listed(&db).await;

        let report = changed.apply(&plan::Settings::default()).await.unwrap();
        assert!(!report.is_complete() && !report.has_changes(), "{report}");
        assert_eq!(super::listed(&db).await, before);
    }
}
