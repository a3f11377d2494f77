//! The normal form, compared with the server's own judgement.

use bson::{Bson, Document, doc};
use fastness::mongo::model::DeclaredIndex;
use fastness::mongo::model::derived::Collation;
use fastness::mongo::plan;
use fastness_tests::servers::shared_mongo;
use mongodb::Database;
use serde_json::json;

use super::{A, indexes};

/// All locales that MongoDB supports.
const LOCALES: &str = "af sq am ar hy as az be bn bs bs_Cyrl bg my ca chr zh zh_Hant hr cs da nl dz en en_US en_US_POSIX eo et ee \
    fo fil fi fr fr_CA gl ka de de_AT el gu ha haw he hi hu is ig smn id ga it ja kl kn kk km kok ko ky lkt lv li ln lt dsb lb mk \
    ms ml mt mr mn ne se nb nn or om pa ps fa fa_AF pl pt ro ru sr sr_Latn si sk sl es sw sv ta te th bo to tr uk hsb ur ug vi \
    wae cy yi yo zu";

#[tokio::test]
async fn the_server_fills_in_every_locale_as_expected() {
    let db = shared_mongo().await.database().await;
    let mut known = 0;
    let variants = ["", "@collation=search", "@collation=phonebook", "@collation=traditional", "@collation=stroke"];
    let variants =
        variants.iter().flat_map(|variant| LOCALES.split_whitespace().map(move |locale| format!("{locale}{variant}")));
    for locale in variants {
        let spec = doc! { "key": { "a": 1 }, "name": "a_1", "collation": { "locale": &locale } };
        db.collection::<Document>("c").drop().await.unwrap();
        // Some locales are aliases, which the server does not accept alone.
        if db.run_command(doc! { "createIndexes": "c", "indexes": [spec] }).await.is_err() {
            continue;
        }
        known += 1;
        let collation =
            Collation { locale: locale.clone().leak(), strength: None, numeric_ordering: None, ..Collation::DEFAULT };
        let plan = indexes(&db, &[DeclaredIndex { collation: Some(collation), ..A }]).plan().await.unwrap();
        assert!(plan.is_in_sync(), "{plan}");
    }
    assert!(known >= 100, "{known}");
}

/// Pairs of filters. The server accepts the same index again only with a filter that it considers equal.
#[tokio::test]
async fn filters_are_equal_exactly_if_the_server_considers_them_equal() {
    let filters = [
        doc! { "s": "x", "n": { "$gt": 1 } },
        doc! { "n": { "$gt": 1.0 }, "s": { "$eq": "x" } },
        doc! { "$and": [{ "n": { "$gt": 1_i64 } }, { "s": "x" }] },
        doc! { "$and": [{ "$and": [{ "n": { "$gt": 1 } }] }, { "s": "x" }] },
        doc! { "s": "x", "n": { "$gte": 1 } },
        doc! { "s": "y", "n": { "$gt": 1 } },
        doc! { "n": { "$gt": 1, "$lt": 9 } },
        doc! { "$and": [{ "n": { "$lt": 9 } }, { "n": { "$gt": 1 } }] },
        doc! { "n": { "$in": [1, 2] } },
        doc! { "n": { "$in": [2.0, 1, 1] } },
        doc! { "n": { "$in": [1] } },
        doc! { "n": 1 },
        doc! { "n": { "$exists": true } },
        doc! { "n": { "$exists": 1 } },
        doc! { "$or": [{ "n": 1 }, { "s": "x" }] },
        doc! { "$or": [{ "s": { "$eq": "x" } }, { "n": 1.0 }] },
        doc! { "n": { "$type": "string" } },
        doc! { "n": 9_007_199_254_740_993_i64 },
        doc! { "n": 9_007_199_254_740_992.0 },
    ];
    let db = shared_mongo().await.database().await;
    let mut normal = Vec::new();
    for filter in &filters {
        assert!(create(&db, filter).await, "{filter}");
        normal.push(normal_filter(&db).await);
        db.collection::<Document>("c").drop().await.unwrap();
    }
    for (filter, form) in filters.iter().zip(&normal) {
        create(&db, filter).await;
        for (other, other_form) in filters.iter().zip(&normal) {
            let same = create(&db, other).await;
            assert_eq!(same, form == other_form, "{filter} is {form}, {other} is {other_form}");
        }
        db.collection::<Document>("c").drop().await.unwrap();
    }
}

async fn create(db: &Database, filter: &Document) -> bool {
    let spec = doc! { "key": { "a": 1 }, "name": "a_1", "partialFilterExpression": filter.clone() };
    db.run_command(doc! { "createIndexes": "c", "indexes": [spec] }).await.is_ok()
}

async fn normal_filter(db: &Database) -> Bson {
    let plan = indexes(db, &[]).plan().await.unwrap();
    plan.steps[0].index.option("partialFilterExpression").unwrap().clone()
}

/// The serialised form of a plan and a report.
#[tokio::test]
async fn plans_and_reports_are_serialised() {
    let db = shared_mongo().await.database().await;
    let old = DeclaredIndex { expire_after: Some(60), ..A };
    indexes(&db, &[old]).apply(&plan::Settings::default()).await.unwrap();
    let indexes = indexes(&db, &[DeclaredIndex { expire_after: Some(61), ..A }]);
    let step = |verb: &str, action: &str| {
        let mut step = json!({
            "collection": "c",
            "index": { "name": "a_1", "key": { "a": 1 }, "expireAfterSeconds": 61 },
            "differences": [{ "option": "expireAfterSeconds", "existing": 60, "declared": 61 }],
        });
        step[verb] = action.into();
        step
    };
    let mut expected = step("action", "change");
    expected["existing"] = json!({ "name": "a_1", "key": { "a": 1 }, "expireAfterSeconds": 60 });
    let plan = serde_json::to_value(indexes.plan().await.unwrap()).unwrap();
    assert_eq!(plan, json!({ "database": db.name(), "collections": [], "steps": [expected] }));

    let mut report = serde_json::to_value(indexes.apply(&plan::Settings::default()).await.unwrap()).unwrap();
    assert!(report["entries"][0].as_object_mut().unwrap().remove("took").unwrap().as_f64().unwrap() > 0.0);
    assert_eq!(report["entries"], json!([step("outcome", "changed")]));
}
