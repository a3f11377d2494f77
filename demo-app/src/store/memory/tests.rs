//! Tests of the embedded store.

use std::time::Duration;

use jiff::Timestamp;

use super::MemoryRepository;
use crate::domain::{BusinessDraft, Id, Listing, PageRequest, ProductQuery, Scalar, Subscription};
use crate::store::{
    Businesses, Collection, Events, Manufacturers, Products, Repository, StoreError, Users, Votes, seed,
};

async fn seeded() -> MemoryRepository {
    let store = MemoryRepository::new(Duration::ZERO);
    seed(&store).await.expect("the seed keeps every rule");
    store
}

fn draft(email: &str) -> BusinessDraft {
    BusinessDraft {
        email: email.to_owned(),
        business_name: None,
        is_active: true,
        subscription: Subscription::default(),
    }
}

/// A listing of a business's products.
fn products_of(business: Id) -> Listing {
    let filter = [("business".to_owned(), Scalar::Number(business))].into();
    Collection::Products.listing(filter, &[], PageRequest::DEFAULT).expect("an index serves it")
}

#[tokio::test]
async fn the_seed_is_the_same_every_time() {
    let (one, two) = (seeded().await, seeded().await);
    let page = PageRequest { number: 1, limit: 100 };
    assert_eq!(one.list_users(&Listing::all(page)).await, two.list_users(&Listing::all(page)).await);
    assert_eq!(one.list_products(&Listing::all(page)).await, two.list_products(&Listing::all(page)).await);
    assert_eq!(one.list_businesses(&Listing::all(page)).await, two.list_businesses(&Listing::all(page)).await);
    assert_eq!(one.list_votes(&Listing::all(page)).await, two.list_votes(&Listing::all(page)).await);
    assert_eq!(one.list_events(&Listing::all(page)).await, two.list_events(&Listing::all(page)).await);
    assert_eq!(one.list_manufacturers(&Listing::all(page)).await.expect("a page").total, 30);
    let ada = one.user(4).await.expect("an answer").expect("it is seeded");
    assert_eq!(ada.total_votes, 1, "the votes that were cast are counted");
}

#[tokio::test]
async fn an_email_belongs_to_one_business_until_it_lets_go() {
    let store = MemoryRepository::new(Duration::ZERO);
    let now = Timestamp::UNIX_EPOCH;
    store.insert_business(draft("a@b.c").into_business(1, now)).await.expect("free");
    store.insert_business(draft("d@e.f").into_business(2, now)).await.expect("free");
    let again = store.insert_business(draft("a@b.c").into_business(3, now)).await;
    assert_eq!(again, Err(StoreError::Taken("email")));
    assert_eq!(store.update_business(2, draft("a@b.c"), None).await, Err(StoreError::Taken("email")));
    assert!(store.update_business(1, draft("a@b.c"), None).await.is_ok(), "its own email is no conflict");

    assert_eq!(store.delete_business(1, None).await, Ok(true));
    assert!(store.update_business(2, draft("a@b.c"), None).await.is_ok());
    let old = store.insert_business(draft("d@e.f").into_business(4, now)).await;
    assert_eq!(old, Ok(()), "an update frees the email before it");
}

#[tokio::test]
async fn pages_partition_the_list() {
    let store = seeded().await;
    let mut ids = Vec::new();
    for number in 1..=4 {
        let page = store.list_products(&Listing::all(PageRequest { number, limit: 60 })).await.expect("a page");
        assert_eq!((page.total, page.pages), (200, 4));
        ids.extend(page.items.iter().map(|product| product.id));
    }
    assert_eq!(ids, (1..=200).collect::<Vec<_>>());
    let beyond =
        store.list_products(&Listing::all(PageRequest { number: u32::MAX, limit: 100 })).await.expect("a page");
    assert!(beyond.items.is_empty());
}

#[tokio::test]
async fn a_business_takes_its_products_and_users_with_it() {
    let store = seeded().await;
    let before = store.list_products(&products_of(1)).await.expect("a page").total;
    assert!(before > 0);
    assert_eq!(store.delete_business(1, None).await, Ok(true));
    assert_eq!(store.list_products(&products_of(1)).await.expect("a page").total, 0);
    let users = store.list_users(&Listing::all(PageRequest { number: 1, limit: 100 })).await.expect("a page");
    assert!(users.total < 100 && users.items.iter().all(|user| user.business != 1));
    assert_eq!(store.list_products(&Listing::all(PageRequest::DEFAULT)).await.expect("a page").total, 200 - before);
}

#[tokio::test]
async fn a_search_wants_every_word_and_the_category() {
    let store = seeded().await;
    let query = |text: &str, category: Option<&str>| ProductQuery {
        text: text.to_owned(),
        category: category.map(str::to_owned),
        page: PageRequest::DEFAULT,
    };
    let tea = store.search_products(&query("tea", None)).await.expect("a page");
    assert!(tea.total > 0);
    let narrower = store.search_products(&query("green tea", None)).await.expect("a page");
    assert!((1..tea.total).contains(&narrower.total));
    assert_eq!(store.search_products(&query("tea", Some("tools"))).await.expect("a page").total, 0);
}

#[tokio::test(start_paused = true)]
async fn every_query_takes_the_latency() {
    let store = MemoryRepository::new(Duration::from_millis(15));
    let start = tokio::time::Instant::now();
    assert_eq!(store.user(1).await, Ok(None));
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(start.elapsed(), Duration::from_millis(30));
}
