//! The stores: the same rules on the embedded one and on a real MongoDB, and there each query by an index.

mod changes;
mod explained;
mod fresh;
mod rules;

use std::time::Duration;

use bson::{Document, doc};
use demo_app::domain::{Business, Model, PageRequest, Product, ProductQuery};
use demo_app::store::{Collection, MemoryRepository, MongoRepository, Repository, StoreError, seed};
use fastness::mongo;
use fastness::mongo::plan;
use fastness_tests::servers::{Mongo, database_name, shared_mongo};

async fn store_on(server: &Mongo, database: &str) -> MongoRepository {
    let uri = format!("mongodb://127.0.0.1:{}/{database}?directConnection=true&journal=true", server.port());
    MongoRepository::new(mongo::Settings::from_uri(&uri).await.unwrap().connect().unwrap())
}

/// A store with its indexes.
async fn store() -> MongoRepository {
    indexed(store_on(shared_mongo().await, &database_name()).await).await
}

async fn indexed(store: MongoRepository) -> MongoRepository {
    let report = store.indexes().apply(&plan::Settings::default()).await.unwrap();
    assert!(report.is_complete(), "{report}");
    store
}

fn embedded() -> MemoryRepository {
    MemoryRepository::new(Duration::ZERO)
}

/// Each rule is a test on either store.
macro_rules! on_both_stores {
    ($($rule:ident)*) => {
        mod on_the_embedded_store {
            $(#[tokio::test]
            async fn $rule() {
                crate::rules::$rule(&crate::embedded()).await;
            })*
        }

        mod on_mongodb {
            $(#[tokio::test]
            async fn $rule() {
                crate::rules::$rule(&crate::store().await).await;
            })*
        }
    };
}

on_both_stores! {
    documents_are_stored_changed_listed_and_deleted
    a_change_may_depend_on_the_document
    a_manufacturer_is_stored_changed_and_deleted
    rules_across_documents_are_kept
    a_search_is_for_all_of_its_words
    a_voter_has_one_vote_on_a_proposal_however_many_try
    votes_count_for_those_who_have_the_address
    what_happened_is_found_by_product_and_place
    lists_come_in_the_order_asked_for
}

#[tokio::test]
async fn both_stores_sort_alike() {
    let (one, two) = (embedded(), store().await);
    seed(&one).await.unwrap();
    seed(&two).await.unwrap();
    for (ours, theirs) in rules::every_list(&one).await.into_iter().zip(rules::every_list(&two).await) {
        assert_eq!(ours, theirs);
    }
}

#[tokio::test]
async fn a_deletion_that_was_cut_off_is_finished_by_the_next() {
    let store = store().await;
    seed(&store).await.unwrap();
    let count = async |collection: &str| {
        let documents = store.database().collection::<Document>(collection);
        documents.count_documents(doc! { "business": 2_i64 }).await.unwrap()
    };
    let dependents = ["users", "products", "votingrecords"];
    for collection in dependents {
        assert_ne!(count(collection).await, 0, "{collection}");
    }
    // As far as the first of its steps.
    store.database().collection::<Document>("businesses").delete_one(doc! { "_id": 2_i64 }).await.unwrap();
    assert_eq!(store.delete_business(2, None).await, Ok(false));
    for collection in dependents {
        assert_eq!(count(collection).await, 0, "{collection}");
    }
}

#[tokio::test]
async fn the_models_indexes_are_in_sync_after_one_application() {
    let store = store().await;
    let plan = store.indexes().plan().await.unwrap();
    assert!(plan.is_in_sync(), "{plan}");
}

#[tokio::test]
async fn lists_are_served_before_their_indexes_are_there() {
    let store = store_on(shared_mongo().await, &database_name()).await;
    seed(&store).await.unwrap();
    rules::every_list(&store).await;
    let query = ProductQuery { text: "tea".into(), category: None, page: PageRequest::DEFAULT };
    assert_eq!(store.search_products(&query).await, Err(StoreError::Unavailable), "words need theirs");
}

#[tokio::test]
async fn marks_of_the_query_language_are_left_out_of_a_search() {
    let store = store().await;
    let seller = rules::business(&store, "one@example.com").await;
    let id = Collection::<Product>::next_id(&store).await.unwrap();
    store.insert(rules::draft(seller.id, "Green tea").created(id, seller.created_at)).await.unwrap();
    let found = async |text: &str| {
        let query = ProductQuery { text: text.into(), category: None, page: PageRequest::DEFAULT };
        store.search_products(&query).await.unwrap().total
    };
    assert_eq!(found("gr\"ee\\n").await, 1);
    assert_eq!(found("green -tea").await, 0, "and no word excludes another");
}

#[tokio::test]
async fn a_database_that_is_gone_is_unavailable_and_comes_back() {
    let mut server = Mongo::start().await;
    let store = store_on(&server, &database_name()).await;
    let seller = rules::business(&store, "one@example.com").await;
    server.flush().await;
    server.kill();
    assert_eq!(store.ping().await, Err(StoreError::Unavailable));
    server.restart().await;
    fastness_tests::servers::until("it answers again", async || store.ping().await.is_ok()).await;
    assert_eq!(Collection::<Business>::find(&store, &seller.id).await.unwrap(), Some(seller));
}
