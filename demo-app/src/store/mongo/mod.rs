//! The store on MongoDB.
//!
//! Emails are unique by an index, whoever writes. That a document's business exists is asked before the write: without a
//! replica set MongoDB has no transactions, so a business that is deleted in the very same moment can leave a document behind.
//!
//! What goes wrong inside is logged here, without stored values, and is [`StoreError::Unavailable`] to everybody else.

mod businesses;
mod convert;
pub(in crate::store) mod documents;
mod events;
mod lists;
mod manufacturers;
mod products;
mod users;
mod votes;

use std::sync::Arc;

use async_trait::async_trait;
use bson::{Document, doc};
use fastness::Indexed;
use fastness::index::{Client, Error, Indexes};
use mongodb::options::ReturnDocument;
use mongodb::{Cursor, Database};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::convert::signed;
use self::documents::{Business, Manufacturer, Product, SupplyChainEvent, User, VotingRecord};
use super::{Collection, Repository, Result, StoreError};
use crate::domain::Id;

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct MongoRepository {
    client: Arc<Client>,
    db: Database,
}

/// The database that is used where the URI names none.
const DATABASE: &str = "fastness_demo";

impl MongoRepository {
    /// The store in the database that the client's URI names, or in `fastness_demo`.
    pub fn new(client: Client) -> Self {
        let db = client.default_database().unwrap_or_else(|| client.database(DATABASE));
        Self { client: Arc::new(client), db }
    }

    /// The database itself, for what is no business of the services: seeding, and looking at queries.
    pub fn database(&self) -> &Database {
        &self.db
    }

    /// The indexes that all models declare.
    pub fn indexes(&self) -> Indexes {
        Indexes::new(&self.db)
            .model::<Business>()
            .model::<Manufacturer>()
            .model::<User>()
            .model::<Product>()
            .model::<VotingRecord>()
            .model::<SupplyChainEvent>()
    }

    fn collection<M: Indexed + Send + Sync>(&self) -> mongodb::Collection<M> {
        self.db.collection(M::COLLECTION)
    }

    /// Runs an operation within the client's bound.
    async fn run<T>(
        &self,
        doing: &str,
        operation: impl Future<Output = mongodb::error::Result<T>> + Send,
    ) -> Result<T> {
        self.client.bounded(doing, operation).await.map_err(|error| unavailable(&error))
    }

    async fn find<M, T>(&self, id: Id) -> Result<Option<T>>
    where
        M: Indexed + DeserializeOwned + Send + Sync + Into<T>,
    {
        let collection = self.collection::<M>();
        let found = self.run("find a document", async { collection.find_one(doc! { "_id": signed(id) }).await });
        Ok(found.await?.map(Into::into))
    }

    async fn pick<M, T>(&self, ids: &[Id]) -> Result<Vec<T>>
    where
        M: Indexed + DeserializeOwned + Send + Sync + Into<T>,
    {
        let ids: Vec<_> = ids.iter().copied().map(signed).collect();
        let collection = self.collection::<M>();
        let found =
            self.run("find documents", async { all(collection.find(doc! { "_id": { "$in": ids } }).await?).await });
        Ok(found.await?.into_iter().map(Into::into).collect())
    }

    async fn insert<M: Indexed + Serialize + Send + Sync>(&self, document: M) -> Result<()> {
        let collection = self.collection::<M>();
        let inserted = self.client.bounded("insert a document", async { collection.insert_one(document).await }).await;
        inserted.map(drop).map_err(|error| rejected(&error))
    }

    /// Sets fields of one document, and gives it back as it is now.
    async fn change<M, T>(&self, filter: Document, fields: Document) -> Result<Option<T>>
    where
        M: Indexed + DeserializeOwned + Send + Sync + Into<T>,
    {
        let collection = self.collection::<M>();
        let changed = self.client.bounded("update a document", async {
            let update = collection.find_one_and_update(filter, doc! { "$set": fields });
            update.return_document(ReturnDocument::After).await
        });
        changed.await.map(|found| found.map(Into::into)).map_err(|error| rejected(&error))
    }

    async fn delete<M: Indexed + Send + Sync>(&self, id: Id) -> Result<bool> {
        let collection = self.collection::<M>();
        let deleted = self.run("delete a document", async { collection.delete_one(doc! { "_id": signed(id) }).await });
        Ok(deleted.await?.deleted_count > 0)
    }

    /// Documents name their business; it must be there.
    async fn business_exists(&self, business: Id) -> Result<()> {
        let found: Option<crate::domain::Business> = self.find::<Business, _>(business).await?;
        found.map(drop).ok_or(StoreError::Dangling("business"))
    }
}

async fn all<M: DeserializeOwned + Send + Sync>(mut cursor: Cursor<M>) -> mongodb::error::Result<Vec<M>> {
    let mut found = Vec::new();
    while cursor.advance().await? {
        found.push(cursor.deserialize_current()?);
    }
    Ok(found)
}

/// A write's error: a value that is taken is the caller's business. All unique values but votes' ids are emails.
fn rejected(error: &Error) -> StoreError {
    if error.is_duplicate() { StoreError::Taken("email") } else { unavailable(error) }
}

fn unavailable(error: &Error) -> StoreError {
    tracing::warn!(%error, "the database did not do what it was asked");
    StoreError::Unavailable
}

#[async_trait]
impl Repository for MongoRepository {
    async fn next_id(&self, collection: Collection) -> Result<Id> {
        let name = match collection {
            Collection::Businesses => Business::COLLECTION,
            Collection::Events => SupplyChainEvent::COLLECTION,
            Collection::Manufacturers => Manufacturer::COLLECTION,
            Collection::Products => Product::COLLECTION,
            Collection::Users => User::COLLECTION,
            Collection::Votes => VotingRecord::COLLECTION,
        };
        let counters = self.db.collection::<Document>("counters");
        let counted = self.run("count an id", async {
            let next = counters.find_one_and_update(doc! { "_id": name }, doc! { "$inc": { "last": 1_i64 } });
            next.upsert(true).return_document(ReturnDocument::After).await
        });
        let last = counted.await?.and_then(|counter| counter.get_i64("last").ok());
        last.and_then(|last| Id::try_from(last).ok()).ok_or(StoreError::Unavailable)
    }

    async fn ping(&self) -> Result<()> {
        match self.client.health().await.error {
            None => Ok(()),
            Some(_) => Err(StoreError::Unavailable),
        }
    }

    fn connections(&self) -> usize {
        usize::try_from(self.client.metrics().connections).unwrap_or(usize::MAX)
    }
}
