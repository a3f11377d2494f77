//! Collections whose calls are timed, have a time limit, and are recorded by shape if slow.
//!
//! May use: `client`, `error`, `model`, `query`, `slow`.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use bson::{Bson, Document, RawDocumentBuf};
use mongodb::Database;
use mongodb::options::{
    AggregateOptions, CountOptions, DeleteOptions, DistinctOptions, FindOneAndDeleteOptions, FindOneAndUpdateOptions,
    FindOneOptions, FindOptions, InsertManyOptions, InsertOneOptions, ReplaceOptions, UpdateModifications,
    UpdateOptions,
};
use mongodb::results::{DeleteResult, InsertManyResult, InsertOneResult, UpdateResult};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::Error;
use crate::model::Indexed;
use crate::query::{Operation, QueryParts};

mod call;
mod collated;
mod cursor;
mod limited;

use call::{CallTarget, CollectionCall};
use collated::Collated;
pub use cursor::Cursor;
use limited::Limited;

/// The collection of a model: the driver's calls with the client's [`operation_timeout`](crate::Settings::operation_timeout) as their
/// time limit, timed.
///
/// Each call takes the driver's options or `None`, and returns the driver's results, so that all options of MongoDB are available. The
/// major version of [`mongodb`] is therefore part of this crate's API.
///
/// Queries that took the client's [`slow_query`](crate::Settings::slow_query) time or longer are counted by shape in
/// [`Client::slow_queries`], as are calls that timed out, and calls that were dropped after that time. No privilege is required. A fast
/// call costs a task, two clock reads and a copy of its filter; the shape is computed for slow calls only.
///
/// The measured time is the caller's wait: for a connection, the server, and the network. For a [`Cursor`],
/// each wait counts, and the time between waits does not. `maxTimeMS` counts all batches of a cursor together: for a cursor that works longer
/// than the time limit, state a `max_time`.
///
/// ```no_run
/// use bson::doc;
/// use fastness::Indexed;
/// use fastness::mongo::{Client, Error};
/// use mongodb::options::FindOptions;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Indexed)]
/// #[indexed(collection = "products")]
/// struct Product {
///     #[index]
///     business: i64,
///     name: String,
/// }
///
/// # async fn list(client: &Client) -> Result<(), Error> {
/// let products = client.collection::<Product>(&client.database("shop"));
/// products.insert_one(&Product { business: 7, name: "Lamp".to_owned() }, None).await?;
/// let newest = FindOptions::builder().sort(doc! { "_id": -1 }).limit(10).build();
/// let mut found = products.find(doc! { "business": 7 }, newest).await?;
/// while let Some(product) = found.next().await? {
///     println!("{}", product.name);
/// }
/// println!("{}", client.slow_queries());
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// All methods: [`Error::is_timeout`] after the time limit, [`Error::is_duplicate`] if a unique index rejects the write. Otherwise the
/// driver's error, without stored values in its text.
///
/// # Cancel safety
///
/// Each operation runs in a task of its own, because the driver wants its futures polled to their end. A call that is dropped, or out of
/// time, ends its wait only; a write may then have been done or not. The server ends reads, `find_one_and_update` and `find_one_and_delete`
/// at the time limit, which it gets as `maxTimeMS`; for other writes MongoDB's driver has no such option. A task that is still not done is
/// aborted, which closes its connection: a read a second after its caller has gone, a write a second after its time limit. Then the server
/// stops a read, and goes on with a write.
///
/// A call in a session is not here: a session is borrowed, and a task borrows nothing. Use [`driver`](Self::driver), give the options a
/// `max_time`, and await the call to its end.
pub struct Collection<M: Send + Sync> {
    driver: mongodb::Collection<M>,
    target: Arc<CallTarget>,
}

impl Client {
    /// Returns the collection of a model. `db` must be a database of this client.
    pub fn collection<M: Indexed + Send + Sync>(&self, db: &Database) -> Collection<M> {
        Collection::new(self, db)
    }
}

impl<M: Indexed + Send + Sync> Collection<M> {
    pub(crate) fn new(client: &Client, db: &mongodb::Database) -> Self {
        let driver = db.collection(M::COLLECTION);
        let target = CallTarget {
            client: client.clone(),
            driver: driver.clone_with_type(),
            database: db.name().to_owned(),
            collection: M::COLLECTION.to_owned(),
        };
        Self { driver, target: Arc::new(target) }
    }

    /// Returns the driver's collection, whose calls are not timed and have no time limit.
    pub fn driver(&self) -> &mongodb::Collection<M> {
        &self.driver
    }

