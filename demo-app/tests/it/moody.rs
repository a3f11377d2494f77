//! A repository that fails when told to, and counts its queries.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use demo_app::domain::{
    Business, BusinessDraft, Id, Listing, Manufacturer, ManufacturerDraft, Near, NearEvent, Page, Product,
    ProductDraft, ProductQuery, SupplyChainEvent, Tally, User, UserDraft, Vote,
};
use demo_app::store::{
    Businesses, Collection, Events, Manufacturers, MemoryRepository, Products, Repository, Result, StoreError, Users,
    Votes,
};
use fastness::monitor::Pool;

#[derive(Clone, Copy)]
pub(crate) enum Mood {
    Fine,
    Unavailable,
    /// Does what is written, and then says that it cannot be asked.
    Mute,
    Panicking,
    /// Never answers.
    Frozen,
}

pub(crate) struct Moody {
    inner: MemoryRepository,
    mood: Mutex<Mood>,
    queries: AtomicUsize,
}

impl Moody {
    pub(crate) fn new(inner: MemoryRepository) -> Self {
        Self { inner, mood: Mutex::new(Mood::Fine), queries: AtomicUsize::new(0) }
    }

    pub(crate) fn turn(&self, mood: Mood) {
        *self.mood.lock().expect("not poisoned") = mood;
    }

    pub(crate) fn queries(&self) -> usize {
        self.queries.load(Ordering::Relaxed)
    }

    async fn ask(&self) -> Result<&MemoryRepository> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        // So that concurrent callers meet, as they would across a network.
        tokio::task::yield_now().await;
        let mood = *self.mood.lock().expect("not poisoned");
        match mood {
            Mood::Fine | Mood::Mute => Ok(&self.inner),
            Mood::Unavailable => Err(StoreError::Unavailable),
            Mood::Panicking => panic!("secret-of-the-store"),
            Mood::Frozen => std::future::pending().await,
        }
    }

    /// The result of a write for its caller.
    fn answer<T>(&self, done: Result<T>) -> Result<T> {
        match *self.mood.lock().expect("not poisoned") {
            Mood::Mute => Err(StoreError::Unavailable),
            _ => done,
        }
    }
}

#[async_trait]
impl Repository for Moody {
    async fn next_id(&self, collection: Collection) -> Result<Id> {
        self.ask().await?.next_id(collection).await
    }
    async fn ping(&self) -> Result<()> {
        self.ask().await?.ping().await
    }
    fn pool(&self) -> Pool {
        Pool { connections: 3, ..Pool::default() }
    }
}

#[async_trait]
impl Businesses for Moody {
    async fn business(&self, id: Id) -> Result<Option<Business>> {
        self.ask().await?.business(id).await
    }
    async fn businesses(&self, ids: &[Id]) -> Result<Vec<Business>> {
        self.ask().await?.businesses(ids).await
    }
    async fn list_businesses(&self, listing: &Listing) -> Result<Page<Business>> {
        self.ask().await?.list_businesses(listing).await
    }
    async fn insert_business(&self, business: Business) -> Result<()> {
        self.answer(self.ask().await?.insert_business(business).await)
    }
    async fn update_business(
        &self,
        id: Id,
        draft: BusinessDraft,
        only_if: Option<&Business>,
    ) -> Result<Option<Business>> {
        self.answer(self.ask().await?.update_business(id, draft, only_if).await)
    }
    async fn delete_business(&self, id: Id, only_if: Option<&Business>) -> Result<bool> {
        self.answer(self.ask().await?.delete_business(id, only_if).await)
    }
}

#[async_trait]
impl Products for Moody {
    async fn product(&self, id: Id) -> Result<Option<Product>> {
        self.ask().await?.product(id).await
    }
    async fn products(&self, ids: &[Id]) -> Result<Vec<Product>> {
        self.ask().await?.products(ids).await
    }
    async fn list_products(&self, listing: &Listing) -> Result<Page<Product>> {
        self.ask().await?.list_products(listing).await
    }
    async fn search_products(&self, query: &ProductQuery) -> Result<Page<Product>> {
        self.ask().await?.search_products(query).await
    }
    async fn insert_product(&self, product: Product) -> Result<()> {
        self.answer(self.ask().await?.insert_product(product).await)
    }
    async fn update_product(&self, id: Id, draft: ProductDraft, only_if: Option<&Product>) -> Result<Option<Product>> {
        self.answer(self.ask().await?.update_product(id, draft, only_if).await)
    }
    async fn delete_product(&self, id: Id, only_if: Option<&Product>) -> Result<bool> {
        self.answer(self.ask().await?.delete_product(id, only_if).await)
    }
}

