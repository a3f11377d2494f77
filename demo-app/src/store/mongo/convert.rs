//! Documents as the marketplace knows them, and as MongoDB stores them.

use bson::DateTime;
use jiff::Timestamp;

use super::documents::{Business, Location, Manufacturer, Product, Subscription, SupplyChainEvent, User, VotingRecord};
use crate::domain;

/// MongoDB has no unsigned numbers. Ids are counted from 1 and prices are bounded, so none is near the limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
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

impl From<domain::Location> for Location {
    fn from(location: domain::Location) -> Self {
        let domain::Location { country, city, coordinates } = location;
        Self { country, city, coordinates }
    }
}

impl From<Location> for domain::Location {
    fn from(stored: Location) -> Self {
        let Location { country, city, coordinates } = stored;
        Self { country, city, coordinates }
    }
}

impl From<domain::Manufacturer> for Manufacturer {
    fn from(manufacturer: domain::Manufacturer) -> Self {
        Self {
            id: signed(manufacturer.id),
            email: manufacturer.email,
            name: manufacturer.name,
            industry: manufacturer.industry,
            is_verified: manufacturer.is_verified,
            is_active: manufacturer.is_active,
            last_login_at: manufacturer.last_login_at.map(date),
            location: manufacturer.location.into(),
        }
    }
}

impl From<Manufacturer> for domain::Manufacturer {
    fn from(stored: Manufacturer) -> Self {
        Self {
            id: unsigned(stored.id),
            email: stored.email,
            name: stored.name,
            industry: stored.industry,
            is_verified: stored.is_verified,
            is_active: stored.is_active,
            last_login_at: stored.last_login_at.map(time),
            location: stored.location.into(),
        }
    }
}

impl From<domain::Vote> for VotingRecord {
    fn from(vote: domain::Vote) -> Self {
        Self {
            id: vote.id,
            business: signed(vote.business),
            timestamp: date(vote.timestamp),
            proposal_id: vote.proposal_id,
            voter_address: vote.voter_address,
            selected_product_id: signed(vote.selected_product_id),
        }
    }
}

impl From<VotingRecord> for domain::Vote {
    fn from(stored: VotingRecord) -> Self {
        Self {
            id: stored.id,
            business: unsigned(stored.business),
            proposal_id: stored.proposal_id,
            voter_address: stored.voter_address,
            selected_product_id: unsigned(stored.selected_product_id),
            timestamp: time(stored.timestamp),
        }
    }
}

impl From<domain::SupplyChainEvent> for SupplyChainEvent {
    fn from(event: domain::SupplyChainEvent) -> Self {
        Self {
            id: signed(event.id),
            manufacturer: signed(event.manufacturer),
            product_id: signed(event.product_id),
            event_type: event.event_type,
            timestamp: date(event.timestamp),
            location: event.location.into(),
        }
    }
}

impl From<SupplyChainEvent> for domain::SupplyChainEvent {
    fn from(stored: SupplyChainEvent) -> Self {
        Self {
            id: unsigned(stored.id),
            manufacturer: unsigned(stored.manufacturer),
            product_id: unsigned(stored.product_id),
            event_type: stored.event_type,
            timestamp: time(stored.timestamp),
            location: stored.location.into(),
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