    /// Returns a copy of the driver's collection for a task.
    fn for_task(&self) -> mongodb::Collection<RawDocumentBuf> {
        self.target.driver.clone()
    }

    fn call(&self, operation: Operation, parts: QueryParts) -> CollectionCall {
        CollectionCall::new(self.target.clone(), operation, parts)
    }

    /// Finds documents. The time to the first batch is measured, and each wait for a further batch.
    pub async fn find(&self, filter: Document, options: impl Into<Option<FindOptions>>) -> Result<Cursor<M>, Error> {
        let options = options.into();
        let sort = options.as_ref().and_then(|options| options.sort.clone()).unwrap_or_default();
        let limit = options.as_ref().and_then(|options| options.limit).map_or(0, i64::unsigned_abs);
        let limit = u32::try_from(limit).unwrap_or(0);
        let parts = QueryParts { sort, limit, ..parts_with_filter(&filter, options.as_ref()) };
        let (driver, options) = (self.for_task(), options.map(Box::new));
        let find = |left| async move {
            driver.find(filter).with_options(FindOptions::within_or_stated(options, left)).batch().await
        };
        Cursor::open(self.call(Operation::Find, parts), find).await
    }

    /// Finds one document.
    pub async fn find_one(
        &self,
        filter: Document,
        options: impl Into<Option<FindOneOptions>>,
    ) -> Result<Option<M>, Error>
    where
        M: DeserializeOwned,
    {
        let options = options.into();
        let sort = options.as_ref().and_then(|options| options.sort.clone()).unwrap_or_default();
        let parts = QueryParts { sort, limit: 1, ..parts_with_filter(&filter, options.as_ref()) };
        let (driver, options) = (self.for_task(), options.map(Box::new));
        let find =
            |left| async move { driver.find_one(filter).with_options(FindOneOptions::within(options, left)).await };
        self.call(Operation::Find, parts).run_for_one(find).await
    }

    /// Counts the documents that match a filter.
    pub async fn count(&self, filter: Document, options: impl Into<Option<CountOptions>>) -> Result<u64, Error> {
        let options = options.into();
        let call = self.call(Operation::Count, parts_with_filter(&filter, options.as_ref()));
        let (driver, options) = (self.for_task(), options.map(Box::new));
        let count = |left| async move {
            driver.count_documents(filter).with_options(CountOptions::within(options, left)).await
        };
        call.run(count).await
    }

    /// Returns the distinct values of a field in the documents that match a filter.
    pub async fn distinct(
        &self,
        field: &str,
        filter: Document,
        options: impl Into<Option<DistinctOptions>>,
    ) -> Result<Vec<Bson>, Error> {
        let options = options.into();
        let parts = QueryParts { field: field.to_owned(), ..parts_with_filter(&filter, options.as_ref()) };
        let (driver, field, options) = (self.for_task(), field.to_owned(), options.map(Box::new));
        let distinct = |left| async move {
            driver.distinct(field, filter).with_options(DistinctOptions::within(options, left)).await
        };
        self.call(Operation::Distinct, parts).run(distinct).await
    }

    /// Runs the documents through a pipeline, whose output is decoded as `T`. Measured like [`find`](Self::find).
    pub async fn aggregate<T: Send + Sync>(
        &self,
        pipeline: impl IntoIterator<Item = Document>,
        options: impl Into<Option<AggregateOptions>>,
    ) -> Result<Cursor<T>, Error> {
        let pipeline: Vec<_> = pipeline.into_iter().collect();
        let options = options.into();
        let collation = options.as_ref().and_then(Collated::collation);
        let parts = QueryParts { pipeline: pipeline.clone(), collation, ..QueryParts::default() };
        let call = self.call(Operation::Aggregate, parts);
        let (driver, options) = (self.for_task(), options.map(Box::new));
        let aggregate = |left| async move {
            driver.aggregate(pipeline).with_options(AggregateOptions::within_or_stated(options, left)).batch().await
        };
        Cursor::open(call, aggregate).await
    }

    /// Inserts a document.
    pub async fn insert_one(
        &self,
        document: impl Borrow<M>,
        options: impl Into<Option<InsertOneOptions>>,
    ) -> Result<InsertOneResult, Error>
    where
        M: Serialize,
    {
        let call = self.call(Operation::Insert, QueryParts::default());
        let (driver, document, options) = (self.for_task(), call.encode(document.borrow())?, options.into());
        call.run(|_| async move { driver.insert_one(document).with_options(options).await }).await
    }

