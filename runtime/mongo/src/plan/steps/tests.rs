use bson::{Document, doc};

use super::*;
use crate::model::{DeclaredIndex, IndexField, IndexKind};

fn index(raw: Document) -> IndexDefinition {
    IndexDefinition::listed(raw)
}

fn plan(declared: Vec<IndexDefinition>, existing: Vec<IndexDefinition>) -> IndexPlan {
    IndexPlan::new("shop", vec![CollectionIndexes { name: "things".to_owned(), declared, existing }])
}

fn email() -> Document {
    doc! { "name": "email_1", "key": { "email": 1 } }
}

fn with(mut index: Document, options: Document) -> IndexDefinition {
    index.extend(options);
    IndexDefinition::listed(index)
}

#[test]
fn a_plan_is_displayed_in_words() {
    let id = index(doc! { "name": "_id_", "key": { "_id": 1 } });
    let text =
        |weights: Document| index(doc! { "name": "t", "key": { "_fts": "text", "_ftsx": 1 }, "weights": weights });
    let declared = vec![
        index(doc! { "name": "email_1", "key": { "email": 1 }, "unique": true }),
        index(doc! { "name": "seen_1", "key": { "seen": 1 }, "expireAfterSeconds": 60 }),
        index(doc! { "name": "kept_1", "key": { "kept": 1 } }),
        text(doc! { "name": 10, "about": 1 }),
        index(doc! { "name": "x_1", "key": { "x": 1 } }),
        index(doc! { "name": "x_1", "key": { "x": 1 }, "sparse": true }),
    ];
    let existing = vec![
        id,
        index(doc! { "name": "seen_1", "key": { "seen": 1 }, "expireAfterSeconds": 30 }),
        index(doc! { "name": "kept_1", "key": { "kept": 1 } }),
        text(doc! { "name": 1, "about": 1 }),
        index(doc! { "name": "old", "key": { "old": -1 } }),
    ];
    let plan = plan(declared, existing);
    let expected = "\
shop.things
    ! conflict  x_1 {x: 1} sparse: true
                conflicts with x_1 {x: 1}
                both have this name (IndexKeySpecsConflict, 86): rename or remove one
    + create    email_1 {email: 1} unique: true
    ~ change    seen_1 {seen: 1} expireAfterSeconds: 60
                expireAfterSeconds: 30 -> 60
  -/+ rebuild   t {_fts: \"text\", _ftsx: 1} weights: {about: 1, name: 10}
                replaces t {_fts: \"text\", _ftsx: 1} weights: {about: 1, name: 1}
                weights: {about: 1, name: 1} -> {about: 1, name: 10}
                queries have no index while it is rebuilt: the server does not admit both
    ? unmanaged old {old: -1}
                exists, but no model declares it
Plan: 1 to create, 1 to change, 1 to rebuild, 1 in sync, 1 unmanaged, 1 in conflict
";
    assert_eq!(plan.to_string(), expected);
}

#[test]
fn an_index_that_is_declared_twice_is_made_once() {
    let plan = plan(vec![index(email()), index(email())], vec![]);
    assert!(matches!(&plan.steps[..], [PlanStep { action: PlanAction::Create, .. }]), "{plan}");
    assert!(!plan.has_conflicts());
}

#[test]
fn the_index_over_id_cannot_be_declared() {
    let plan = plan(vec![index(doc! { "name": "_id_1", "key": { "_id": 1 } })], vec![]);
    assert!(matches!(plan.steps[0].action, PlanAction::Conflict { why: IndexConflict::Id, .. }));
    assert!(plan.to_string().contains("MongoDB itself creates the index on `_id`"), "{plan}");
    assert!(plan.has_conflicts() && !plan.is_in_sync());
}

#[test]
fn a_contradiction_says_why_both_indexes_cannot_exist() {
    let text = |name: &str, field: &str| {
        index(doc! { "name": name, "key": { "_fts": "text", "_ftsx": 1 }, "weights": { field: 1 } })
    };
    let same_keys = vec![index(email()), with(email(), doc! { "name": "other" })];
    for (declared, clash, says) in [
        (same_keys, IndexConflict::Identity, "(IndexOptionsConflict, 85): remove one"),
        (vec![text("a", "name"), text("b", "about")], IndexConflict::Text, "a collection can have one text index"),
    ] {
        let plan = plan(declared, vec![]);
        assert!(matches!(plan.steps[0].action, PlanAction::Conflict { why, .. } if why == clash), "{plan}");
        assert!(plan.to_string().contains(says), "{plan}");
    }
}

/// An index that conflicts with one of two conflicting declarations may be meant by either.
#[test]
fn an_index_that_blocks_contradicting_declarations_is_not_unmanaged() {
    let declared = || vec![index(email()), with(email(), doc! { "name": "other" })];
    for name in ["email_1", "other", "third"] {
        let plan = plan(declared(), vec![index(doc! { "name": name, "key": { "mail": 1 } })]);
        assert!(plan.has_conflicts(), "{plan}");
        let unmanaged = plan.steps.iter().filter(|step| matches!(step.action, PlanAction::Unmanaged)).count();
        assert_eq!(unmanaged, usize::from(name == "third"), "{plan}");
    }
}

#[test]
fn the_index_with_the_declared_name_is_kept_of_two_that_serve() {
    let existing = vec![with(email(), doc! { "name": "other" }), index(email())];
    let plan = plan(vec![index(email())], existing);
    assert!(matches!(&plan.steps[0].action, PlanAction::Keep { existing } if existing == "email_1"), "{plan}");
    assert!(matches!(plan.steps[1].action, PlanAction::Unmanaged) && plan.is_in_sync());
}

/// The server has a wrong index with the declared name, and a right one with another name.
#[test]
fn an_index_that_serves_makes_the_one_with_the_name_unmanaged() {
    let wrong = index(doc! { "name": "email_1", "key": { "mail": 1 } });
    let plan = plan(vec![index(email())], vec![wrong, with(email(), doc! { "name": "other" })]);
    assert!(plan.is_in_sync() && matches!(plan.steps[1].action, PlanAction::Unmanaged), "{plan}");
}

#[test]
fn all_indexes_that_block_a_declared_one_are_replaced() {
    let wrong = index(doc! { "name": "email_1", "key": { "mail": 1 } });
    let other = with(email(), doc! { "name": "other", "expireAfterSeconds": 5 });
    let plan = plan(vec![index(email())], vec![wrong, other]);
    let PlanAction::Rebuild { existing, .. } = &plan.steps[0].action else { panic!("{plan}") };
    assert_eq!(existing.iter().map(IndexDefinition::name).collect::<Vec<_>>(), ["email_1", "other"]);
}

#[test]
fn an_index_that_blocks_one_declaration_serves_no_other() {
    let unique = with(email(), doc! { "unique": true, "name": "u" });
    let plan = plan(vec![index(email()), unique.clone()], vec![unique]);
    assert!(matches!(plan.steps[0].action, PlanAction::Keep { .. }), "{plan}");
    assert!(matches!(plan.steps[1].action, PlanAction::Create), "{plan}");
}

#[test]
fn an_index_half_prepared_to_be_unique_is_finished_or_left() {
    let prepared = || with(email(), doc! { "prepareUnique": true });
    let finished = plan(vec![with(email(), doc! { "unique": true })], vec![prepared()]);
    assert!(matches!(finished.steps[0].action, PlanAction::Change { .. }), "{finished}");
    let left = plan(vec![index(email())], vec![prepared()]);
    assert!(left.is_in_sync(), "{left}");
    let rebuilt = index(email()).with_undeclared_options(&prepared());
    assert!(rebuilt.has_flag("prepareUnique"));
    assert!(!with(email(), doc! { "unique": true }).with_undeclared_options(&prepared()).has_flag("prepareUnique"));
}

#[test]
fn an_index_of_the_server_is_neither_unmanaged_nor_declared() {
    let encrypted = index(doc! { "name": "__safeContent___1", "key": { "__safeContent__": 1 } });
    let pair = |options: Document| {
        with(doc! { "name": "m_1_t_1", "key": { "m": 1, "t": 1 } }, options).with_time_series("m", "t")
    };
    let plan = plan(vec![], vec![encrypted, pair(doc! {}), pair(doc! { "sparse": true })]);
    assert!(
        matches!(&plan.steps[..], [PlanStep { action: PlanAction::Unmanaged, index, .. }] if index.has_flag("sparse")),
        "{plan}"
    );
}

#[test]
fn a_rebuild_leaves_no_gap_where_another_index_can_stand_in() {
    let gap = |declared: Document, existing: Document| {
        let plan = plan(vec![index(declared)], vec![index(existing)]);
        let PlanAction::Rebuild { gap, .. } = plan.steps[0].action else { panic!("{plan}") };
        gap
    };
    let hashed = |options: Document| {
        let mut index = doc! { "name": "h", "key": { "a": "hashed" } };
        index.extend(options);
        index
    };
    let mut expiring = email();
    expiring.insert("expireAfterSeconds", 5);
    assert!(!gap(email(), expiring));
    assert!(gap(hashed(doc! {}), hashed(doc! { "expireAfterSeconds": 5 })));
    let stand_in =
        index(doc! { "name": "a", "key": { "a": 1 }, "unique": true, "sparse": true }).stand_in("b").unwrap();
    assert_eq!(stand_in.to_string(), "b {a: 1, _id: 1} sparse: true");
    assert!(index(doc! { "name": "a", "key": { "a": 1, "_id": 1 } }).stand_in("b").is_none());
}

#[test]
fn an_index_that_is_dropped_or_hidden_does_not_stand_in() {
    let long = |options: Document| with(doc! { "name": "spare", "key": { "email": 1, "_id": 1 } }, options);
    let expiring = with(email(), doc! { "expireAfterSeconds": 5 });
    let old = long(doc! {}).with_name("email_1");
    let named = DeclaredIndex {
        fields: &[IndexField { path: &["email"], kind: IndexKind::Ascending }],
        name: Some("email_1"),
        ..DeclaredIndex::DEFAULT
    };
    let named = IndexDefinition::declared(&named, None);
    for (existing, expected) in [
        (vec![expiring.clone(), long(doc! {})], false),
        (vec![expiring, long(doc! { "hidden": true })], true),
        (vec![old], true),
    ] {
        let plan = plan(vec![named.clone()], existing);
        assert!(matches!(plan.steps[0].action, PlanAction::Rebuild { gap, .. } if gap == expected), "{plan}");
    }
}

/// A rebuild that was broken off built the new index, and did not drop the old one.
#[test]
fn an_old_index_beside_the_new_one_is_replaced() {
    let unique = || with(email(), doc! { "unique": true });
    let new = |building| unique().with_name("email_1_2").with_building(building);
    for building in [false, true] {
        let plan = plan(vec![unique()], vec![index(email()), new(building)]);
        let [PlanStep { action: PlanAction::Rebuild { existing, gap: false, .. }, .. }] = &plan.steps[..] else {
            panic!("{plan}")
        };
        assert!(existing.len() == 1 && !existing[0].has_flag("unique"), "{plan}");
    }
    assert!(plan(vec![unique()], vec![new(false)]).is_in_sync());
    let both = plan(vec![unique(), index(email()).with_name("u")], vec![index(email()).with_name("u"), new(false)]);
    assert!(both.is_in_sync(), "{both}");
}

/// An index of a person may look like that: the new one then got its name from `optimize_indexes`.
#[test]
fn a_special_old_index_is_left_to_a_person() {
    for option in [
        doc! { "unique": true },
        doc! { "partialFilterExpression": { "a": 1 } },
        doc! { "collation": { "locale": "en", "strength": 1 } },
        doc! { "expireAfterSeconds": 60 },
    ] {
        let plan = plan(vec![index(email())], vec![with(email(), option), index(email()).with_name("email_1_2")]);
        let actions: Vec<_> = plan.steps.iter().map(|step| &step.action).collect();
        assert!(matches!(actions[..], [PlanAction::Keep { .. }, PlanAction::Unmanaged]), "{plan}");
    }
}

#[test]
fn an_index_that_is_being_built_does_not_exist_yet() {
    let plan = plan(vec![index(email())], vec![index(email()).with_building(true)]);
    assert!(!plan.is_in_sync() && plan.to_string().contains("is being built"), "{plan}");
}
