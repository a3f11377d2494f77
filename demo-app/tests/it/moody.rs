//! A repository that fails when told to, and counts its queries.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use demo_app::domain::{Business, Id, Listing, Model, Near, NearEvent, Page, Product, ProductQuery, Tally};
use demo_app::store::{Collection, MemoryRepository, Repository, Result, StoreError};
use fastness::monitor::Pool;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    Fine,
    Unavailable,
    /// Does what is written, and then says that it cannot be asked.
    Mute,
    Panicking,
    /// Never answers.
    Frozen,
}

#[derive(Debug)]
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
impl<M: Model> Collection<M> for Moody
where
    MemoryRepository: Collection<M>,
{
    async fn next_id(&self) -> Result<Id> {
        Collection::<M>::next_id(self.ask().await?).await
    }
    async fn find(&self, id: &M::Id) -> Result<Option<M>> {
        Collection::<M>::find(self.ask().await?, id).await
    }
    async fn find_many(&self, ids: &[M::Id]) -> Result<Vec<M>> {
        Collection::<M>::find_many(self.ask().await?, ids).await
    }
    async fn list(&self, listing: &Listing) -> Result<Page<M>> {
        Collection::<M>::list(self.ask().await?, listing).await
    }
    async fn insert(&self, document: M) -> Result<()> {
        self.answer(Collection::<M>::insert(self.ask().await?, document).await)
    }
    async fn update(&self, id: &M::Id, draft: M, only_if: Option<&M>) -> Result<Option<M>> {
        self.answer(Collection::<M>::update(self.ask().await?, id, draft, only_if).await)
    }
    async fn delete(&self, id: &M::Id, only_if: Option<&M>) -> Result<bool> {
        self.answer(Collection::<M>::delete(self.ask().await?, id, only_if).await)
    }
}

#[async_trait]
impl Repository for Moody {
    async fn delete_business(&self, id: Id, only_if: Option<&Business>) -> Result<bool> {
        self.answer(self.ask().await?.delete_business(id, only_if).await)
    }
    async fn search_products(&self, query: &ProductQuery) -> Result<Page<Product>> {
        self.ask().await?.search_products(query).await
    }
    async fn events_near(&self, near: Near) -> Result<Vec<NearEvent>> {
        self.ask().await?.events_near(near).await
    }
    async fn tally(&self, business: Id, proposal: &str) -> Result<Tally> {
        self.ask().await?.tally(business, proposal).await
    }
    async fn voters(&self, business: Id, address: &str) -> Result<Vec<Id>> {
        self.ask().await?.voters(business, address).await
    }
    async fn recount_votes(&self, user: Id) -> Result<()> {
        self.answer(self.ask().await?.recount_votes(user).await)
    }
    async fn ping(&self) -> Result<()> {
        self.ask().await?.ping().await
    }
    fn pool(&self) -> Pool {
        Pool { connections: 3, ..Pool::default() }
    }
}
