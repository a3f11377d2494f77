//! The store on MongoDB.
//!
//! Emails are unique by an index, whichever process writes. That the documents exist which a document names is asked before the write: without
//! a replica set MongoDB has no transactions, so a business that is deleted in the very same moment can leave a document behind.
//!
//! What goes wrong inside is logged here, without stored values, and is [`StoreError::Unavailable`] to everybody else.

mod convert;
mod lists;
mod queries;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bson::{Document, doc};
use fastness::Fastness;
use fastness::mongo::{self, Client, Error, IndexManager};
use fastness::monitor::{Pool, SlowQuery};
use mongodb::Database;
use mongodb::options::{FindOneAndUpdateOptions, ReturnDocument};
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::convert::{changes, key, signed, this};
use self::watch::Watch;
use super::{Collection, Repository, Result, StoreError};
use crate::domain::{
    Business, Id, Listing, Manufacturer, Model, Near, NearEvent, Page, Product, ProductQuery, Reference,
    SupplyChainEvent, Tally, Target, User, Vote,
};

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct MongoRepository {
    client: Arc<Client>,
    db: Database,
    watch: Arc<Watch>,
}

/// The database that is used where the URI names none.
const DATABASE: &str = "fastness_demo";

impl MongoRepository {
    /// The store in the database that the client's URI names, or in `fastness_demo`.
    pub fn new(client: Client) -> Self {
        let db = client.default_database().unwrap_or_else(|| client.database(DATABASE));
        Self { client: Arc::new(client), db, watch: Arc::default() }
    }

    /// The database itself, for what is no business of the services: seeding, and analysing queries.
    pub fn database(&self) -> &Database {
        &self.db
    }

    /// The indexes that all models declare.
    pub fn indexes(&self) -> IndexManager {
        IndexManager::new(&self.db)
            .model::<Business>()
            .model::<Manufacturer>()
            .model::<User>()
            .model::<Product>()
            .model::<Vote>()
            .model::<SupplyChainEvent>()
    }

    /// Bounded and timed: what is slow is remembered by shape.
    fn collection<M: Model>(&self) -> mongo::Collection<M> {
        self.client.collection(&self.db)
    }

    /// Checks that the documents that this one names are there.
    async fn check_references(&self, document: &impl Model) -> Result<()> {
        for Reference { field, id, to } in document.references() {
            let mut filter = doc! { "_id": signed(id) };
            let exists = match to {
                Target::Businesses => self.exists::<Business>(filter).await?,
                Target::Manufacturers => self.exists::<Manufacturer>(filter).await?,
                Target::Products => self.exists::<Product>(filter).await?,
                Target::ProductsOf(business) => {
                    filter.insert("business", signed(business));
                    self.exists::<Product>(filter).await?
                }
            };
            if !exists {
                return Err(StoreError::Dangling(field));
            }
        }
        Ok(())
    }

    async fn exists<M: Model>(&self, filter: Document) -> Result<bool> {
        let found = self.collection::<M>().find_one(filter, None).await;
        found.map(|found| found.is_some()).map_err(|error| unavailable(&error))
    }

    /// Deletes what belongs to a business.
    async fn delete_of<M: Model>(&self, business: Id) -> Result<()> {
        let deleted = self.collection::<M>().delete_many(doc! { "business": signed(business) }, None).await;
        deleted.map(drop).map_err(|error| unavailable(&error))
    }
}

#[async_trait]
impl<M: Model> Collection<M> for MongoRepository {
    async fn next_id(&self) -> Result<Id> {
        let counters = self.db.collection::<Document>("counters");
        let counted = self.client.bounded("count an id", async move {
            let next = counters.find_one_and_update(doc! { "_id": M::COLLECTION }, doc! { "$inc": { "last": 1_i64 } });
            next.upsert(true).return_document(ReturnDocument::After).await
        });
        let last = counted.await.map_err(|error| unavailable(&error))?.and_then(|counter| counter.get_i64("last").ok());
        last.and_then(|last| Id::try_from(last).ok()).ok_or(StoreError::Unavailable)
    }

    async fn find(&self, id: &M::Id) -> Result<Option<M>> {
        let found = self.collection::<M>().find_one(doc! { "_id": key::<M>(id) }, None).await;
        found.map_err(|error| unavailable(&error))
    }

    async fn find_many(&self, ids: &[M::Id]) -> Result<Vec<M>> {
        let ids: Vec<_> = ids.iter().map(key::<M>).collect();
        all(self.collection::<M>().find(doc! { "_id": { "$in": ids } }, None)).await
    }

    async fn list(&self, listing: &Listing) -> Result<Page<M>> {
        self.page(listing).await
    }

    async fn insert(&self, document: M) -> Result<()> {
        self.check_references(&document).await?;
        let inserted = self.collection::<M>().insert_one(document, None).await;
        inserted.map(drop).map_err(|error| rejected::<M>(&error))
    }