    /// Inserts documents.
    pub async fn insert_many(
        &self,
        documents: impl IntoIterator<Item = impl Borrow<M>>,
        options: impl Into<Option<InsertManyOptions>>,
    ) -> Result<InsertManyResult, Error>
    where
        M: Serialize,
    {
        let call = self.call(Operation::Insert, QueryParts::default());
        let documents = documents.into_iter().map(|document| call.encode(document.borrow()));
        let documents = documents.collect::<Result<Vec<_>, _>>()?;
        let (driver, options) = (self.for_task(), options.into());
        call.run(|_| async move { driver.insert_many(documents).with_options(options).await }).await
    }

    /// Updates one document that matches a filter.
    pub async fn update_one(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
        options: impl Into<Option<UpdateOptions>>,
    ) -> Result<UpdateResult, Error> {
        let options = options.into();
        let call = self.call(Operation::Update, parts_with_filter(&filter, options.as_ref()));
        let (driver, update) = (self.for_task(), update.into());
        call.run(|_| async move { driver.update_one(filter, update).with_options(options).await }).await
    }

    /// Updates all documents that match a filter.
    pub async fn update_many(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
        options: impl Into<Option<UpdateOptions>>,
    ) -> Result<UpdateResult, Error> {
        let options = options.into();
        let call = self.call(Operation::Update, parts_with_filter(&filter, options.as_ref()));
        let (driver, update) = (self.for_task(), update.into());
        call.run(|_| async move { driver.update_many(filter, update).with_options(options).await }).await
    }

    /// Replaces one document that matches a filter.
    pub async fn replace_one(
        &self,
        filter: Document,
        replacement: impl Borrow<M>,
        options: impl Into<Option<ReplaceOptions>>,
    ) -> Result<UpdateResult, Error>
    where
        M: Serialize,
    {
        let options = options.into();
        let call = self.call(Operation::Update, parts_with_filter(&filter, options.as_ref()));
        let (driver, replacement) = (self.for_task(), call.encode(replacement.borrow())?);
        call.run(|_| async move { driver.replace_one(filter, replacement).with_options(options).await }).await
    }

    /// Updates one document, and returns it as it was before, or as `options` say.
    pub async fn find_one_and_update(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
        options: impl Into<Option<FindOneAndUpdateOptions>>,
    ) -> Result<Option<M>, Error>
    where
        M: DeserializeOwned,
    {
        let options = options.into();
        let call = self.call(Operation::FindAndModify, parts_with_filter(&filter, options.as_ref()));
        let (driver, update, options) = (self.for_task(), update.into(), options.map(Box::new));
        let change = |left| async move {
            let options = FindOneAndUpdateOptions::within(options, left);
            driver.find_one_and_update(filter, update).with_options(options).await
        };
        call.run_for_one(change).await
    }

    /// Deletes one document, and returns it.
    pub async fn find_one_and_delete(
        &self,
        filter: Document,
        options: impl Into<Option<FindOneAndDeleteOptions>>,
    ) -> Result<Option<M>, Error>
    where
        M: DeserializeOwned,
    {
        let options = options.into();
        let call = self.call(Operation::FindAndModify, parts_with_filter(&filter, options.as_ref()));
        let (driver, options) = (self.for_task(), options.map(Box::new));
        let delete = |left| async move {
            driver.find_one_and_delete(filter).with_options(FindOneAndDeleteOptions::within(options, left)).await
        };
        call.run_for_one(delete).await
    }

    /// Deletes one document that matches a filter.
    pub async fn delete_one(
        &self,
        filter: Document,
        options: impl Into<Option<DeleteOptions>>,
    ) -> Result<DeleteResult, Error> {
        let options = options.into();
        let call = self.call(Operation::Remove, parts_with_filter(&filter, options.as_ref()));
        let driver = self.for_task();
        call.run(|_| async move { driver.delete_one(filter).with_options(options).await }).await
    }

    /// Deletes all documents that match a filter.
    pub async fn delete_many(
        &self,
        filter: Document,
        options: impl Into<Option<DeleteOptions>>,
    ) -> Result<DeleteResult, Error> {
        let options = options.into();
        let call = self.call(Operation::Remove, parts_with_filter(&filter, options.as_ref()));
        let driver = self.for_task();
        call.run(|_| async move { driver.delete_many(filter).with_options(options).await }).await
    }
}

fn parts_with_filter(filter: &Document, options: Option<&impl Collated>) -> QueryParts {
    QueryParts { filter: filter.clone(), collation: options.and_then(Collated::collation), ..QueryParts::default() }
}

impl<M: Send + Sync> Clone for Collection<M> {
    fn clone(&self) -> Self {
        Self { driver: self.driver.clone(), target: self.target.clone() }
    }
}

impl<M: Send + Sync> fmt::Debug for Collection<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collection({}.{})", self.target.database, self.target.collection)
    }
}
