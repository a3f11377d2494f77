use bson::doc;

use super::*;
use crate::model::derived::Collation;
use crate::model::{IndexField, IndexKind};

const A: DeclaredIndex =
    DeclaredIndex { fields: &[IndexField { path: &["a"], kind: IndexKind::Ascending }], ..DeclaredIndex::DEFAULT };

fn same(spec: &DeclaredIndex, raw: Document) {
    let (declared, listed) = (IndexDefinition::declared(spec, None), IndexDefinition::listed(raw));
    assert_eq!(declared.differences(&listed), [], "{declared} and {listed}");
}

/// Replies as servers send them; tests against real servers cover every kind.
#[test]
fn a_servers_form_of_an_index_is_recognised() {
    same(&A, doc! { "v": 2, "key": { "a": 1.0 }, "name": "a_1", "background": true, "sparse": false });
    same(&A, doc! { "v": 1, "key": { "a": 1_i64 }, "name": "a_1", "ns": "shop.things" });
    let ttl = DeclaredIndex { expire_after: Some(2_147_483_647), ..A };
    same(&ttl, doc! { "key": { "a": 1 }, "name": "a_1", "expireAfterSeconds": f64::NAN });
    let collation = Collation { locale: "th", strength: Some(3), numeric_ordering: Some(true), ..Collation::DEFAULT };
    let full = doc! {
        "locale": "th", "caseLevel": false, "caseFirst": "off", "strength": 3, "numericOrdering": true, "alternate": "shifted",
        "maxVariable": "punct", "normalization": true, "backwards": false, "version": "57.1",
    };
    same(
        &DeclaredIndex { collation: Some(collation), ..A },
        doc! { "key": { "a": 1 }, "name": "a_1", "collation": full },
    );
}

#[test]
fn the_order_of_keys_matters_and_that_of_options_does_not() {
    let raw =
        |key, filter| IndexDefinition::listed(doc! { "name": "x", "key": key, "partialFilterExpression": filter });
    let one = raw(doc! { "a": 1, "b": 1 }, doc! { "x": 1, "y": 2 });
    assert_eq!(one.differences(&raw(doc! { "a": 1, "b": 1 }, doc! { "y": 2, "x": 1 })), []);
    let other = raw(doc! { "b": 1, "a": 1 }, doc! { "x": 1, "y": 2 });
    assert_eq!(one.differences(&other)[0].to_string(), "key: {b: 1, a: 1} -> {a: 1, b: 1}");
    assert!(!one.is_same_except_name(&other));
}

#[test]
fn differences_are_displayed_in_words() {
    let spec = DeclaredIndex { name: Some("mine"), unique: true, expire_after: Some(60), ..A };
    let existing = doc! { "name": "a_1", "key": { "a": 1 }, "expireAfterSeconds": 30, "hidden": true };
    let differences = IndexDefinition::declared(&spec, None).differences(&IndexDefinition::listed(existing));
    let shown: Vec<_> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            r#"name: "a_1" -> "mine""#,
            "expireAfterSeconds: 30 -> 60",
            "hidden: true -> (default)",
            "unique: (default) -> true",
        ]
    );
}

#[test]
fn indexes_inherit_the_collation_of_their_collection_if_they_can() {
    let german = doc! { "locale": "de", "strength": 3 };
    let inherited = |spec: &DeclaredIndex| IndexDefinition::declared(spec, Some(&german)).option("collation").cloned();
    assert_eq!(inherited(&A), Some(doc! { "locale": "de" }.into()));
    let own = Collation { locale: "simple", strength: None, numeric_ordering: None, ..Collation::DEFAULT };
    assert_eq!(inherited(&DeclaredIndex { collation: Some(own), ..A }), None);
    for kind in [IndexKind::Plane, IndexKind::Text { weight: 1 }] {
        let fields = Box::leak(Box::new([IndexField { path: &["a"], kind }]));
        assert_eq!(inherited(&DeclaredIndex { fields, ..A }), None);
    }
}

/// Sends the collation in every specification, so that a collection's default does not apply.
#[test]
fn a_sent_index_names_its_collation() {
    let command = IndexDefinition::declared(&A, None).specification();
    assert_eq!(command, doc! { "name": "a_1", "key": { "a": 1 }, "collation": { "locale": "simple" } });
}

#[test]
fn values_are_shown_as_in_the_shell() {
    let value = doc! { "a.b": 1, "$gt": 2.5, "odd name": ["x\"y", null], "ok": true };
    assert_eq!(format_bson(&value.into()), r#"{a.b: 1, $gt: 2.5, "odd name": ["x\"y", null], ok: true}"#);
}

/// Filters as a person may write them in the shell, and as the derive writes them.
#[test]
fn filters_with_types_choices_and_null_are_recognised() {
    use crate::model::derived::{Condition, Literal, Operator};
    let partial = &[
        Condition { path: &["email"], operator: Operator::Type(&["string"]) },
        Condition { path: &["kind"], operator: Operator::Type(&["null", "int"]) },
        Condition { path: &["deleted"], operator: Operator::Equal(Literal::Null) },
        Condition { path: &["at"], operator: Operator::Greater(Literal::Date(0)) },
        Condition { path: &["owner"], operator: Operator::Equal(Literal::Id([1; 12])) },
        Condition {
            path: &[],
            operator: Operator::AnyOf(&[
                &[Condition { path: &["b"], operator: Operator::Equal(Literal::Int(2)) }],
                &[
                    Condition { path: &["c"], operator: Operator::Equal(Literal::Int(3)) },
                    Condition { path: &["d"], operator: Operator::Exists },
                ],
            ]),
        },
    ];
    let filter = doc! {
        "$or": [{ "d": { "$exists": true }, "c": 3.0 }, { "b": 2_i64 }],
        "owner": bson::oid::ObjectId::from_bytes([1; 12]),
        "at": { "$gt": bson::DateTime::from_millis(0) },
        "deleted": null,
        "kind": { "$type": [16, "null"] },
        "email": { "$type": 2 },
    };
    let raw = doc! { "key": { "a": 1 }, "name": "a_1", "partialFilterExpression": filter };
    same(&DeclaredIndex { partial, ..A }, raw);
}

#[test]
fn projections_of_wildcards_are_recognised() {
    use crate::model::derived::Projection;
    let fields = &[IndexField { path: &[], kind: IndexKind::Wildcard }];
    let included = |path, included| Projection { path, included };
    let wildcard_projection = Box::leak(Box::new([included(&["b", "c"], true), included(&["a"], true)]));
    let spec = DeclaredIndex { fields, wildcard_projection, ..DeclaredIndex::DEFAULT };
    let key = doc! { "$**": 1 };
    same(&spec, doc! { "key": key, "name": "$**_1", "wildcardProjection": { "a": true, "b": { "c": 1.0 }, "_id": 0 } });
}

#[test]
fn options_that_are_left_as_they_are_do_not_differ() {
    let raw = || doc! { "key": { "a": 1 }, "name": "a_1", "storageEngine": { "wiredTiger": {} } };
    same(&DeclaredIndex { as_is: &["storageEngine"], ..A }, raw());
    let differences = IndexDefinition::declared(&A, None).differences(&IndexDefinition::listed(raw()));
    let expected = "storageEngine: {wiredTiger: {}} -> (default) (no attribute declares it: to leave it, write `as_is(\"storageEngine\")`)";
    assert_eq!(differences[0].to_string(), expected);
}
