//! The documents as MongoDB stores them, and the indexes that the marketplace's queries need.
//!
//! Apart from [`domain`](crate::domain), because a stored document has a database's types: ids are `_id`, and moments are dates.

// Clippy takes what stands in `keys(..)` for attributes of their own.
#![allow(clippy::duplicated_attributes)]
#![expect(clippy::struct_field_names, reason = "the names are those of the JSON API")]

use bson::DateTime;
use fastness::Indexed;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{self, Plan, SubscriptionStatus};

/// See [`domain::Business`].
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "businesses")]
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

/// A maker of products. The HTTP surface does not show it yet; its collection and indexes are the marketplace's.
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "manufacturers")]
#[index(keys(industry = 1, is_verified = 1))]
#[index(keys(location.country = 1, location.city = 1))]
#[index(keys(is_active = 1, last_login_at = -1))]
pub(super) struct Manufacturer {
    #[serde(rename = "_id")]
    pub(super) id: i64,
    #[index(unique)]
    pub(super) email: String,
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

/// See [`domain::User`].
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "users")]
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

/// See [`domain::Product`].
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "products")]
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
    /// In cents.
    pub(super) price: i64,
    pub(super) created_at: DateTime,
}

/// A vote on a proposal.
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "votingrecords")]
#[index(keys(business = 1, timestamp = -1))]
#[index(keys(business = 1, proposal_id = 1))]
#[index(keys(voter_address = 1, business = 1))]
#[index(keys(selected_product_id = 1, business = 1))]
pub(super) struct VotingRecord {
    #[serde(rename = "_id")]
    pub(super) id: i64,
    pub(super) business: i64,
    pub(super) timestamp: DateTime,
    pub(super) proposal_id: String,
    pub(super) voter_address: String,
    pub(super) selected_product_id: i64,
}

/// A step of a product on its way.
#[derive(Debug, Serialize, Deserialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "supplychainevents")]
#[index(keys(manufacturer = 1, timestamp = -1))]
#[index(keys(product_id = 1, timestamp = -1))]
#[index(keys(event_type = 1, timestamp = -1))]
#[index(keys(location.coordinates = sphere))]
pub(super) struct SupplyChainEvent {
    #[serde(rename = "_id")]
    pub(super) id: i64,
    pub(super) manufacturer: i64,
    pub(super) product_id: i64,
    pub(super) event_type: String,
    pub(super) timestamp: DateTime,
    pub(super) location: Location,
}

/// MongoDB has no unsigned numbers. Ids are counted from 1 and prices are bounded, so none is near the limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// MongoDB's dates have milliseconds.
pub(super) fn date(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millisecond())
}

fn time(date: DateTime) -> Timestamp {
    Timestamp::from_millisecond(date.timestamp_millis()).unwrap_or_default()
}

impl From<domain::Business> for Business {
    fn from(business: domain::Business) -> Self {
        let domain::Subscription { plan, status } = business.subscription;
        Self {
            id: signed(business.id),
            email: business.email,
            business_name: business.business_name,
            created_at: date(business.created_at),
            is_active: business.is_active,
            subscription: Subscription { plan, status },
        }
    }
}

impl From<Business> for domain::Business {
    fn from(stored: Business) -> Self {
        Self {
            id: unsigned(stored.id),
            email: stored.email,
            business_name: stored.business_name,
            is_active: stored.is_active,
            subscription: domain::Subscription { plan: stored.subscription.plan, status: stored.subscription.status },
            created_at: time(stored.created_at),
        }
    }
}

impl From<domain::User> for User {
    fn from(user: domain::User) -> Self {
        Self {
            id: signed(user.id),
            business: signed(user.business),
            name: user.name,
            email: user.email,
            total_votes: signed(user.total_votes),
            is_active: user.is_active,
            created_at: date(user.created_at),
            last_login_at: user.last_login_at.map(date),
        }
    }
}

impl From<User> for domain::User {
    fn from(stored: User) -> Self {
        Self {
            id: unsigned(stored.id),
            business: unsigned(stored.business),
            name: stored.name,
            email: stored.email,
            total_votes: unsigned(stored.total_votes),
            is_active: stored.is_active,
            created_at: time(stored.created_at),
            last_login_at: stored.last_login_at.map(time),
        }
    }
}

impl From<domain::Product> for Product {
    fn from(product: domain::Product) -> Self {
        Self {
            id: signed(product.id),
            business: signed(product.business),
            name: product.name,
            description: product.description,
            category: product.category,
            price: signed(product.price),
            created_at: date(product.created_at),
        }
    }
}

impl From<Product> for domain::Product {
    fn from(stored: Product) -> Self {
        Self {
            id: unsigned(stored.id),
            business: unsigned(stored.business),
            name: stored.name,
            description: stored.description,
            category: stored.category,
            price: unsigned(stored.price),
            created_at: time(stored.created_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_come_back_as_they_were() {
        let now: Timestamp = "2030-01-02T03:04:05.678Z".parse().unwrap();
        let user = domain::User {
            id: 7,
            business: 1,
            name: "Ada".into(),
            email: "ada@example.com".into(),
            total_votes: 3,
            is_active: true,
            created_at: now,
            last_login_at: None,
        };
        let stored = bson::serialize_to_document(&User::from(user.clone())).unwrap();
        assert_eq!(stored.get_i64("_id").unwrap(), 7);
        assert!(stored.get_datetime("createdAt").is_ok());
        assert_eq!(domain::User::from(bson::deserialize_from_document::<User>(stored).unwrap()), user);
    }
}
