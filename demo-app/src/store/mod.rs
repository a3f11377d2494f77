//! The repository seam: what the services ask of a database, whichever it is.
//!
//! [`Collection`] is all that a model needs, the same for each of them; [`Repository`] adds what is asked of one collection alone, and is
//! usable as `Arc<dyn Repository>`. Rules that hold across documents (unique emails, references) are the store's to check, because only it
//! can check and write in one step. Nothing here knows of caching: that is the services' business.
//!
//! May use: `domain`.

mod memory;
#[cfg(feature = "servers")]
mod mongo;
mod seed;
pub mod words;

pub use memory::MemoryRepository;
#[cfg(feature = "servers")]
pub use mongo::MongoRepository;
pub use seed::seed;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use fastness::Fastness;
use fastness::monitor::{Pool, SlowQuery};
use serde_json::{Value, json};

use crate::domain::{
    Business, Id, Listing, Manufacturer, Model, Near, NearEvent, Page, Product, ProductQuery, SupplyChainEvent, Tally,
    User, Vote,
};

/// The documents of one model.
///
/// A write may be made to depend on the document: `only_if` is the one that must be there, whole, or else the answer is
/// [`StoreError::Changed`] and nothing was written. The store compares and writes in one step.
#[async_trait]
pub trait Collection<M: Model>: Send + Sync {
    /// An id that no document of the collection has had.
    async fn next_id(&self) -> Result<Id>;
    /// The document `id`.
    async fn find(&self, id: &M::Id) -> Result<Option<M>>;
    /// The documents of `ids` that exist, in no particular order.
    async fn find_many(&self, ids: &[M::Id]) -> Result<Vec<M>>;
    /// A page of the documents that `listing` admits, in its order.
    async fn list(&self, listing: &Listing) -> Result<Page<M>>;
    /// Adds a new document.
    async fn insert(&self, document: M) -> Result<()>;
    /// Writes `draft` over the document and returns what it is now.
    async fn update(&self, id: &M::Id, draft: M, only_if: Option<&M>) -> Result<Option<M>>;
    /// Removes the document. Tells whether there was one.
    async fn delete(&self, id: &M::Id, only_if: Option<&M>) -> Result<bool>;
}

/// The operations that the services need of a database.
#[async_trait]
pub trait Repository:
    Collection<Business>
    + Collection<Manufacturer>
    + Collection<Product>
    + Collection<SupplyChainEvent>
    + Collection<User>
    + Collection<Vote>
    + Debug
{
    /// Removes a business, and with it its products, users and votes. Tells whether there was one.
    async fn delete_business(&self, id: Id, only_if: Option<&Business>) -> Result<bool>;

    /// A page of the products that match `query`, in the order in which the store finds it.
    async fn search_products(&self, query: &ProductQuery) -> Result<Page<Product>>;

    /// The events near a place, the nearest first.
    async fn events_near(&self, near: Near) -> Result<Vec<NearEvent>>;

    /// Counts the votes on a proposal.
    async fn tally(&self, business: Id, proposal: &str) -> Result<Tally>;

    /// The users of `business` who have `address` as their email.
    async fn voters(&self, business: Id, address: &str) -> Result<Vec<Id>>;

    /// Counts the votes of a user anew. The total never falls, so two counts at a time end with the higher one.
    async fn recount_votes(&self, user: Id) -> Result<()>;

    /// Asks for a sign of life, at the price of a query.
    async fn ping(&self) -> Result<()>;

    /// The pool of connections to a database server; all 0 where the store is part of this process.
    fn pool(&self) -> Pool {
        Pool::default()
    }

    /// Queries that took long, by shape; none where slow queries are not recorded.
    fn slow_queries(&self) -> Vec<SlowQuery> {
        Vec::new()
    }

    /// Further facts about the database, for people.
    fn report(&self) -> Value {
        json!({ "kind": "embedded" })
    }

    /// Looks after a database that others use, too: its indexes, queries that take longer than `slow`, and changes that other programs
    /// make, which `cache` has to forget. An embedded store needs none of it.
    fn start_watch(&self, _cache: &Fastness, _slow: Option<Duration>) {}

    /// No longer follows changes, so that another process takes over at once.
    async fn end_watch(&self) {}
}

/// The result of a store's operation.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The reason for which a store refused or failed. Cheap to clone: all callers who wait for one load share its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another document has this value in a field that must be unique.
    #[error("another document has the same `{0}`")]
    Taken(&'static str),
    /// A field that names a document which does not exist.
    #[error("`{0}` names a document that does not exist")]
    Dangling(&'static str),
    /// A field that cannot be changed after creation.
    #[error("`{0}` cannot be changed")]
    Fixed(&'static str),
    /// The document is not, or no more, the one on which the write depended.
    #[error("the document was changed")]
    Changed,
    /// The voter has a vote on this proposal.
    #[error("this voter has voted on this proposal")]
    Voted,
    /// Too many ask. `limited`: this caller has; or else all together.
    #[error("too many ask for this")]
    #[expect(missing_docs, reason = "said above")]
    Busy { limited: bool, retry_after: Option<Duration> },
    /// The database cannot be asked now.
    #[error("the database does not answer")]
    Unavailable,
}

impl StoreError {
    /// The error of a document of `M` that is there already: by what is unique, or by its id, which votes alone bring along.
    fn duplicate<M: Model>() -> Self {
        M::UNIQUE.map_or(Self::Voted, |(field, _)| Self::Taken(field))
    }
}
