//! The models of the marketplace, and the door that outside data comes through.
//!
//! A model (`User`) is a stored document; a draft (`UserDraft`) is what a client may say about one. A draft can only be had
//! from [`Draft::from_json`], which checks every field and reports every fault at once, so nothing behind the door
//! validates again. Names and shapes are those of the JSON API.
//!
//! May use: nothing of this crate.

mod business;
mod event;
mod manufacturer;
mod product;
mod user;
mod vote;

mod fields;
mod given;
mod listing;
mod page;
mod place;

pub use business::{Business, BusinessDraft, Plan, Subscription, SubscriptionStatus};
pub use event::{EventDraft, EventType, NearEvent, SupplyChainEvent};
pub use fields::{BadBody, Draft, Fields, Violation, cut};
pub use listing::{Listing, Scalar, SortKey};
pub use manufacturer::{Manufacturer, ManufacturerDraft};
pub use page::{Page, PageRequest};
pub use place::{Location, Near};
pub use product::{Product, ProductDraft, ProductQuery};
pub use user::{User, UserDraft};
pub use vote::{Count, PROPOSAL, Tally, Vote, VoteDraft, is_proposal};

/// Identity of a document within its collection; the first one is 1.
pub type Id = u64;
