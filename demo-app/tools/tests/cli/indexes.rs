//! `indexes`: a plan, its application, and advice.

use bson::{Document, doc};
use fastness_tests::servers::shared_mongo;
use serde_json::Value;

use crate::program::{database, run};

#[tokio::test]
async fn a_plan_has_changes_until_it_is_applied() {
    let (uri, name) = database().await;
    let variables = [("MONGODB_URI", uri.as_str())];
    let plan = run(&["indexes", "plan"], &variables).await;
    assert_eq!(plan.code, Some(2), "{plan:?}");
    assert!(plan.out.contains("Plan: 23 to create"), "{plan:?}");
    assert!(!plan.out.contains('\x1b'), "no colours but on a terminal");

    let applied = run(&["indexes", "apply"], &variables).await;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert!(applied.out.contains("created"), "{applied:?}");

    let plan = run(&["indexes", "plan"], &variables).await;
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert!(plan.out.contains("23 in sync"), "{plan:?}");
    let again = run(&["indexes", "apply", "--json"], &variables).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let report: Value = serde_json::from_str(&again.out).expect("JSON");
    assert_eq!(report["database"], name.as_str());
    assert!(report["entries"].as_array().unwrap().iter().all(|entry| entry["outcome"] == "kept"), "{report}");
}

#[tokio::test]
async fn undeclared_indexes_are_hidden_and_dropped_only_if_asked_for() {
    let (uri, name) = database().await;
    let variables = [("MONGODB_URI", uri.as_str())];
    assert_eq!(run(&["indexes", "apply"], &variables).await.code, Some(0));
    let products = shared_mongo().await.client().await.database(&name).collection::<Document>("products");
    products.create_index(mongodb::IndexModel::builder().keys(doc! { "price": 1 }).build()).await.unwrap();
    let there = async || products.list_index_names().await.unwrap().contains(&"price_1".to_owned());

    assert_eq!(run(&["indexes", "plan"], &variables).await.code, Some(0), "undeclared indexes are left alone");
    assert_eq!(run(&["indexes", "apply"], &variables).await.code, Some(0));
    assert!(there().await);
    let hidden = run(&["indexes", "apply", "--unmanaged", "hide"], &variables).await;
    assert!(hidden.out.contains("hid") && there().await, "{hidden:?}");
    let dropped = run(&["indexes", "apply", "--unmanaged", "drop-hidden"], &variables).await;
    assert!(dropped.out.contains("dropped") && !there().await, "{dropped:?}");
}

#[tokio::test]
async fn an_index_that_cannot_be_built_is_an_error() {
    let (uri, name) = database().await;
    let businesses = shared_mongo().await.client().await.database(&name).collection::<Document>("businesses");
    let twice = [1, 2].map(|id| doc! { "_id": id, "email": "one@example.com" });
    businesses.insert_many(twice).await.unwrap();
    let applied = run(&["indexes", "apply"], &[("MONGODB_URI", uri.as_str())]).await;
    assert_eq!(applied.code, Some(1), "{applied:?}");
    assert!(applied.out.contains("FAILED") && applied.out.contains("share"), "{applied:?}");
    assert!(applied.err.contains("not all as declared"), "{applied:?}");
}

#[tokio::test]
async fn advice_is_given_on_a_database_with_documents() {
    let (uri, _) = database().await;
    let variables = [("MONGODB_URI", uri.as_str())];
    assert_eq!(run(&["seed", "--products", "500"], &variables).await.code, Some(0));
    let advice = run(&["indexes", "advise", "--json"], &variables).await;
    assert_eq!(advice.code, Some(0), "{advice:?}");
    let advice: Value = serde_json::from_str(&advice.out).expect("JSON");
    assert_eq!(advice["missing"], serde_json::json!([]), "all queries have their index");
    assert!(!advice["usage"].as_array().unwrap().is_empty(), "{advice}");
}
