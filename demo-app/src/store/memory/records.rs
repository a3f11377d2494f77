//! Fields of documents by their stored names, for filters and sorts: those that indexes hold.

use crate::domain::{Business, Listing, Manufacturer, Product, Scalar, SupplyChainEvent, User, Vote};

/// A document whose fields have names.
pub(super) trait Record: Clone {
    /// The value of a field; absent where no index has it.
    fn field(&self, name: &str) -> Scalar;
}

/// An enum's name, as JSON and MongoDB spell it.
fn spelled(value: &impl serde::Serialize) -> Scalar {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => Scalar::Text(text),
        _ => Scalar::Absent,
    }
}

impl Record for Business {
    fn field(&self, name: &str) -> Scalar {
        match name {
            Listing::ID => Scalar::Number(self.id),
            "email" => Scalar::from(&*self.email),
            "businessName" => self.business_name.as_deref().map_or(Scalar::Absent, Scalar::from),
            "createdAt" => Scalar::Moment(self.created_at),
            "isActive" => Scalar::Flag(self.is_active),
            "subscription.plan" => spelled(&self.subscription.plan),
            "subscription.status" => spelled(&self.subscription.status),
            _ => Scalar::Absent,
        }
    }
}

impl Record for Manufacturer {
    fn field(&self, name: &str) -> Scalar {
        match name {
            Listing::ID => Scalar::Number(self.id),
            "email" => Scalar::from(&*self.email),
            "industry" => Scalar::from(&*self.industry),
            "isVerified" => Scalar::Flag(self.is_verified),
            "location.country" => Scalar::from(&*self.location.country),
            "location.city" => Scalar::from(&*self.location.city),
            "isActive" => Scalar::Flag(self.is_active),
            "lastLoginAt" => Scalar::from(self.last_login_at),
            _ => Scalar::Absent,
        }
    }
}

impl Record for User {
    fn field(&self, name: &str) -> Scalar {
        match name {
            Listing::ID => Scalar::Number(self.id),
            "business" => Scalar::Number(self.business),
            "createdAt" => Scalar::Moment(self.created_at),
            "totalVotes" => Scalar::Number(self.total_votes),
            "isActive" => Scalar::Flag(self.is_active),
            "lastLoginAt" => Scalar::from(self.last_login_at),
            _ => Scalar::Absent,
        }
    }
}

impl Record for Product {
    fn field(&self, name: &str) -> Scalar {
        match name {
            Listing::ID => Scalar::Number(self.id),
            "business" => Scalar::Number(self.business),
            "createdAt" => Scalar::Moment(self.created_at),
            "category" => Scalar::from(&*self.category),
            _ => Scalar::Absent,
        }
    }
}

impl Record for Vote {
    fn field(&self, name: &str) -> Scalar {
        match name {
            Listing::ID => Scalar::from(&*self.id),
            "business" => Scalar::Number(self.business),
            "timestamp" => Scalar::Moment(self.timestamp),
            "proposalId" => Scalar::from(&*self.proposal_id),
            "voterAddress" => Scalar::from(&*self.voter_address),
            "selectedProductId" => Scalar::Number(self.selected_product_id),
            _ => Scalar::Absent,
        }
    }
}

impl Record for SupplyChainEvent {
    fn field(&self, name: &str) -> Scalar {
        match name {
            Listing::ID => Scalar::Number(self.id),
            "manufacturer" => Scalar::Number(self.manufacturer),
            "productId" => Scalar::Number(self.product_id),
            "eventType" => Scalar::from(self.event_type.as_str()),
            "timestamp" => Scalar::Moment(self.timestamp),
            _ => Scalar::Absent,
        }
    }
}
