//! Slow queries and their indexes: advice, selection, outcome.

use std::time::Duration;

use bson::{Document, doc};
use fastness::Indexed;
use fastness::mongo::advice::{AdviceSelection, IndexAdvice, UnneededReason};
use fastness::mongo::plan::{self, ApplyReport, StepOutcome};
use fastness::mongo::slow::{Query, QuerySample};
use fastness::mongo::{self, Client, Collection, IndexManager};
use fastness_tests::servers::{database_name, shared_mongo, shared_mongo_set};
use mongodb::Database;
use mongodb::options::FindOptions;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Indexed)]
#[indexed(collection = "c")]
#[index(keys(seller = 1, city = 1))]
#[serde(rename_all = "camelCase")]
struct Offer {
    #[index(unique)]
    number: i32,
    seller: i32,
    city: i32,
    made_at: i32,
    #[index]
    color: i32,
}

/// A client for which every query is slow.
async fn eager(url: &str) -> (Client, Database) {
    let options = mongo::Settings::from_uri(url).await.unwrap().slow_query(Duration::ZERO);
    let client = options.connect().unwrap();
    let db = client.database(&database_name());
    (client, db)
}

async fn clients() -> Vec<(Client, Database)> {
    vec![eager(&shared_mongo().await.url()).await, eager(&shared_mongo_set().await.url()).await]
}

/// Inserts documents and applies the declared indexes: `{seller: 1, city: 1}` replaces one of them, and none is for `made_at`.
async fn fill(client: &Client, db: &Database) -> (Collection<Offer>, IndexManager) {
    let indexes = IndexManager::new(db).model::<Offer>().unused_after(Duration::ZERO);
    indexes.apply(&plan::Settings::default()).await.unwrap();
    let redundant = doc! { "createIndexes": "c", "indexes": [{ "name": "seller_1", "key": { "seller": 1 } }] };
    db.run_command(redundant).await.unwrap();
    let offers = client.collection::<Offer>(db);
    let offer = |number: i32| Offer { number, seller: number % 5, city: number % 7, made_at: number % 997, color: 0 };
    offers.driver().insert_many((0..4_000).map(offer)).await.unwrap();
    (offers, indexes)
}

async fn advice(client: &Client, db: &Database, indexes: &IndexManager) -> IndexAdvice {
    let mut examples = client.slow_queries().examples(db.name());
    // Faster queries lead to no advice, and the duration depends on the machine.
    for query in &mut examples {
        query.took = query.took.max(Duration::from_millis(100));
    }
    indexes.advise(&examples).await.unwrap()
}

