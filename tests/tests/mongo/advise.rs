//! Advice on real queries, and its effect when followed.

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document, doc};
use fastness::mongo::IndexManager;
use fastness::mongo::model::DeclaredIndex;
use fastness::mongo::plan;
use fastness::mongo::slow::{Query, QuerySample};
use mongodb::options::{SelectionCriteria, ServerAddress, WriteConcern};
use mongodb::{Database, ServerInfo};

use super::{A, ascending, databases};

const STATUS: DeclaredIndex = DeclaredIndex { fields: &[ascending(&["status"])], ..DeclaredIndex::DEFAULT };
const ADVISED: DeclaredIndex =
    DeclaredIndex { fields: &[ascending(&["status"]), ascending(&["total"])], ..DeclaredIndex::DEFAULT };

async fn fill(db: &Database) {
    let document = |number: i32| doc! { "status": number % 2, "created": number % 977, "total": number, "a": number };
    db.collection("c").insert_many((0..4_000).map(document)).await.unwrap();
}

fn query(took: u64) -> QuerySample {
    let filter = doc! { "status": 1, "total": { "$gt": 3_900 } };
    QuerySample::new(Query::find("c", filter).sort(doc! { "created": -1 }).limit(10), Duration::from_millis(took))
}

#[tokio::test]
async fn an_advised_index_serves_the_query_and_ends_the_advice() {
    for db in databases().await {
        fill(&db).await;
        let indexes = IndexManager::new(&db).collection("c", &[STATUS]);
        indexes.apply(&plan::Settings::default()).await.unwrap();

        assert!(indexes.advise(&[query(99)]).await.unwrap().missing.is_empty(), "the query was quick");
        let advice = indexes.advise(&[query(150)]).await.unwrap();
        let [missing] = &advice.missing[..] else { panic!("{advice}") };
        assert_eq!(
            missing.key.iter().collect::<Vec<_>>(),
            doc! { "status": 1, "total": 1 }.iter().collect::<Vec<_>>(),
            "the range is so small that sorting its documents is quicker than reading an order"
        );
        assert_eq!(missing.covers, ["status_1"]);
        assert!(
            missing.evidence.explained.documents == 2_000 && missing.evidence.explained.sorted_in_memory,
            "{advice}"
        );

        IndexManager::new(&db).collection("c", &[STATUS, ADVISED]).apply(&plan::Settings::default()).await.unwrap();
        let advice = indexes.advise(&[query(150)]).await.unwrap();
        assert!(advice.missing.is_empty(), "{advice}");
        assert_eq!(advice.unneeded.len(), 1, "{advice}");
        assert_eq!(
            advice.unneeded[0].to_string(),
            "c: the index status_1 is not needed: the key of status_1_total_1 begins with its key; a model declares it: \
             remove the attribute, too"
        );
    }
}

/// Servers that have just started cannot report unused indexes, and a query that fails is left out.
#[tokio::test]
async fn no_index_is_called_unused_after_a_start_and_failing_queries_are_left_out() {
    for db in databases().await {
        fill(&db).await;
        let indexes = IndexManager::new(&db).collection("c", &[A]);
        indexes.apply(&plan::Settings::default()).await.unwrap();
        let bad = QuerySample::new(Query::find("c", doc! { "a": { "$foo": 1 } }), Duration::from_millis(150));
        let advice = indexes.advise(&[bad]).await.unwrap();
        assert!(advice.missing.is_empty() && advice.unneeded.is_empty(), "{advice}");
        assert!(db.collection::<Document>("c").count_documents(doc! {}).await.unwrap() == 4_000);
    }
}

/// Each server of a replica set counts for itself.
#[tokio::test]
async fn use_is_counted_on_all_servers() {
    for (db, servers) in databases().await.into_iter().zip([1, 3_u32]) {
        let indexes = IndexManager::new(&db).collection("c", &[A]);
        indexes.apply(&plan::Settings::default()).await.unwrap();
        let things = db.collection::<Document>("c");
        // The index exists by the end.
        let everywhere = WriteConcern::nodes(servers);
        things.insert_one(doc! { "a": 1 }).write_concern(everywhere).await.unwrap();
        let hello = db.run_command(doc! { "hello": 1 }).await.unwrap();
        let members = hello.get_array("hosts").map_or(vec![None], |hosts| hosts.iter().map(Bson::as_str).collect());
        assert_eq!(members.len(), servers as usize);
        for member in members {
            let mut find = things.find_one(doc! { "a": 1 });
            if let Some(member) = member {
                let member = ServerAddress::parse(member).unwrap();
                let it = Arc::new(move |other: &ServerInfo| *other.address() == member);
                find = find.selection_criteria(SelectionCriteria::Predicate(it));
            }
            assert!(find.await.unwrap().is_some());
        }
        let usage = indexes.advise(&[]).await.unwrap().usage;
        let used = usage.iter().find(|usage| usage.index == "a_1").unwrap_or_else(|| panic!("{usage:?}"));
        assert_eq!(used.operations, u64::from(servers), "{usage:?}");
        assert!(used.watched < Duration::from_secs(3_600), "{usage:?}");
    }
}
