//! Every kind of index as a model derives it: applied, listed by the server, and in sync.

use std::collections::HashMap;

use bson::{DateTime, Document, doc};
use fastness::Indexed;
use fastness::mongo::IndexManager;
use fastness::mongo::plan::{self, PlanAction};
use serde::{Deserialize, Serialize};

use super::databases;

macro_rules! model {
    ($name:ident, $collection:literal, [$(#[$index:meta])*], { $($(#[$on:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Serialize, Deserialize, Indexed)]
        #[serde(rename_all = "camelCase")]
        #[indexed(collection = $collection)]
        $(#[$index])*
        struct $name { $($(#[$on])* $field: $type,)* }
    };
}

#[derive(Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
struct Maker {
    home_country: String,
}

model!(Ascending, "ascending", [], { #[index] made_at: i32, });
model!(Descending, "descending", [], { #[index(desc)] made_at: i32, });
model!(Compound, "compound", [#[index(keys(b = 1, maker.home_country = -1))]], { b: i32, maker: Maker, });
model!(Unique, "unique", [], { #[index(unique)] a: i32, });
model!(Sparse, "sparse", [], { #[index(sparse)] a: Option<i32>, });
model!(Hidden, "hidden", [], { #[index(hidden)] a: i32, });
model!(Named, "named", [], { #[index(name = "by_a")] a: i32, });
model!(Expiring, "expiring", [], { #[index(expire_after = "1h")] at: DateTime, });
model!(Partial, "partial", [#[index(keys(a = 1), partial(a > 5, status = "active", exists(b)))]], {
    a: i32, b: Option<i32>, status: String,
});
model!(Collated, "collated", [], { #[index(collation(locale = "en", strength = 2))] a: String, });
model!(Text, "text", [], { #[index(text(weight = 10))] name: String, #[index(text)] long_text: String, });
model!(Sphere, "sphere", [], { #[index(sphere)] place: Vec<f64>, });
model!(Plane, "plane", [], { #[index(plane, bits = 20, min = -100, max = 100)] place: Vec<f64>, });
model!(Hashed, "hashed", [], { #[index(hashed)] a: i32, });
model!(Wildcard, "wildcard", [], { #[index(wildcard)] attributes: HashMap<String, String>, });

/// Applies a model's index, and compares the server's list with the expected one.
async fn holds<M: Indexed>(db: &mongodb::Database, expected: &Document) {
    let (indexes, collection) = (IndexManager::new(db).model::<M>(), M::COLLECTION);
    assert!(!indexes.plan().await.unwrap().is_in_sync(), "{collection}");
    let report = indexes.apply(&plan::Settings::default()).await.unwrap();
    assert!(report.is_complete() && report.has_changes(), "{collection}: {report}");
    let plan = indexes.plan().await.unwrap();
    assert!(plan.is_in_sync(), "{collection}: {plan}");

    let reply = db.run_command(doc! { "listIndexes": collection }).await.unwrap();
    let listed = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let listed: Vec<_> = listed.iter().map(|index| index.as_document().unwrap()).collect();
    let [_, index] = &listed[..] else { panic!("{collection}: {listed:?}") };
    for (option, value) in expected {
        assert_eq!(index.get(option), Some(value), "{collection}: {index}");
    }
    let report = indexes.apply(&plan::Settings::default()).await.unwrap();
    assert!(!report.has_changes(), "{collection}: {report}");
}

#[tokio::test]
async fn each_kind_is_derived_applied_listed_and_in_sync() {
    for db in databases().await {
        let filter = doc! { "a": { "$gt": 5 }, "b": { "$exists": true }, "status": { "$eq": "active" } };
        let words = doc! { "name": 10, "longText": 1 };
        holds::<Ascending>(&db, &doc! { "key": { "madeAt": 1 }, "name": "madeAt_1" }).await;
        holds::<Descending>(&db, &doc! { "key": { "madeAt": -1 }, "name": "madeAt_-1" }).await;
        holds::<Compound>(&db, &doc! { "key": { "b": 1, "maker.homeCountry": -1 } }).await;
        holds::<Unique>(&db, &doc! { "key": { "a": 1 }, "unique": true }).await;
        holds::<Sparse>(&db, &doc! { "key": { "a": 1 }, "sparse": true }).await;
        holds::<Hidden>(&db, &doc! { "key": { "a": 1 }, "hidden": true }).await;
        holds::<Named>(&db, &doc! { "key": { "a": 1 }, "name": "by_a" }).await;
        holds::<Expiring>(&db, &doc! { "key": { "at": 1 }, "expireAfterSeconds": 3_600 }).await;
        holds::<Partial>(&db, &doc! { "key": { "a": 1 }, "partialFilterExpression": filter }).await;
        holds::<Collated>(&db, &doc! { "key": { "a": 1 } }).await;
        holds::<Text>(&db, &doc! { "weights": words }).await;
        holds::<Sphere>(&db, &doc! { "key": { "place": "2dsphere" } }).await;
        holds::<Plane>(&db, &doc! { "key": { "place": "2d" }, "bits": 20 }).await;
        holds::<Hashed>(&db, &doc! { "key": { "a": "hashed" } }).await;
        holds::<Wildcard>(&db, &doc! { "key": { "attributes.$**": 1 } }).await;
    }
}

model!(Before, "renamed", [], { #[index] seller: i32, });
model!(After, "renamed", [], { #[index] vendor: i32, });

/// The old index is no longer declared: it is shown, and stays until its removal is requested.
#[tokio::test]
async fn a_field_renamed_under_its_index_is_reported() {
    for db in databases().await {
        IndexManager::new(&db).model::<Before>().apply(&plan::Settings::default()).await.unwrap();
        let indexes = IndexManager::new(&db).model::<After>();
        let plan = indexes.plan().await.unwrap();
        assert!(!plan.is_in_sync(), "{plan}");
        let text = plan.to_string();
        assert!(text.contains("vendor_1") && text.contains("seller_1"), "{text}");
        let action = |name: &str| &plan.steps.iter().find(|step| step.index.name() == name).unwrap().action;
        assert!(
            matches!(action("vendor_1"), PlanAction::Create) && matches!(action("seller_1"), PlanAction::Unmanaged),
            "{plan}"
        );
        assert!(indexes.apply(&plan::Settings::default()).await.unwrap().is_complete());
        let names = db.collection::<Document>("renamed").list_index_names().await.unwrap();
        assert!(names.contains(&"seller_1".to_owned()) && names.contains(&"vendor_1".to_owned()), "{names:?}");
    }
}
