//! The services of the marketplace, and all that is cached.
//!
//! Reads carry `#[cacheable]`, writes say what they make untrue. The keys, in one place:
//!
//! | key | holds | gone after |
//! |---|---|---|
//! | `user:{id}`, `product:{id}`, `business:{id}`, `manufacturer:{id}` | one document | a write to it (which leaves the new one there) |
//! | `vote:{id}`, `event:{id}` | one document, which never changes | the end of its business, or nothing |
//! | `users:..`, `products:..`, `businesses:..`, `manufacturers:..`, `votes:..`, `events:..` | a page of a list | any write to the collection |
//! | `catalog:{business}:..` | a page of the products of a business | a write to one of its products |
//! | `tally:{business}:{proposal}` | the counted votes on a proposal | a vote on it |
//! | `trace:{product}:..` | a page of the events of a product | an event of it |
//! | `near:..`, tag `near` | events near a place | any event |
//! | `search:..`, tag `search` | a page of search results | any write to the products |
//! | `rating:{product}` | the rating of a product, from the supplier | ten seconds; then for an hour the fallback of a call that fails |
//!
//! A write invalidates however it ends: where the answer was lost, an error may follow a write that was done.
//!
//! Values are behind an `Arc`, so a hit copies a pointer. Every function skips the [`Market`]: that of one process is over one
//! repository. A second server of one process with a repository of its own needs a cache of its own, by `with_cache`.
//!
//! May use: `clock`, `domain`, `store`, `supplier`.

pub mod businesses;
pub mod events;
pub mod manufacturers;
mod market;
pub mod products;
pub mod ratings;
mod resource;
pub mod users;
pub mod votes;

pub use market::Market;
pub use resource::Resource;
