//! A collection whose calls are bounded and timed, and remembered by shape where they were slow.
//!
//! May use: `client`, `error`, `model`, `query`, `slow`.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use bson::{Bson, Document};
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
use crate::query::{Asked, Operation};

mod call;
mod collated;
mod cursor;

use call::{Call, Place};
use collated::Collated;
pub use cursor::Cursor;

/// The collection of a model: the driver's calls, bounded by the client's
/// [`operation_timeout`](crate::Settings::operation_timeout), and timed.
///
/// Each call takes the driver's options, or `None`, and returns its results: whatever MongoDB can do is said in the types of [`mongodb`],
/// whose major version is therefore one of this crate's promises. What took the client's [`slow_query`](crate::Settings::slow_query) time or longer
/// is counted by shape in [`Client::slow_queries`]; so is what took too long, and what was dropped when it had taken that long. It
/// takes no privilege. A quick call costs two readings of the clock and a copy of its filter, since the driver takes it away and
/// a slow call has to be shown, which is little beside the way to the server. Its shape is made only if it was slow.
///
/// Timed is what the caller waits for: a connection, the server, the network, and the decoding of one document. Of a
/// [`Cursor`], each wait counts, and what the caller does between them does not.
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
/// All methods: [`Error::is_timeout`] if the time is up, [`Error::is_duplicate`] if a unique index refuses, and whatever else the driver
/// says, without stored values in its text.
///
/// # Cancel safety
///
/// Dropping a call drops the operation, which closes its connection. Whether a write was done is then unknown.
pub struct Collection<M: Send + Sync> {
    driver: mongodb::Collection<M>,
    place: Arc<Place>,
}

impl Client {
    /// The collection of a model, whose calls are bounded and timed. `db` is one of this client's.
    pub fn collection<M: Indexed + Send + Sync>(&self, db: &Database) -> Collection<M> {
        Collection::new(self, db)
    }
}

impl<M: Indexed + Send + Sync> Collection<M> {
    pub(crate) fn new(client: &Client, db: &mongodb::Database) -> Self {
        let place =
            Place { client: client.clone(), database: db.name().to_owned(), collection: M::COLLECTION.to_owned() };
        Self { driver: db.collection(M::COLLECTION), place: Arc::new(place) }
    }

    /// The driver's collection, whose calls are neither bounded nor timed.
    pub fn driver(&self) -> &mongodb::Collection<M> {
        &self.driver
    }

    fn call(&self, operation: Operation, asked: Asked) -> Call {
        Call::new(self.place.clone(), operation, asked)
    }

    /// Looks for documents. The time until the first of them are there, and each wait for more, counts.
    pub async fn find(&self, filter: Document, options: impl Into<Option<FindOptions>>) -> Result<Cursor<M>, Error> {
        let options = options.into();
        let sort = options.as_ref().and_then(|options| options.sort.clone()).unwrap_or_default();
        let limit = options.as_ref().and_then(|options| options.limit).map_or(0, i64::unsigned_abs);
        let limit = u32::try_from(limit).unwrap_or(0);
        let asked = Asked { sort, limit, ..by(&filter, options.as_ref()) };
        let find = self.driver.find(filter).with_options(options);
        Cursor::open(self.call(Operation::Find, asked), find.into_future()).await
    }

