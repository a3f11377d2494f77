//! Every kind of index and every option is in sync after it was applied, and stays so.

use bson::doc;
use fastness::mongo::IndexManager;
use fastness::mongo::model::derived::{Collation, Condition, Literal, Operator};
use fastness::mongo::model::{DeclaredIndex, IndexField, IndexKind};
use fastness::mongo::plan;

use super::{A, B, ascending, databases};

const TEXT: IndexKind = IndexKind::Text { weight: 1 };
const PLAIN: DeclaredIndex = DeclaredIndex::DEFAULT;

const fn one(path: &'static [&'static str], kind: IndexKind) -> IndexField {
    IndexField { path, kind }
}

/// Name of a collection, and its indexes.
const KINDS: &[(&str, &[DeclaredIndex])] = &[
    ("single", &[A, DeclaredIndex { fields: &[one(&["a"], IndexKind::Descending)], ..PLAIN }]),
    ("nested", &[DeclaredIndex { fields: &[ascending(&["a", "b", "c"])], ..PLAIN }]),
    ("compound", &[DeclaredIndex { fields: &[ascending(&["a"]), one(&["b"], IndexKind::Descending)], ..PLAIN }]),
    ("named", &[DeclaredIndex { name: Some("by a"), ..A }]),
    ("unique", &[DeclaredIndex { unique: true, ..A }]),
    ("sparse", &[DeclaredIndex { sparse: true, ..A }]),
    ("hidden", &[DeclaredIndex { hidden: true, ..A }]),
    ("expiring", &[DeclaredIndex { expire_after: Some(2_592_000), ..A }]),
    ("expiring at once", &[DeclaredIndex { expire_after: Some(0), ..A }]),
    (
        "several",
        &[A, B, DeclaredIndex { unique: true, sparse: true, hidden: true, fields: &[ascending(&["c"])], ..PLAIN }],
    ),
    (
        "partial",
        &[DeclaredIndex {
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
        &[DeclaredIndex {
            collation: Some(Collation {
                locale: "en",
                strength: Some(2),
                numeric_ordering: None,
                ..Collation::DEFAULT
            }),
            ..A
        }],
    ),
    (
        "collated as by default",
        &[DeclaredIndex {
            collation: Some(Collation {
                locale: "fr_CA",
                strength: Some(3),
                numeric_ordering: Some(false),
                ..Collation::DEFAULT
            }),
            ..A
        }],
    ),
    (
        "text",
        &[DeclaredIndex {
            fields: &[
                one(&["name"], IndexKind::Text { weight: 10 }),
                one(&["description"], TEXT),
                one(&["a", "b"], TEXT),
            ],
            ..PLAIN
        }],
    ),
    (
        "text in other languages",
        &[DeclaredIndex {
            fields: &[one(&["name"], TEXT)],
            default_language: Some("german"),
            language_override: Some("idioma"),
            ..PLAIN
        }],
    ),
    (
        "text among others",
        &[DeclaredIndex {
            fields: &[
                ascending(&["tenant"]),
                one(&["z"], TEXT),
                one(&["b"], TEXT),
                one(&["when"], IndexKind::Descending),
            ],
            ..PLAIN
        }],
    ),
    ("text anywhere", &[DeclaredIndex { fields: &[one(&["$**"], TEXT)], ..PLAIN }]),
    (
        "sphere",
        &[DeclaredIndex {
            fields: &[one(&["location", "coordinates"], IndexKind::Sphere), ascending(&["kind"])],
            ..PLAIN
        }],
    ),
    ("plane", &[DeclaredIndex { fields: &[one(&["point"], IndexKind::Plane)], ..PLAIN }]),
    (
        "small plane",
        &[DeclaredIndex {
            fields: &[one(&["point"], IndexKind::Plane)],
            bits: Some(20),
            bounds: Some((-100.0, 100.5)),
            ..PLAIN
        }],
    ),
    ("hashed", &[DeclaredIndex { fields: &[one(&["id"], IndexKind::Hashed)], ..PLAIN }]),
    ("hashed among others", &[DeclaredIndex { fields: &[ascending(&["b"]), one(&["a"], IndexKind::Hashed)], ..PLAIN }]),
    ("wildcard", &[DeclaredIndex { fields: &[one(&[], IndexKind::Wildcard)], ..PLAIN }]),
    ("wildcard below", &[DeclaredIndex { fields: &[one(&["attributes"], IndexKind::Wildcard)], ..PLAIN }]),
];

#[tokio::test]
async fn applied_indexes_are_in_sync_and_a_second_apply_does_nothing() {
    for db in databases().await {
        for (collection, specs) in KINDS {
            let indexes = IndexManager::new(&db).collection(collection, specs);
            assert!(!indexes.plan().await.unwrap().is_in_sync(), "{collection}");

            let report = indexes.apply(&plan::Settings::default()).await.unwrap();
            assert!(report.is_complete() && report.has_changes(), "{collection}: {report}");

            let plan = indexes.plan().await.unwrap();
            assert!(plan.is_in_sync(), "{collection}: {plan}");
            let report = indexes.apply(&plan::Settings::default()).await.unwrap();
            assert!(report.is_complete() && !report.has_changes(), "{collection}: {report}");
        }
    }
}

/// Default names are those of MongoDB's own drivers.
#[tokio::test]
async fn default_names_are_those_of_other_drivers() {
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

/// A collection's default collation applies to indexes that set none, if their kind allows one.
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