#[tokio::test]
async fn exactly_the_faults_are_found_and_none_after_the_advice_is_applied() {
    for (client, db) in clients().await {
        let (offers, indexes) = fill(&client, &db).await;
        // Uses these two.
        offers.find(doc! { "seller": 1, "city": 1 }, None).await.unwrap().all().await.unwrap();
        offers.find_one(doc! { "number": 1 }, None).await.unwrap();
        let scan = doc! { "madeAt": { "$gt": 990 } };
        let found = offers.find(scan.clone(), None).await.unwrap().all().await.unwrap();
        assert_eq!(found.len(), 24);

        let found = advice(&client, &db, &indexes).await;
        let [missing] = &found.missing[..] else { panic!("{found}") };
        assert_eq!((missing.key.clone(), missing.name.as_str()), (doc! { "madeAt": 1 }, "madeAt_1"));
        assert!(missing.evidence.explained.documents == 4_000 && missing.evidence.explained.scanned);
        assert_eq!(missing.shell, "db.c.createIndex({ madeAt: 1 })");
        assert_eq!(missing.attribute.as_deref(), Some("#[index(keys(made_at = 1))]"));
        // All servers of a set are asked, because secondaries count for themselves.
        let [unused, redundant] = &found.unneeded[..] else { panic!("{found}") };
        assert!(
            matches!(unused.reason, UnneededReason::Unused { days: 0 }) && unused.index == "color_1" && unused.declared
        );
        assert!(matches!(&redundant.reason, UnneededReason::Covered { by } if by == "seller_1_city_1"), "{found}");
        assert!(!redundant.declared && redundant.shell == r#"db.c.hideIndex("seller_1")"#);
        let shown = format!("{found}{}", serde_json::to_string(&found).unwrap());
        assert!(shown.contains("in the shell:  db.c.hideIndex(\"color_1\")") && !shown.contains("990"), "{shown}");

        let before = super::names(&db).await;
        let nothing = indexes.optimize_indexes(&AdviceSelection::default(), &plan::Settings::default()).await.unwrap();
        assert!(!nothing.has_changes() && super::names(&db).await == before);

        let chosen = AdviceSelection::default().create(missing).hide("c", "seller_1").hide("c", "color_1");
        let report = indexes.optimize_indexes(&chosen, &plan::Settings::default()).await.unwrap();
        assert!(report.is_complete(), "{report}");
        assert_eq!(outcomes(&report), ["created madeAt_1", "hid seller_1", "hid color_1"], "{report}");
        assert!(serde_json::to_string(&report).unwrap().contains(r#""outcome":"hidden""#));
        offers.find(scan, None).await.unwrap().all().await.unwrap();
        let found = advice(&client, &db, &indexes).await;
        assert!(found.missing.is_empty() && found.unneeded.is_empty(), "{found}");
        assert!(found.to_string().starts_with("Nothing to do"), "{found}");

        // Hidden first, and dropped on request.
        let gone = AdviceSelection::default().drop_index("c", "seller_1").drop_index("c", "seller_1");
        let report = indexes.optimize_indexes(&gone, &plan::Settings::default()).await.unwrap();
        assert_eq!(outcomes(&report), ["dropped seller_1", "dropped seller_1"], "gone is gone: {report}");
        let mut names = super::names(&db).await;
        names.sort();
        assert_eq!(names, ["color_1", "madeAt_1", "number_1", "seller_1_city_1"]);
    }
}

fn outcomes(report: &ApplyReport) -> Vec<String> {
    let verb = |outcome: &StepOutcome| match outcome {
        StepOutcome::Created => "created",
        StepOutcome::Hidden => "hid",
        StepOutcome::Dropped => "dropped",
        StepOutcome::Kept => "kept",
        StepOutcome::Changed { .. } => "changed",
        _ => "other",
    };
    report.entries.iter().map(|entry| format!("{} {}", verb(&entry.outcome), entry.index.name())).collect()
}

#[tokio::test]
async fn needed_indexes_are_never_hidden_or_dropped() {
    for (client, db) in clients().await {
        let (offers, indexes) = fill(&client, &db).await;
        offers.driver().find_one(doc! { "color": 3 }).await.unwrap();
        let before = super::listed(&db).await;
        let all = AdviceSelection::default().drop_index("c", "_id_").hide("c", "number_1").drop_index("c", "color_1");
        let report = indexes.optimize_indexes(&all.hide("c", "missing_1"), &plan::Settings::default()).await.unwrap();
        assert_eq!(report.failures().count(), 4, "{report}");
        assert!(!report.is_complete() && !report.has_changes());
        assert_eq!(super::listed(&db).await, before);
        for why in ["needs the index on `_id`", "it is unique", "it is needed", "the index does not exist"] {
            assert!(report.to_string().contains(why), "{report}");
        }
    }
}

#[tokio::test]
async fn a_hidden_index_that_is_missed_is_shown_again() {
    for (client, db) in clients().await {
        let (offers, indexes) = fill(&client, &db).await;
        let hidden = doc! { "name": "old", "key": { "madeAt": 1 }, "hidden": true };
        db.run_command(doc! { "createIndexes": "c", "indexes": [hidden] }).await.unwrap();
        offers.find(doc! { "madeAt": 7 }, None).await.unwrap().all().await.unwrap();
        let found = advice(&client, &db, &indexes).await;
        let [missing] = &found.missing[..] else { panic!("{found}") };
        assert_eq!(missing.shell, r#"db.c.unhideIndex("old")"#);
        let chosen = AdviceSelection::default().create(missing);
        let report = indexes.optimize_indexes(&chosen, &plan::Settings::default()).await.unwrap();
        assert_eq!(outcomes(&report), ["changed old"], "{report}");
        let report = indexes.optimize_indexes(&chosen, &plan::Settings::default()).await.unwrap();
        assert_eq!(outcomes(&report), ["kept old"], "{report}");
        assert!(advice(&client, &db, &indexes).await.missing.is_empty());
    }
}

/// The collection has changed since the advice was given.
#[tokio::test]
async fn an_index_that_did_not_help_is_named_after_it_was_built() {
    for (client, db) in clients().await {
        let (offers, indexes) = fill(&client, &db).await;
        let query = Query::find("c", doc! { "madeAt": 3 });
        let found = indexes.analyze_query(&query).await.unwrap();
        let chosen = AdviceSelection::default().create(&found.missing[0]);
        let all = doc! { "$set": { "madeAt": 3 } };
        offers.driver().clone_with_type::<Document>().update_many(doc! {}, all).await.unwrap();
        let report = indexes.optimize_indexes(&chosen, &plan::Settings::default()).await.unwrap();
        let effect = report.entries[0].effect.as_ref().unwrap_or_else(|| panic!("{report}"));
        assert_eq!((effect.before, effect.after, effect.helped), (4_000, 8_000, false));
        assert!(report.to_string().contains("did not help, drop the index again"), "{report}");
        assert_eq!(found.missing[0].expected.as_ref().unwrap().documents, 5, "4 or 5 of 4000 have one of 997 values");
    }
}

#[tokio::test]
async fn one_of_several_processes_builds_and_all_succeed() {
    for (client, db) in clients().await {
        let (offers, indexes) = fill(&client, &db).await;
        let newest = FindOptions::builder().sort(doc! { "madeAt": -1 }).limit(10).build();
        offers.find(doc! { "madeAt": { "$gt": 900 } }, newest).await.unwrap().all().await.unwrap();
        let found = advice(&client, &db, &indexes).await;
        let [missing] = &found.missing[..] else { panic!("{found}") };
        let chosen = AdviceSelection::default().create(missing).hide("c", "seller_1");
        let tasks = (0..4).map(|_| {
            let (indexes, chosen) = (indexes.clone(), chosen.clone());
            tokio::spawn(async move { indexes.optimize_indexes(&chosen, &plan::Settings::default()).await.unwrap() })
        });
        let mut reports = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            reports.push(task.await.unwrap());
        }
        assert!(reports.iter().all(ApplyReport::is_complete), "{reports:?}");
        let built = reports.iter().filter(|report| matches!(report.entries[0].outcome, StepOutcome::Created)).count();
        assert_eq!(built, 1, "{reports:?}");
        let names = super::names(&db).await;
        assert_eq!(names.iter().filter(|name| name.starts_with("madeAt")).count(), 1, "{names:?}");
    }
}

#[tokio::test]
async fn one_query_is_analysed_in_all_its_forms() {
    for (client, db) in clients().await {
        let (_, indexes) = fill(&client, &db).await;
        let scan = Query::find("c", doc! { "madeAt": { "$gt": 900 } }).sort(doc! { "city": 1 }).limit(5);
        let found = indexes.analyze_query(&scan).await.unwrap();
        assert!(found.exists && found.explained.scanned && found.explained.sorted_in_memory, "{found}");
        assert_eq!((found.explained.documents, found.explained.returned), (4_000, 5));
        assert_eq!(found.missing[0].key, doc! { "city": 1, "madeAt": 1 });
        let text = found.to_string();
        for line in ["c.find {madeAt: {$gt: \"?\"}} sort {city: 1}", "read the whole collection", "sorted in memory"] {
            assert!(text.contains(line) && !text.contains("900"), "{text}");
        }
        assert!(!serde_json::to_string(&found).unwrap().contains("900"));

        let good = Query::find("c", doc! { "seller": 1, "city": 1 });
        let found = indexes.analyze_query(&good).await.unwrap();
        assert!(found.missing.is_empty() && found.explained.indexes == ["seller_1_city_1"], "{found}");

        let filter = doc! { "madeAt": 3 };
        let others = [
            Query::count("c", filter.clone()),
            Query::aggregate("c", [doc! { "$match": filter.clone() }, doc! { "$group": { "_id": "$city" } }]),
            Query::aggregate("c", [doc! { "$match": filter.clone() }, doc! { "$facet": { "a": [{ "$limit": 1 }] } }]),
            Query::find("c", doc! { "$or": [{ "number": 3 }, filter.clone()] }),
            Query::find("c", filter.clone()).option("projection", doc! { "_id": 0 }).option("skip", 1),
        ];
        for query in others {
            let found = indexes.analyze_query(&query).await.unwrap();
            assert!(found.explained.documents >= 4_000 && found.explained.scanned, "{found}");
            assert_eq!(found.missing.iter().map(|missing| &missing.key).collect::<Vec<_>>(), [&doc! { "madeAt": 1 }]);
        }
        let found = indexes.analyze_query(&Query::find("nowhere", filter)).await.unwrap();
        assert!(!found.exists && found.missing.is_empty(), "{found}");
        assert!(found.to_string().contains("the collection does not exist"), "{found}");
        drop(client);
    }
}

#[tokio::test]
async fn words_and_places_are_analysed_and_wrong_queries_are_clear_errors() {
    for (_, db) in clients().await {
        let c = db.collection::<Document>("c");
        let document = |number: i32| doc! { "text": "hunter2 word", "place": [number % 90, 0], "a": number };
        c.insert_many((0..600).map(document)).await.unwrap();
        let indexes = IndexManager::new(&db);
        let near = || {
            let point = doc! { "type": "Point", "coordinates": [0, 0] };
            Query::find("c", doc! { "a": "hunter2", "place": { "$near": { "$geometry": point } } }).limit(3)
        };
        let words = || Query::find("c", doc! { "$text": { "$search": "hunter2" } }).limit(3);
        for (query, kind, part) in [(words(), "text", "`#[index(text)]`"), (near(), "2dsphere", "`#[index(sphere)]`")] {
            let found = indexes.analyze_query(&query).await.unwrap();
            assert!(found.refused.as_ref().is_some_and(|refused| refused.contains(part)), "{found}");
            assert!(found.missing[0].key.values().all(|value| value.as_str() == Some(kind)), "{found}");
        }
        let cases = [
            (Query::find("c", doc! { "a": { "$foo": "hunter2" } }), 2, "unknown operator: $foo"),
            (Query::find("c", doc! { "a": "hunter2" }).option("hint", "missing_1"), 2, "hint"),
        ];
        for (query, code, part) in cases {
            let error = indexes.analyze_query(&query).await.unwrap_err();
            assert!(error.code() == Some(code) && error.to_string().contains(part), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let specs = vec![
            doc! { "name": "words", "key": { "text": "text" } },
            doc! { "name": "places", "key": { "place": "2dsphere" } },
        ];
        db.run_command(doc! { "createIndexes": "c", "indexes": specs }).await.unwrap();
        for (query, index) in [(words(), "words"), (near(), "places")] {
            let found = indexes.analyze_query(&query).await.unwrap();
            assert!(found.explained.indexes.contains(&index.to_owned()), "{found}");
            assert!(found.missing.is_empty(), "{found}");
        }
    }
}

/// A collection's default collation applies to its queries and their indexes.
#[tokio::test]
async fn indexes_of_a_collection_with_a_collation_are_recognised_and_made_to_serve() {
    for (_, db) in clients().await {
        db.run_command(doc! { "create": "c", "collation": { "locale": "de", "strength": 1 } }).await.unwrap();
        let word = |number: i32| doc! { "a": format!("word{}", number % 2), "b": format!("word{number}") };
        db.collection("c").insert_many((0..2_000).map(word)).await.unwrap();
        let indexes = IndexManager::new(&db);
        let query = Query::find("c", doc! { "b": "WORD7" });
        let found = indexes.analyze_query(&query).await.unwrap();
        let [missing] = &found.missing[..] else { panic!("{found}") };
        let chosen = AdviceSelection::default().create(missing);
        for expected in ["created b_1", "kept b_1"] {
            let report = indexes.optimize_indexes(&chosen, &plan::Settings::default()).await.unwrap();
            assert_eq!(outcomes(&report), [expected], "{report}");
        }
        let found = indexes.analyze_query(&query).await.unwrap();
        assert_eq!(found.explained.indexes, ["b_1"], "the new index serves: {found}");

        // It reads half of the collection, which an index cannot improve, because there is one already.
        db.run_command(doc! { "createIndexes": "c", "indexes": [{ "name": "a_1", "key": { "a": 1 } }] }).await.unwrap();
        let half = Query::find("c", doc! { "a": "word1" }).option("hint", doc! { "$natural": 1 });
        let found = indexes.analyze_query(&half).await.unwrap();
        assert!(found.explained.scanned && found.missing.is_empty(), "{found}");
        // A query with another collation can use neither, and needs one with its own.
        let other = Query::find("c", doc! { "b": "word7" }).option("collation", doc! { "locale": "fr" });
        let found = indexes.analyze_query(&other).await.unwrap();
        assert!(found.explained.scanned && found.missing[0].shell.contains(r#"{locale: "fr"}"#), "{found}");
        let chosen = AdviceSelection::default().create(&found.missing[0]);
        let report = indexes.optimize_indexes(&chosen, &plan::Settings::default()).await.unwrap();
        assert!(report.entries[0].effect.as_ref().is_some_and(|effect| effect.helped), "{report}");
    }
}

/// A view has no indexes, and does not prevent advice on other collections.
#[tokio::test]
async fn a_slow_query_of_a_view_is_left_out() {
    for (client, db) in clients().await {
        let (offers, indexes) = fill(&client, &db).await;
        db.run_command(doc! { "create": "view", "viewOn": "c", "pipeline": [] }).await.unwrap();
        offers.find(doc! { "madeAt": 3 }, None).await.unwrap().all().await.unwrap();
        let mut slow = client.slow_queries().examples(db.name());
        slow[0].took = Duration::from_secs(1);
        let view = QuerySample::new(Query::find("view", doc! { "madeAt": 3 }), slow[0].took);
        let found = indexes.advise(&[view, slow[0].clone()]).await.unwrap();
        assert_eq!(found.missing.iter().map(|missing| missing.name.as_str()).collect::<Vec<_>>(), ["madeAt_1"]);
    }
}