    /// Looks for one document.
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
        let asked = Asked { sort, limit: 1, ..by(&filter, options.as_ref()) };
        let find = self.driver.find_one(filter).with_options(options);
        self.call(Operation::Find, asked).run(find.into_future()).await
    }

    /// Counts the documents for which a filter holds.
    pub async fn count(&self, filter: Document, options: impl Into<Option<CountOptions>>) -> Result<u64, Error> {
        let options = options.into();
        let call = self.call(Operation::Count, by(&filter, options.as_ref()));
        call.run(self.driver.count_documents(filter).with_options(options).into_future()).await
    }

    /// The values that a field has in the documents for which a filter holds.
    pub async fn distinct(
        &self,
        field: &str,
        filter: Document,
        options: impl Into<Option<DistinctOptions>>,
    ) -> Result<Vec<Bson>, Error> {
        let options = options.into();
        let asked = Asked { field: field.to_owned(), ..by(&filter, options.as_ref()) };
        let distinct = self.driver.distinct(field, filter).with_options(options);
        self.call(Operation::Distinct, asked).run(distinct.into_future()).await
    }

    /// Runs the documents through a pipeline; what comes out is decoded as `T`. It is timed like [`find`](Self::find).
    pub async fn aggregate<T: Send + Sync>(
        &self,
        pipeline: impl IntoIterator<Item = Document>,
        options: impl Into<Option<AggregateOptions>>,
    ) -> Result<Cursor<T>, Error> {
        let pipeline: Vec<_> = pipeline.into_iter().collect();
        let options = options.into();
        let collated = options.as_ref().is_some_and(Collated::is_collated);
        let asked = Asked { pipeline: pipeline.clone(), collated, ..Asked::default() };
        let call = self.call(Operation::Aggregate, asked);
        let aggregate = self.driver.aggregate(pipeline).with_type::<T>().with_options(options);
        Cursor::open(call, aggregate.into_future()).await
    }

    /// Stores a new document.
    pub async fn insert_one(
        &self,
        document: impl Borrow<M>,
        options: impl Into<Option<InsertOneOptions>>,
    ) -> Result<InsertOneResult, Error>
    where
        M: Serialize,
    {
        let insert = self.driver.insert_one(document).with_options(options);
        self.call(Operation::Insert, Asked::default()).run(insert.into_future()).await
    }

    /// Stores new documents.
    pub async fn insert_many(
        &self,
        documents: impl IntoIterator<Item = impl Borrow<M>>,
        options: impl Into<Option<InsertManyOptions>>,
    ) -> Result<InsertManyResult, Error>
    where
        M: Serialize,
    {
        let insert = self.driver.insert_many(documents).with_options(options);
        self.call(Operation::Insert, Asked::default()).run(insert.into_future()).await
    }

    /// Changes one document for which a filter holds.
    pub async fn update_one(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
        options: impl Into<Option<UpdateOptions>>,
    ) -> Result<UpdateResult, Error> {
        let options = options.into();
        let call = self.call(Operation::Update, by(&filter, options.as_ref()));
        call.run(self.driver.update_one(filter, update).with_options(options).into_future()).await
    }

    /// Changes all documents for which a filter holds.
    pub async fn update_many(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
        options: impl Into<Option<UpdateOptions>>,
    ) -> Result<UpdateResult, Error> {
        let options = options.into();
        let call = self.call(Operation::Update, by(&filter, options.as_ref()));
        call.run(self.driver.update_many(filter, update).with_options(options).into_future()).await
    }

    /// Replaces one document for which a filter holds.
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
        let call = self.call(Operation::Update, by(&filter, options.as_ref()));
        call.run(self.driver.replace_one(filter, replacement).with_options(options).into_future()).await
    }

    /// Changes one document, and gives it back as it was, or as `options` say.
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
        let call = self.call(Operation::FindAndModify, by(&filter, options.as_ref()));
        call.run(self.driver.find_one_and_update(filter, update).with_options(options).into_future()).await
    }

    /// Deletes one document, and gives it back.
    pub async fn find_one_and_delete(
        &self,
        filter: Document,
        options: impl Into<Option<FindOneAndDeleteOptions>>,
    ) -> Result<Option<M>, Error>
    where
        M: DeserializeOwned,
    {
        let options = options.into();
        let call = self.call(Operation::FindAndModify, by(&filter, options.as_ref()));
        call.run(self.driver.find_one_and_delete(filter).with_options(options).into_future()).await
    }

    /// Deletes one document for which a filter holds.
    pub async fn delete_one(
        &self,
        filter: Document,
        options: impl Into<Option<DeleteOptions>>,
    ) -> Result<DeleteResult, Error> {
        let options = options.into();
        let call = self.call(Operation::Remove, by(&filter, options.as_ref()));
        call.run(self.driver.delete_one(filter).with_options(options).into_future()).await
    }

    /// Deletes all documents for which a filter holds.
    pub async fn delete_many(
        &self,
        filter: Document,
        options: impl Into<Option<DeleteOptions>>,
    ) -> Result<DeleteResult, Error> {
        let options = options.into();
        let call = self.call(Operation::Remove, by(&filter, options.as_ref()));
        call.run(self.driver.delete_many(filter).with_options(options).into_future()).await
    }
}

fn by(filter: &Document, options: Option<&impl Collated>) -> Asked {
    Asked { filter: filter.clone(), collated: options.is_some_and(Collated::is_collated), ..Asked::default() }
}

impl<M: Send + Sync> Clone for Collection<M> {
    fn clone(&self) -> Self {
        Self { driver: self.driver.clone(), place: self.place.clone() }
    }
}

impl<M: Send + Sync> fmt::Debug for Collection<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collection({}.{})", self.place.database, self.place.collection)
    }
}
