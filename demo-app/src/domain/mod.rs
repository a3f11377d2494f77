//! The models of the marketplace, and the door that outside data comes through.
//!
//! A model (`User`) is a document: the store's, the cache's and the API's alike. What a client may say about one is read by [`Draft`], which
//! checks every field and reports every fault at once, so nothing behind that door validates again; the server's own fields of a draft
//! are blank until [`Model::created`] or [`Model::over`] fill them in.
//!
//! May use: nothing of this crate.

mod business;
mod event;
mod manufacturer;
mod product;
mod user;
mod vote;

mod field;
mod fields;
mod listing;
mod lists;
mod model;
mod moment;
mod page;
mod place;

pub use business::{Business, Plan, Subscription, SubscriptionStatus};
pub use event::{EventType, NearEvent, SupplyChainEvent};
pub use field::{Field, Kind, Scalar};
pub use fields::{BadBody, Draft, Fields, Violation, cut};
pub use listing::{Listing, SortKey};
pub use lists::Unserved;
pub use manufacturer::Manufacturer;
pub use model::{Model, Reference, Stored, Target, Unique};
pub use moment::Moment;
pub use page::{Page, PageRequest};
pub use place::{Location, Near};
pub use product::{Product, ProductQuery};
pub use user::User;
pub use vote::{Count, PROPOSAL, Tally, Vote, is_proposal};

/// Identity of a document within its collection; the first one is 1.
pub type Id = u64;
