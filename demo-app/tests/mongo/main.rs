//! The store on a real MongoDB: the same rules as the embedded one, and the indexes of the models.

use demo_app::domain::{
    Business, BusinessDraft, Id, PageRequest, Product, ProductDraft, ProductQuery, Subscription, UserDraft,
};
use demo_app::store::{Businesses, Collection, MongoRepository, Products, Repository, StoreError, Users};
use fastness::index::{ApplyOptions, ClientOptions};
use fastness_tests::servers::{Mongo, database_name, shared_mongo};
use jiff::Timestamp;

async fn store_on(server: &Mongo) -> MongoRepository {
    let uri = format!("mongodb://127.0.0.1:{}/{}?directConnection=true&journal=true", server.port(), database_name());
    MongoRepository::new(ClientOptions::from_uri(&uri).await.unwrap().connect().unwrap())
}

/// With its indexes.
async fn store() -> MongoRepository {
    let store = store_on(shared_mongo().await).await;
    let report = store.indexes().apply(&ApplyOptions::default()).await.unwrap();
    assert!(report.is_complete(), "{report}");
    store
}

fn now() -> Timestamp {
    "2030-01-02T03:04:05.678Z".parse().unwrap()
}

fn seller(email: &str) -> BusinessDraft {
    BusinessDraft { email: email.into(), business_name: None, is_active: true, subscription: Subscription::default() }
}

async fn business(store: &MongoRepository, email: &str) -> Business {
    let id = store.next_id(Collection::Businesses).await.unwrap();
    let business = seller(email).into_business(id, now());
    store.insert_business(business.clone()).await.unwrap();
    business
}

fn draft(business: Id, name: &str) -> ProductDraft {
    ProductDraft {
        business,
        name: name.into(),
        description: "from the hills of Assam".into(),
        category: "tea".into(),
        price: 500,
    }
}

async fn product(store: &MongoRepository, business: Id, name: &str) -> Product {
    let id = store.next_id(Collection::Products).await.unwrap();
    let product = draft(business, name).into_product(id, now());
    store.insert_product(product.clone()).await.unwrap();
    product
}

#[tokio::test]
async fn the_models_indexes_are_in_sync_after_one_application() {
    let store = store().await;
    let plan = store.indexes().plan().await.unwrap();
    assert!(plan.is_in_sync(), "{plan}");
}

#[tokio::test]
async fn documents_are_stored_changed_listed_and_deleted() {
    let store = store().await;
    let (one, two) = (business(&store, "one@example.com").await, business(&store, "two@example.com").await);
    assert_eq!((one.id, two.id), (1, 2));
    assert_eq!(store.business(1).await.unwrap(), Some(one.clone()));
    assert_eq!(store.businesses(&[2, 7, 1]).await.unwrap().len(), 2);

    let changed = BusinessDraft { business_name: Some("One".into()), ..seller("one@example.org") };
    let changed = store.update_business(1, changed).await.unwrap().unwrap();
    assert_eq!((changed.email.as_str(), changed.created_at), ("one@example.org", one.created_at));
    assert_eq!(store.update_business(9, seller("x@example.com")).await.unwrap(), None);

    for number in 0..5 {
        product(&store, 1, &format!("tea {number}")).await;
    }
    let page = store.products_of(1, PageRequest { number: 2, limit: 2 }).await.unwrap();
    assert_eq!((page.items.len(), page.total, page.pages, page.items[0].id), (2, 5, 3, 3));
    assert!(store.delete_business(1).await.unwrap());
    assert_eq!(store.products_of(1, PageRequest::DEFAULT).await.unwrap().total, 0, "they went with their business");
    assert!(!store.delete_business(1).await.unwrap());
}

#[tokio::test]
async fn rules_across_documents_are_kept() {
    let store = store().await;
    let one = business(&store, "one@example.com").await;
    let two = business(&store, "two@example.com").await;
    let again = seller("one@example.com").into_business(3, now());
    assert_eq!(store.insert_business(again).await, Err(StoreError::Taken("email")));
    assert_eq!(store.update_business(two.id, seller("one@example.com")).await, Err(StoreError::Taken("email")));

    let orphan = draft(9, "tea").into_product(1, now());
    assert_eq!(store.insert_product(orphan).await, Err(StoreError::Dangling("business")));
    let user = UserDraft { business: 9, name: "Ada".into(), email: "ada@example.com".into(), is_active: true };
    assert_eq!(store.insert_user(user.into_user(1, now())).await, Err(StoreError::Dangling("business")));

    let tea = product(&store, one.id, "tea").await;
    assert_eq!(store.update_product(tea.id, draft(two.id, "tea")).await, Err(StoreError::Fixed("business")));
    assert_eq!(store.update_product(99, draft(one.id, "tea")).await, Ok(None));
    assert_eq!(store.update_product(tea.id, draft(one.id, "chai")).await.unwrap().unwrap().name, "chai");
}

#[tokio::test]
async fn a_search_is_for_all_of_its_words() {
    let store = store().await;
    let seller = business(&store, "one@example.com").await;
    product(&store, seller.id, "Green tea").await;
    product(&store, seller.id, "Black tea").await;
    let found = async |text: &str, category: Option<&str>| {
        let (text, category) = (Some(text.to_owned()), category.map(str::to_owned));
        let page = store.search_products(&ProductQuery { text, category, page: PageRequest::DEFAULT }).await.unwrap();
        page.items.into_iter().map(|product| product.name).collect::<Vec<_>>()
    };
    assert_eq!(found("tea", None).await, ["Green tea", "Black tea"]);
    assert_eq!(found("green tea", None).await, ["Green tea"]);
    assert_eq!(found("green assam", Some("tea")).await, ["Green tea"]);
    assert!(found("green", Some("coffee")).await.is_empty());
    assert_eq!(found("gr\"ee\\n", None).await, ["Green tea"], "marks of the query language are left out");
    assert!(found("green -tea", None).await.is_empty(), "and no word excludes another");
}

#[tokio::test]
async fn a_database_that_is_gone_is_unavailable_and_comes_back() {
    let mut server = Mongo::start().await;
    let store = store_on(&server).await;
    let seller = business(&store, "one@example.com").await;
    server.kill();
    assert_eq!(store.ping().await, Err(StoreError::Unavailable));
    server.restart().await;
    fastness_tests::servers::until("it answers again", async || store.ping().await.is_ok()).await;
    assert_eq!(store.business(seller.id).await.unwrap(), Some(seller));
}
