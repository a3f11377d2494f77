//! Tests of the embedded store.

use std::time::Duration;

use super::MemoryRepository;
use crate::domain::{
    Business, Id, Listing, Manufacturer, Model, Moment, PageRequest, Product, ProductQuery, Scalar, SupplyChainEvent,
    User, Vote,
};
use crate::store::{Collection, Repository, StoreError, seed};

async fn seeded() -> MemoryRepository {
    let store = MemoryRepository::new(Duration::ZERO);
    seed(&store).await.expect("the seed keeps every rule");
    store
}

fn draft(email: &str) -> Business {
    Business { email: email.to_owned(), is_active: true, ..Business::default() }
}

fn business(id: Id, email: &str) -> Business {
    draft(email).created(id, Moment::from_millis(0))
}

/// A listing of a business's products.
fn products_of(business: Id) -> Listing {
    let filter = [("business".to_owned(), Scalar::Number(business))].into();
    Listing::new::<Product>(filter, &[], PageRequest::DEFAULT).expect("an index serves it")
}

async fn all<M: Model>(store: &dyn Collection<M>) -> Vec<M> {
    store.list(&Listing::all(PageRequest { number: 1, limit: 1_000 })).await.expect("a page").items
}

async fn products(store: &MemoryRepository, listing: &Listing) -> crate::domain::Page<Product> {
    store.list(listing).await.expect("a page")
}

#[tokio::test]
async fn the_seed_is_the_same_every_time() {
    let (one, two) = (seeded().await, seeded().await);
    assert_eq!(all::<User>(&one).await, all(&two).await);
    assert_eq!(all::<Product>(&one).await, all(&two).await);
    assert_eq!(all::<Business>(&one).await, all(&two).await);
    assert_eq!(all::<Vote>(&one).await, all(&two).await);
    assert_eq!(all::<SupplyChainEvent>(&one).await, all(&two).await);
    assert_eq!(all::<Manufacturer>(&one).await.len(), 30);
    let ada: User = one.find(&4).await.expect("an answer").expect("it is seeded");
    assert_eq!(ada.total_votes, 1, "the votes that were cast are counted");
}

#[tokio::test]
async fn an_email_belongs_to_one_business_until_it_lets_go() {
    let store = MemoryRepository::new(Duration::ZERO);
    store.insert(business(1, "a@b.c")).await.expect("free");
    store.insert(business(2, "d@e.f")).await.expect("free");
    assert_eq!(store.insert(business(3, "a@b.c")).await, Err(StoreError::Taken("email")));
    assert_eq!(store.update(&2, draft("a@b.c"), None).await, Err(StoreError::Taken("email")));
    assert!(store.update(&1, draft("a@b.c"), None).await.is_ok(), "its own email is no conflict");

    assert_eq!(store.delete_business(1, None).await, Ok(true));
    assert!(store.update(&2, draft("a@b.c"), None).await.is_ok());
    assert_eq!(store.insert(business(4, "d@e.f")).await, Ok(()), "an update frees the email before it");
}

#[tokio::test]
async fn pages_partition_the_list() {
    let store = seeded().await;
    let mut ids = Vec::new();
    for number in 1..=4 {
        let page = products(&store, &Listing::all(PageRequest { number, limit: 60 })).await;
        assert_eq!((page.total, page.pages), (200, 4));
        ids.extend(page.items.iter().map(|product| product.id));
    }
    assert_eq!(ids, (1..=200).collect::<Vec<_>>());
    let beyond = products(&store, &Listing::all(PageRequest { number: u32::MAX, limit: 100 })).await;
    assert!(beyond.items.is_empty());
}

#[tokio::test]
async fn a_business_takes_its_products_and_users_with_it() {
    let store = seeded().await;
    let before = products(&store, &products_of(1)).await.total;
    assert!(before > 0);
    assert_eq!(store.delete_business(1, None).await, Ok(true));
    assert_eq!(products(&store, &products_of(1)).await.total, 0);
    let users = all::<User>(&store).await;
    assert!(users.len() < 100 && users.iter().all(|user| user.business != 1));
    assert_eq!(products(&store, &Listing::all(PageRequest::DEFAULT)).await.total, 200 - before);
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
    assert_eq!(Collection::<User>::find(&store, &1).await, Ok(None));
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(start.elapsed(), Duration::from_millis(30));
}
