//! The repository seam: what the services ask of a database, whichever it is.
//!
//! A write may be made to depend on the document: `only_if` is the one that must be there, whole, or else the answer is
//! [`StoreError::Changed`] and nothing was written. The store compares and writes in one step.
//!
//! One trait per collection and [`Repository`] over them, usable as `Arc<dyn Repository>`. Rules that hold across documents
//! (unique emails, references) are the store's to keep, because only it can check and write in one step. Nothing here knows
//! of caching: that is the services' business.
//!
//! May use: `domain`.

mod indexes;
mod lists;
mod memory;
#[cfg(feature = "servers")]
mod mongo;
mod seed;
pub mod words;

pub use lists::Unserved;
pub use memory::MemoryRepository;
#[cfg(feature = "servers")]
pub use mongo::MongoRepository;
pub use seed::seed;

use std::time::Duration;

use async_trait::async_trait;
use fastness::Fastness;
use fastness::monitor::{Pool, SlowQuery};
use serde_json::{Value, json};

use crate::domain::{
    Business, BusinessDraft, Id, Listing, Manufacturer, ManufacturerDraft, Near, NearEvent, Page, Product,
    ProductDraft, ProductQuery, SupplyChainEvent, Tally, User, UserDraft, Vote,
};

/// The operations that the services need of a database.
#[async_trait]
pub trait Repository: Businesses + Events + Manufacturers + Products + Users + Votes {
    /// An id that no document of `collection` has had.
    async fn next_id(&self, collection: Collection) -> Result<Id>;

    /// Asks for a sign of life, at the price of a query.
    async fn ping(&self) -> Result<()>;

    /// The pool of connections to a database server; all 0 where the store is part of this process.
    fn pool(&self) -> Pool;

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

/// The businesses.
#[async_trait]
pub trait Businesses: Send + Sync {
    /// The business `id`.
    async fn business(&self, id: Id) -> Result<Option<Business>>;
    /// The businesses of `ids` that exist, in no particular order.
    async fn businesses(&self, ids: &[Id]) -> Result<Vec<Business>>;
    /// One page of what `listing` admits, in its order.
    async fn list_businesses(&self, listing: &Listing) -> Result<Page<Business>>;
    /// Adds a new document.
    async fn insert_business(&self, business: Business) -> Result<()>;
    /// Writes `draft` over the document and returns what it is now.
    async fn update_business(
        &self,
        id: Id,
        draft: BusinessDraft,
        only_if: Option<&Business>,
    ) -> Result<Option<Business>>;
    /// Removes the document, and with it the business's products, users and votes. Tells whether there was one.
    async fn delete_business(&self, id: Id, only_if: Option<&Business>) -> Result<bool>;
}

/// The products.
#[async_trait]
pub trait Products: Send + Sync {
    /// The product `id`.
    async fn product(&self, id: Id) -> Result<Option<Product>>;
    /// The products of `ids` that exist, in no particular order.
    async fn products(&self, ids: &[Id]) -> Result<Vec<Product>>;
    /// One page of what `listing` admits, in its order.
    async fn list_products(&self, listing: &Listing) -> Result<Page<Product>>;
    /// One page of what matches `query`, in the order in which the store finds it.
    async fn search_products(&self, query: &ProductQuery) -> Result<Page<Product>>;
    /// Adds a new document.
    async fn insert_product(&self, product: Product) -> Result<()>;
    /// Writes `draft` over the document and returns what it is now.
    async fn update_product(&self, id: Id, draft: ProductDraft, only_if: Option<&Product>) -> Result<Option<Product>>;
    /// Removes the document. Tells whether there was one.
    async fn delete_product(&self, id: Id, only_if: Option<&Product>) -> Result<bool>;
}

/// The users.
#[async_trait]
pub trait Users: Send + Sync {
    /// The user `id`.
    async fn user(&self, id: Id) -> Result<Option<User>>;
    /// The users of `ids` that exist, in no particular order.
    async fn users(&self, ids: &[Id]) -> Result<Vec<User>>;
    /// One page of what `listing` admits, in its order.
    async fn list_users(&self, listing: &Listing) -> Result<Page<User>>;
    /// Adds a new document.
    async fn insert_user(&self, user: User) -> Result<()>;
    /// Writes `draft` over the document and returns what it is now.
    async fn update_user(&self, id: Id, draft: UserDraft, only_if: Option<&User>) -> Result<Option<User>>;
    /// Removes the document. Tells whether there was one.
    async fn delete_user(&self, id: Id, only_if: Option<&User>) -> Result<bool>;
    /// The users of `business` who have `address` as their email.
    async fn voters(&self, business: Id, address: &str) -> Result<Vec<Id>>;
    /// Counts the votes of the user `id` anew. Counts never go down, so that two at a time cannot lose one.
    async fn recount_votes(&self, id: Id) -> Result<()>;
}

/// The makers.
#[async_trait]
pub trait Manufacturers: Send + Sync {
    /// The manufacturer `id`.
    async fn manufacturer(&self, id: Id) -> Result<Option<Manufacturer>>;
    /// The manufacturers of `ids` that exist, in no particular order.
    async fn manufacturers(&self, ids: &[Id]) -> Result<Vec<Manufacturer>>;
    /// One page of what `listing` admits, in its order.
    async fn list_manufacturers(&self, listing: &Listing) -> Result<Page<Manufacturer>>;
    /// Adds a new document.
    async fn insert_manufacturer(&self, manufacturer: Manufacturer) -> Result<()>;
    /// Writes `draft` over the document and returns what it is now.
    async fn update_manufacturer(
        &self,
        id: Id,
        draft: ManufacturerDraft,
        only_if: Option<&Manufacturer>,
    ) -> Result<Option<Manufacturer>>;
    /// Removes the document; its events stay. Tells whether there was one.
    async fn delete_manufacturer(&self, id: Id, only_if: Option<&Manufacturer>) -> Result<bool>;
}

/// The votes.
#[async_trait]
pub trait Votes: Send + Sync {
    /// The vote `id`.
    async fn vote(&self, id: &str) -> Result<Option<Vote>>;
    /// One page of what `listing` admits, in its order.
    async fn list_votes(&self, listing: &Listing) -> Result<Page<Vote>>;
    /// Adds a vote on one of the business's products, unless the voter has one on the same proposal.
    async fn insert_vote(&self, vote: Vote) -> Result<()>;
    /// Counts the votes on a proposal.
    async fn tally(&self, business: Id, proposal: &str) -> Result<Tally>;
}

/// Events of products on their way.
#[async_trait]
pub trait Events: Send + Sync {
    /// The event `id`.
    async fn event(&self, id: Id) -> Result<Option<SupplyChainEvent>>;
    /// One page of what `listing` admits, in its order.
    async fn list_events(&self, listing: &Listing) -> Result<Page<SupplyChainEvent>>;
    /// The events near a place, the nearest first.
    async fn events_near(&self, near: Near) -> Result<Vec<NearEvent>>;
    /// Adds a new document.
    async fn insert_event(&self, event: SupplyChainEvent) -> Result<()>;
}

/// The names of the collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the whole story")]
pub enum Collection {
    Businesses,
    Events,
    Manufacturers,
    Products,
    Users,
    Votes,
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
