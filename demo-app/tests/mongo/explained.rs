//! Every query that the store makes, as MongoDB's profiler saw it: by an index, and sorted by it.

use bson::{Document, doc};
use demo_app::domain::{Manufacturer, Near, PageRequest, ProductQuery, User};
use demo_app::store::{Collection, Repository, seed};
use fastness::mongo;
use fastness_tests::servers::{database_name, shared_mongo};

use crate::{indexed, rules, store_on};

#[tokio::test]
async fn no_query_reads_a_whole_collection_and_none_sorts_in_memory() {
    let (server, database) = (shared_mongo().await, database_name());
    let store = indexed(store_on(server, &database).await).await;
    seed(&store).await.unwrap();

    let uri = format!("mongodb://127.0.0.1:{}/{database}?directConnection=true", server.port());
    let client = mongo::Settings::from_uri(&uri).await.unwrap().connect().unwrap();
    let db = client.default_database().unwrap();
    db.run_command(doc! { "profile": 2 }).await.unwrap();

    rules::every_list(&store).await;
    let query = ProductQuery { text: "green tea".into(), category: Some("drinks".into()), page: PageRequest::DEFAULT };
    assert!(store.search_products(&query).await.unwrap().total > 0);
    assert!(!store.events_near(Near::new(-8.61, 41.15, 10_000, 20)).await.unwrap().is_empty());
    assert!(store.tally(2, "spring-2025").await.unwrap().total_votes > 0);
    let ada = Collection::<User>::find(&store, &2).await.unwrap().unwrap();
    assert_eq!(store.voters(ada.business, &ada.email).await.unwrap(), [ada.id]);
    store.recount_votes(ada.id).await.unwrap();
    Collection::<Manufacturer>::find_many(&store, &[1, 2]).await.unwrap();
    assert!(store.delete_business(2, None).await.unwrap());
    db.run_command(doc! { "profile": 0 }).await.unwrap();

    let mut seen = Vec::new();
    let profile = db.collection::<Document>("system.profile");
    let ours = doc! { "ns": { "$not": { "$regex": "system\\.profile|\\$cmd" } }, "planSummary": { "$exists": true } };
    let mut cursor = profile.find(ours).await.unwrap();
    while cursor.advance().await.unwrap() {
        seen.push(cursor.deserialize_current().unwrap());
    }
    assert!(seen.len() > 40, "{} queries were seen", seen.len());
    for query in seen {
        let plan = query.get_str("planSummary").unwrap();
        // How many documents a collection has is known without reading them.
        let counted = plan == "RECORD_STORE_FAST_COUNT";
        assert!(
            counted
                || plan.contains("IX")
                || plan.contains("ID")
                || plan.contains("TEXT")
                || plan.contains("GEO_NEAR")
                || plan.contains("COUNT_SCAN"),
            "{query}"
        );
        assert!(!plan.contains("COLLSCAN") && !query.get_bool("hasSortStage").unwrap_or(false), "{query}");
    }
}
