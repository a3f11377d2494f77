//! What the marketplace does: one service per model, each a handle on the repository, and all that is cached.
//!
//! Reads carry `#[cacheable]`, writes say what they make untrue. The keys, in one place:
//!
//! | key | holds | gone after |
//! |---|---|---|
//! | `user:{id}`, `product:{id}`, `business:{id}` | one document | a write to it (which leaves the new one there) |
//! | `users:..`, `products:..`, `businesses:..` | a page of all | any write to the collection |
//! | `catalog:{business}:..` | a page of what a business sells | a write to one of its products |
//! | `search:..`, tag `search` | a page of search results | any write to the products |
//! | `rating:{product}` | what the supplier says of a product | ten seconds |
//!
//! Values are behind an `Arc`, so a hit copies a pointer. Every method says `skip(self)`: the services of one process are
//! over one repository, and a server with a repository of its own has a cache of its own too (see `server`).
//!
//! May use: `clock`, `domain`, `store`, `supplier`.

mod businesses;
mod products;
mod ratings;
mod users;

pub use businesses::BusinessService;
pub use products::ProductService;
pub use ratings::RatingService;
pub use users::UserService;

use crate::store::StoreError;

/// A load that takes too long is given up: the database counts as not answering.
impl From<fastness::LoadTimeout> for StoreError {
    fn from(_: fastness::LoadTimeout) -> Self {
        Self::Unavailable
    }
}
