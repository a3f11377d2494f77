//! Every kind of index and every option: what was applied is in sync, and stays so.

use bson::doc;
use fastness::mongo::IndexManager;
use fastness::mongo::model::{Collation, Condition, Declaration, Field, Kind, Literal, Operator};
use fastness::mongo::plan;

use super::{A, B, ascending, databases};

const TEXT: Kind = Kind::Text { weight: 1 };
const PLAIN: Declaration = Declaration::PLAIN;

const fn one(path: &'static [&'static str], kind: Kind) -> Field {
    Field { path, kind }
}

/// A collection's name and its indexes.
const KINDS: &[(&str, &[Declaration])] = &[
    ("single", &[A, Declaration { fields: &[one(&["a"], Kind::Descending)], ..PLAIN }]),
    ("nested", &[Declaration { fields: &[ascending(&["a", "b", "c"])], ..PLAIN }]),
    ("compound", &[Declaration { fields: &[ascending(&["a"]), one(&["b"], Kind::Descending)], ..PLAIN }]),
    ("named", &[Declaration { name: Some("by a"), ..A }]),
    ("unique", &[Declaration { unique: true, ..A }]),
    ("sparse", &[Declaration { sparse: true, ..A }]),
    ("hidden", &[Declaration { hidden: true, ..A }]),
    ("expiring", &[Declaration { expire_after: Some(2_592_000), ..A }]),
    ("expiring at once", &[Declaration { expire_after: Some(0), ..A }]),
    (
        "several",
        &[A, B, Declaration { unique: true, sparse: true, hidden: true, fields: &[ascending(&["c"])], ..PLAIN }],
    ),
    (
        "partial",
        &[Declaration {
            partial: &[
                Condition { path: &["status"], operator: Operator::Equal(Literal::Text("active")) },
                Condition { path: &["total"], operator: Operator::Greater(Literal::Int(10)) },
                Condition { path: &["total"], operator: Operator::LessOrEqual(Literal::Double(99.5)) },
                Condition { path: &["deep", "er"], operator: Operator::Exists },
                Condition { path: &["kind"], operator: Operator::OneOf(&[Literal::Int(2), Literal::Int(1)]) },
                Condition { path: &["one"], operator: Operator::OneOf(&[Literal::Bool(true)]) },
            ],
            ..A
        }],
    ),
    (
        "collated",
        &[Declaration { collation: Some(Collation { locale: "en", strength: Some(2), numeric_ordering: None }), ..A }],
    ),
    (
        "collated as by default",
        &[Declaration {
            collation: Some(Collation { locale: "fr_CA", strength: Some(3), numeric_ordering: Some(false) }),
            ..A
        }],
    ),
    (
        "text",
        &[Declaration {
            fields: &[one(&["name"], Kind::Text { weight: 10 }), one(&["description"], TEXT), one(&["a", "b"], TEXT)],
            ..PLAIN
        }],
    ),
    (
        "text in other languages",
        &[Declaration {
            fields: &[one(&["name"], TEXT)],
            default_language: Some("german"),
            language_override: Some("idioma"),
            ..PLAIN
        }],
    ),
    (
        "text among others",
        &[Declaration {
            fields: &[ascending(&["tenant"]), one(&["z"], TEXT), one(&["b"], TEXT), one(&["when"], Kind::Descending)],
            ..PLAIN
        }],
    ),
    ("text anywhere", &[Declaration { fields: &[one(&["$**"], TEXT)], ..PLAIN }]),
    (
        "sphere",
        &[Declaration { fields: &[one(&["location", "coordinates"], Kind::Sphere), ascending(&["kind"])], ..PLAIN }],
    ),
    ("plane", &[Declaration { fields: &[one(&["point"], Kind::Plane)], ..PLAIN }]),
    (
        "small plane",
        &[Declaration {
            fields: &[one(&["point"], Kind::Plane)],
            bits: Some(20),
            bounds: Some((-100.0, 100.5)),
            ..PLAIN
        }],
    ),
    ("hashed", &[Declaration { fields: &[one(&["id"], Kind::Hashed)], ..PLAIN }]),
    ("hashed among others", &[Declaration { fields: &[ascending(&["b"]), one(&["a"], Kind::Hashed)], ..PLAIN }]),
    ("wildcard", &[Declaration { fields: &[one(&[], Kind::Wildcard)], ..PLAIN }]),
    ("wildcard below", &[Declaration { fields: &[one(&["attributes"], Kind::Wildcard)], ..PLAIN }]),
];

#[tokio::test]
async fn what_was_applied_is_in_sync_and_a_second_apply_does_nothing() {
    for db in databases().await {
        for (collection, specs) in KINDS {
            let indexes = IndexManager::new(&db).collection(collection, specs);
            assert!(!indexes.plan().await.unwrap().is_in_sync(), "{collection}");

            let report = indexes.apply(&plan::Settings::default()).await.unwrap();
            assert!(report.is_complete() && report.did_something(), "{collection}: {report}");

            let plan = indexes.plan().await.unwrap();
            assert!(plan.is_in_sync(), "{collection}: {plan}");
            let report = indexes.apply(&plan::Settings::default()).await.unwrap();
            assert!(report.is_complete() && !report.did_something(), "{collection}: {report}");
        }
    }
}

/// The names are those that MongoDB's own drivers would have given.
#[tokio::test]
async fn names_are_those_of_other_drivers() {
    let [db, _] = databases().await;
    let expected = [
        ("single", "a_1"),
        ("single", "a_-1"),
        ("nested", "a.b.c_1"),
        ("compound", "a_1_b_-1"),
        ("text", "name_text_description_text_a.b_text"),
        ("text among others", "tenant_1_z_text_b_text_when_-1"),
        ("sphere", "location.coordinates_2dsphere_kind_1"),
        ("plane", "point_2d"),
        ("hashed", "id_hashed"),
        ("wildcard", "$**_1"),
        ("wildcard below", "attributes.$**_1"),
    ];
    for (collection, specs) in KINDS {
        IndexManager::new(&db).collection(collection, specs).apply(&plan::Settings::default()).await.unwrap();
    }
    for (collection, name) in expected {
        let names = db.collection::<bson::Document>(collection).list_index_names().await.unwrap();
        assert!(names.iter().any(|listed| listed == name), "{collection}: {names:?}");
    }
}

/// MongoDB's own default of a collection counts for indexes that say nothing, where the kind of index admits it.
#[tokio::test]
async fn a_collection_with_a_collation_of_its_own_is_in_sync_too() {
    let [db, _] = databases().await;
    for (collection, specs) in KINDS {
        db.run_command(doc! { "create": collection, "collation": { "locale": "de", "strength": 1 } }).await.unwrap();
        let indexes = IndexManager::new(&db).collection(collection, specs);
        let report = indexes.apply(&plan::Settings::default()).await.unwrap();
        assert!(report.is_complete(), "{collection}: {report}");
        let plan = indexes.plan().await.unwrap();
        assert!(plan.is_in_sync(), "{collection}: {plan}");
    }
}