    async fn update(&self, id: &M::Id, draft: M, only_if: Option<&M>) -> Result<Option<M>> {
        self.check_references(&draft).await?;
        let mut filter = this(id, only_if)?;
        if let Some((field, value)) = draft.fixed() {
            if only_if.is_some_and(|expected| expected.fixed() != draft.fixed()) {
                return Err(StoreError::Fixed(field));
            }
            filter.insert(field, signed(value));
        }
        let after = FindOneAndUpdateOptions::builder().return_document(ReturnDocument::After).build();
        let updated = self.collection::<M>().find_one_and_update(filter, changes(&draft)?, after).await;
        match updated.map_err(|error| rejected::<M>(&error))? {
            None if only_if.is_some() => Err(StoreError::Changed),
            // There is none, or its fixed field is another.
            None => match draft.fixed() {
                Some((field, _)) if Collection::<M>::find(self, id).await?.is_some() => Err(StoreError::Fixed(field)),
                _ => Ok(None),
            },
            updated => Ok(updated),
        }
    }

    async fn delete(&self, id: &M::Id, only_if: Option<&M>) -> Result<bool> {
        let deleted = self.collection::<M>().delete_one(this(id, only_if)?, None).await;
        let deleted = deleted.map(|deleted| deleted.deleted_count > 0).map_err(|error| unavailable(&error))?;
        if !deleted && only_if.is_some() { Err(StoreError::Changed) } else { Ok(deleted) }
    }
}

async fn all<M: DeserializeOwned + Send + Sync>(
    finding: impl Future<Output = std::result::Result<mongo::Cursor<M>, Error>> + Send,
) -> Result<Vec<M>> {
    let found = async { finding.await?.all().await };
    found.await.map_err(|error| unavailable(&error))
}

/// A write's error: a value that is taken is the caller's business.
fn rejected<M: Model>(error: &Error) -> StoreError {
    if error.is_duplicate() { StoreError::duplicate::<M>() } else { unavailable(error) }
}

fn unavailable(error: &Error) -> StoreError {
    tracing::warn!(%error, "the database did not do what it was asked");
    StoreError::Unavailable
}

#[async_trait]
impl Repository for MongoRepository {
    async fn delete_business(&self, id: Id, only_if: Option<&Business>) -> Result<bool> {
        let was_there = Collection::<Business>::delete(self, &id, only_if).await?;
        // Even if it is gone: an earlier deletion may have got no further.
        self.delete_of::<User>(id).await?;
        self.delete_of::<Product>(id).await?;
        self.delete_of::<Vote>(id).await?;
        Ok(was_there)
    }

    async fn search_products(&self, query: &ProductQuery) -> Result<Page<Product>> {
        self.search(query).await
    }

    async fn events_near(&self, near: Near) -> Result<Vec<NearEvent>> {
        self.nearest(near).await
    }

    async fn tally(&self, business: Id, proposal: &str) -> Result<Tally> {
        self.count_votes(business, proposal).await
    }

    async fn voters(&self, business: Id, address: &str) -> Result<Vec<Id>> {
        let users = self.collection::<User>();
        let found = all(users.find(doc! { "business": signed(business), "email": address }, None)).await?;
        Ok(found.into_iter().map(|user| user.id).collect())
    }

    async fn recount_votes(&self, user: Id) -> Result<()> {
        let Some(user) = Collection::<User>::find(self, &user).await? else { return Ok(()) };
        let filter = doc! { "voterAddress": user.email, "business": signed(user.business) };
        let counted = self.collection::<Vote>().count(filter, None).await.map_err(|error| unavailable(&error))?;
        let update = doc! { "$max": { "totalVotes": signed(counted) } };
        let updated = self.collection::<User>().update_one(doc! { "_id": signed(user.id) }, update, None).await;
        updated.map(drop).map_err(|error| unavailable(&error))
    }

    async fn ping(&self) -> Result<()> {
        self.client.ping().await.map(drop).map_err(|_| StoreError::Unavailable)
    }

    fn pool(&self) -> Pool {
        let seen = self.client.snapshot();
        let max = self.client.max_pool_size();
        Pool { connections: seen.connections, in_use: seen.in_use, max, waiting: seen.waiting }
    }

    fn slow_queries(&self) -> Vec<SlowQuery> {
        self.client.slow_queries().shapes.into_iter().map(SlowQuery::from).collect()
    }

    fn report(&self) -> Value {
        self.watch.report(self.db.name())
    }

    fn start_watch(&self, cache: &Fastness, slow: Option<Duration>) {
        self.watch.start(&self.client, &self.db, self.indexes(), cache, slow);
    }

    async fn end_watch(&self) {
        self.watch.end().await;
    }
}
