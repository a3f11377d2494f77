//! The store on MongoDB.
//!
//! Emails are unique by an index, whichever process writes. That a document's business exists is asked before the write: without a
//! replica set MongoDB has no transactions, so a business that is deleted in the very same moment can leave a document behind.
//!
//! What goes wrong inside is logged here, without stored values, and is [`StoreError::Unavailable`] to everybody else.

mod businesses;
mod convert;
mod documents;
mod events;
mod last_look;
mod lists;
mod manufacturers;
mod products;
mod users;
mod votes;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bson::{Bson, Document, doc};
use fastness::mongo::{self, Client, Error, IndexManager};
use fastness::monitor::{Pool, SlowQuery};
use fastness::{Fastness, Indexed};
use mongodb::Database;
use mongodb::options::{FindOneAndUpdateOptions, ReturnDocument};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::convert::signed;
use self::documents::{Business, Manufacturer, Product, SupplyChainEvent, User, VotingRecord};
use self::last_look::Watch;
use super::{Collection, Repository, Result, StoreError};
use crate::domain::Id;

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

    /// The database itself, for what is no business of the services: seeding, and looking at queries.
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
            .model::<VotingRecord>()
            .model::<SupplyChainEvent>()
    }

    /// Bounded and timed: what is slow is remembered by shape.
    fn collection<M: Indexed + Send + Sync>(&self) -> mongo::Collection<M> {
        self.client.collection(&self.db)
    }

    async fn find<M, T>(&self, id: Id) -> Result<Option<T>>
    where
        M: Indexed + DeserializeOwned + Send + Sync + Into<T>,
    {
        let found = self.collection::<M>().find_one(doc! { "_id": signed(id) }, None).await;
        found.map(|found| found.map(Into::into)).map_err(|error| unavailable(&error))
    }

    async fn pick<M, T>(&self, ids: &[Id]) -> Result<Vec<T>>
    where
        M: Indexed + DeserializeOwned + Send + Sync + Into<T>,
    {
        let ids: Vec<_> = ids.iter().copied().map(signed).collect();
        let found = all(self.collection::<M>().find(doc! { "_id": { "$in": ids } }, None)).await?;
        Ok(found.into_iter().map(Into::into).collect())
    }

    async fn insert<M: Indexed + Serialize + Send + Sync>(&self, document: M) -> Result<()> {
        let inserted = self.collection::<M>().insert_one(document, None).await;
        inserted.map(drop).map_err(|error| rejected(&error))
    }

    /// Sets fields of the document `id`, if it is this one where one is given, and gives it back as it is now.
    async fn change<M, T>(&self, id: Id, fields: Document, only_if: Option<M>) -> Result<Option<T>>
    where
        M: Indexed + Serialize + DeserializeOwned + Send + Sync + Into<T>,
    {
        let changed = self.set::<M, T>(this(id, only_if.as_ref())?, fields).await?;
        if changed.is_none() && only_if.is_some() { Err(StoreError::Changed) } else { Ok(changed) }
    }

    async fn set<M, T>(&self, filter: Document, fields: Document) -> Result<Option<T>>
    where
        M: Indexed + DeserializeOwned + Send + Sync + Into<T>,
    {
        let after = FindOneAndUpdateOptions::builder().return_document(ReturnDocument::After).build();
        let changed = self.collection::<M>().find_one_and_update(filter, doc! { "$set": fields }, after).await;
        changed.map(|found| found.map(Into::into)).map_err(|error| rejected(&error))
    }

    /// Deletes the document `id`, if it is this one where one is given. Tells whether there was one.
    async fn delete<M: Indexed + Serialize + Send + Sync>(&self, id: Id, only_if: Option<M>) -> Result<bool> {
        let deleted = self.collection::<M>().delete_one(this(id, only_if.as_ref())?, None).await;
        let deleted = deleted.map(|deleted| deleted.deleted_count > 0).map_err(|error| unavailable(&error))?;
        if !deleted && only_if.is_some() { Err(StoreError::Changed) } else { Ok(deleted) }
    }

    /// Documents name their business; it must be there.
    async fn business_exists(&self, business: Id) -> Result<()> {
        let found: Option<crate::domain::Business> = self.find::<Business, _>(business).await?;
        found.map(drop).ok_or(StoreError::Dangling("business"))
    }
}

/// A filter for the document `id`; for one with the fields of `only_if`, where that is given. So MongoDB compares and writes in one step.
fn this<M: Indexed + Serialize>(id: Id, only_if: Option<&M>) -> Result<Document> {
    let mut filter = doc! { "_id": signed(id) };
    if let Some(expected) = only_if {
        let fields = bson::serialize_to_document(expected).map_err(|_| StoreError::Unavailable)?;
        flatten("", fields, &mut filter);
        if M::COLLECTION == Business::COLLECTION {
            // The one field that is left out where there is none; so it must not be there.
            filter.entry("businessName").or_insert(Bson::Null);
        }
    }
    Ok(filter)
}

/// Fields by their dotted names, as the order of those within another is of no account.
fn flatten(above: &str, fields: Document, filter: &mut Document) {
    for (name, value) in fields {
        match value {
            Bson::Document(fields) => flatten(&format!("{above}{name}."), fields, filter),
            value => drop(filter.insert(format!("{above}{name}"), value)),
        }
    }
}

async fn all<M: DeserializeOwned + Send + Sync>(
    finding: impl Future<Output = std::result::Result<mongo::Cursor<M>, Error>> + Send,
) -> Result<Vec<M>> {
    let found = async { finding.await?.all().await };
    found.await.map_err(|error| unavailable(&error))
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
        let counted = self.client.bounded("count an id", async {
            let next = counters.find_one_and_update(doc! { "_id": name }, doc! { "$inc": { "last": 1_i64 } });
            next.upsert(true).return_document(ReturnDocument::After).await
        });
        let last = counted.await.map_err(|error| unavailable(&error))?.and_then(|counter| counter.get_i64("last").ok());
        last.and_then(|last| Id::try_from(last).ok()).ok_or(StoreError::Unavailable)
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
        self.slow()
    }

    fn report(&self) -> Value {
        self.seen()
    }

    fn start_watch(&self, cache: &Fastness, slow: Option<Duration>) {
        self.watch_database(cache, slow);
    }

    async fn end_watch(&self) {
        self.stop_watching().await;
    }
}
