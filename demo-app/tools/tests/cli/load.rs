//! `load`: the figures that it prints. How good they are is not for a test to say.

use serde_json::Value;

use crate::program::{database, run};

const SHORT: [&str; 8] = ["load", "--seconds", "1", "--warm-up", "1", "--connections", "4", "--json"];

#[tokio::test]
async fn an_embedded_server_is_driven_with_and_without_its_cache() {
    let load = run(&SHORT, &[]).await;
    assert_eq!(load.code, Some(0), "{load:?}");
    let report: Value = serde_json::from_str(&load.out).expect("JSON");
    let (before, after) = (&report["before"], &report["after"]);
    assert_eq!((before["failed"].as_u64(), after["failed"].as_u64()), (Some(0), Some(0)), "{report:#}");
    assert!(before["requests"].as_u64() > Some(0) && after["requests"].as_u64() > Some(0), "{report:#}");
    let rate = |phase: &Value| phase["hitRate"].as_f64().expect("a number");
    assert!(rate(after) > rate(before), "{} is not above {}", rate(after), rate(before));
    assert!(report["arrivals"].as_str().unwrap().starts_with("closed"), "{report:#}");
    let targets = report["targets"].as_array().unwrap();
    assert!(targets.len() >= 7 && targets.iter().all(|target| target["met"].is_boolean()), "{report:#}");
}

#[tokio::test]
async fn with_a_database_queries_are_compared_too() {
    let (uri, _) = database().await;
    let variables = [("MONGODB_URI", uri.as_str())];
    assert_eq!(run(&["seed", "--products", "2000"], &variables).await.code, Some(0));
    let load = run(&[&SHORT[..], &["--rate", "50"]].concat(), &variables).await;
    assert_eq!(load.code, Some(0), "{load:?}");
    let report: Value = serde_json::from_str(&load.out).expect("JSON");
    let queries = report["queries"].as_array().unwrap();
    assert_eq!(queries.len(), 23, "one for each index: {report:#}");
    for query in queries {
        let examined = |way: &str| query[way]["documentsExamined"].as_u64().unwrap();
        assert!(examined("withIndex") <= examined("without"), "{query}");
    }
    assert!(report["arrivals"].as_str().unwrap().starts_with("open: 50"), "{report:#}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_an_error() {
    let load = run(&["load", "--url", "http://127.0.0.1:1"], &[]).await;
    assert_eq!(load.code, Some(1), "{load:?}");
    assert!(load.err.contains("does not answer"), "{load:?}");
}