#[async_trait]
impl Users for Moody {
    async fn user(&self, id: Id) -> Result<Option<User>> {
        self.ask().await?.user(id).await
    }
    async fn users(&self, ids: &[Id]) -> Result<Vec<User>> {
        self.ask().await?.users(ids).await
    }
    async fn list_users(&self, listing: &Listing) -> Result<Page<User>> {
        self.ask().await?.list_users(listing).await
    }
    async fn insert_user(&self, user: User) -> Result<()> {
        self.answer(self.ask().await?.insert_user(user).await)
    }
    async fn update_user(&self, id: Id, draft: UserDraft, only_if: Option<&User>) -> Result<Option<User>> {
        self.answer(self.ask().await?.update_user(id, draft, only_if).await)
    }
    async fn delete_user(&self, id: Id, only_if: Option<&User>) -> Result<bool> {
        self.answer(self.ask().await?.delete_user(id, only_if).await)
    }
    async fn voters(&self, business: Id, address: &str) -> Result<Vec<Id>> {
        self.ask().await?.voters(business, address).await
    }
    async fn recount_votes(&self, id: Id) -> Result<()> {
        self.answer(self.ask().await?.recount_votes(id).await)
    }
}

#[async_trait]
impl Manufacturers for Moody {
    async fn manufacturer(&self, id: Id) -> Result<Option<Manufacturer>> {
        self.ask().await?.manufacturer(id).await
    }
    async fn manufacturers(&self, ids: &[Id]) -> Result<Vec<Manufacturer>> {
        self.ask().await?.manufacturers(ids).await
    }
    async fn list_manufacturers(&self, listing: &Listing) -> Result<Page<Manufacturer>> {
        self.ask().await?.list_manufacturers(listing).await
    }
    async fn insert_manufacturer(&self, manufacturer: Manufacturer) -> Result<()> {
        self.answer(self.ask().await?.insert_manufacturer(manufacturer).await)
    }
    async fn update_manufacturer(
        &self,
        id: Id,
        draft: ManufacturerDraft,
        only_if: Option<&Manufacturer>,
    ) -> Result<Option<Manufacturer>> {
        self.answer(self.ask().await?.update_manufacturer(id, draft, only_if).await)
    }
    async fn delete_manufacturer(&self, id: Id, only_if: Option<&Manufacturer>) -> Result<bool> {
        self.answer(self.ask().await?.delete_manufacturer(id, only_if).await)
    }
}

#[async_trait]
impl Votes for Moody {
    async fn vote(&self, id: &str) -> Result<Option<Vote>> {
        self.ask().await?.vote(id).await
    }
    async fn list_votes(&self, listing: &Listing) -> Result<Page<Vote>> {
        self.ask().await?.list_votes(listing).await
    }
    async fn insert_vote(&self, vote: Vote) -> Result<()> {
        self.answer(self.ask().await?.insert_vote(vote).await)
    }
    async fn tally(&self, business: Id, proposal: &str) -> Result<Tally> {
        self.ask().await?.tally(business, proposal).await
    }
}

#[async_trait]
impl Events for Moody {
    async fn event(&self, id: Id) -> Result<Option<SupplyChainEvent>> {
        self.ask().await?.event(id).await
    }
    async fn list_events(&self, listing: &Listing) -> Result<Page<SupplyChainEvent>> {
        self.ask().await?.list_events(listing).await
    }
    async fn events_near(&self, near: Near) -> Result<Vec<NearEvent>> {
        self.ask().await?.events_near(near).await
    }
    async fn insert_event(&self, event: SupplyChainEvent) -> Result<()> {
        self.answer(self.ask().await?.insert_event(event).await)
    }
}
