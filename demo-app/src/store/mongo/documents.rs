//! The documents as MongoDB stores them, and the indexes that the marketplace's queries need.
//!
//! `scopes` are what is cached of a document: what a change by another program invalidates, as the services do for their own.
//!
//! Apart from [`domain`](crate::domain), because a stored document has a database's types: ids are `_id`, and moments are dates.

// Clippy takes what stands in `keys(..)` for attributes of their own.
#![allow(clippy::duplicated_attributes)]
#![expect(clippy::struct_field_names, reason = "the names are those of the JSON API")]

use bson::DateTime;
use fastness::Indexed;
use serde::{Deserialize, Serialize};

use crate::domain::{EventType, Plan, SubscriptionStatus};

/// See [`domain::Business`](crate::domain::Business).
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "businesses", scopes("business:{id}", "businesses:*"))]
#[index(keys(subscription.plan = 1, subscription.status = 1))]
#[index(keys(is_active = 1, created_at = -1))]
pub(super) struct Business {
    #[serde(rename = "_id")]
    pub(super) id: i64,
    #[index(unique)]
    pub(super) email: String,
    #[index(sparse)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) business_name: Option<String>,
    #[index(desc)]
    pub(super) created_at: DateTime,
    pub(super) is_active: bool,
    pub(super) subscription: Subscription,
}

#[derive(Debug, Serialize, Deserialize, Indexed)]
pub(super) struct Subscription {
    pub(super) plan: Plan,
    pub(super) status: SubscriptionStatus,
}

/// See [`domain::Manufacturer`](crate::domain::Manufacturer).
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "manufacturers", scopes("manufacturer:{id}", "manufacturers:*"))]
#[index(keys(industry = 1, is_verified = 1))]
#[index(keys(location.country = 1, location.city = 1))]
#[index(keys(is_active = 1, last_login_at = -1))]
pub(super) struct Manufacturer {
    #[serde(rename = "_id")]
    pub(super) id: i64,
    #[index(unique)]
    pub(super) email: String,
    pub(super) name: String,
    pub(super) industry: String,
    pub(super) is_verified: bool,
    pub(super) is_active: bool,
    pub(super) last_login_at: Option<DateTime>,
    pub(super) location: Location,
}

#[derive(Debug, Serialize, Deserialize, Indexed)]
pub(super) struct Location {
    pub(super) country: String,
    pub(super) city: String,
    /// Longitude and latitude.
    pub(super) coordinates: [f64; 2],
}

/// See [`domain::User`](crate::domain::User).
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "users", scopes("user:{id}", "users:*"))]
#[index(keys(business = 1, created_at = -1))]
#[index(keys(total_votes = -1, created_at = -1))]
#[index(keys(is_active = 1, last_login_at = -1))]
pub(super) struct User {
    #[serde(rename = "_id")]
    pub(super) id: i64,
    pub(super) business: i64,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) total_votes: i64,
    pub(super) is_active: bool,
    pub(super) created_at: DateTime,
    pub(super) last_login_at: Option<DateTime>,
}

/// See [`domain::Product`](crate::domain::Product).
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "products", scopes("product:{id}", "products:*", "catalog:{business}:*", "search:*"))]
#[index(keys(business = 1, created_at = -1))]
#[index(keys(business = 1, category = 1))]
pub(super) struct Product {
    #[serde(rename = "_id")]
    pub(super) id: i64,
    pub(super) business: i64,
    #[index(text)]
    pub(super) name: String,
    #[index(text)]
    pub(super) description: String,
    pub(super) category: String,
    /// The price in cents.
    pub(super) price: i64,
    pub(super) created_at: DateTime,
}

/// See [`domain::Vote`](crate::domain::Vote), whose id says why it is text: two votes of one voter on one proposal have the
/// same `_id`, and MongoDB keeps one, however many clients write at a time.
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "votingrecords", scopes("vote:{id}", "vote:http", "votes:*", "tally:{business}:{proposal_id}"))]
#[index(keys(business = 1, timestamp = -1))]
#[index(keys(business = 1, proposal_id = 1))]
#[index(keys(voter_address = 1, business = 1))]
#[index(keys(selected_product_id = 1, business = 1))]
pub(super) struct VotingRecord {
    #[serde(rename = "_id")]
    pub(super) id: String,
    pub(super) business: i64,
    pub(super) timestamp: DateTime,
    pub(super) proposal_id: String,
    pub(super) voter_address: String,
    pub(super) selected_product_id: i64,
}

/// See [`domain::SupplyChainEvent`](crate::domain::SupplyChainEvent).
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "supplychainevents", scopes("event:{id}", "events:*", "trace:{product_id}:*", "near:*"))]
#[index(keys(manufacturer = 1, timestamp = -1))]
#[index(keys(product_id = 1, timestamp = -1))]
#[index(keys(event_type = 1, timestamp = -1))]
#[index(keys(location.coordinates = sphere))]
pub(super) struct SupplyChainEvent {
    #[serde(rename = "_id")]
    pub(super) id: i64,
    pub(super) manufacturer: i64,
    pub(super) product_id: i64,
    pub(super) event_type: EventType,
    pub(super) timestamp: DateTime,
    pub(super) location: Location,
}
