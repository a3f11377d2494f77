//! Businesses, and what a client may say about one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Draft, Fields, Id};

/// A seller on the marketplace. Its email is unique among businesses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Business {
    /// Identity.
    pub id: Id,
    /// Lower case; no two businesses share one.
    pub email: String,
    /// The name that customers see; a business may be listed before it has chosen one.
    pub business_name: Option<String>,
    /// True if it may sell.
    pub is_active: bool,
    /// The plan that it pays for.
    pub subscription: Subscription,
    /// The time at which it joined.
    pub created_at: Timestamp,
}

/// The plan that a business pays for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// The price list that it chose.
    pub plan: Plan,
    /// The state of its payments.
    pub status: SubscriptionStatus,
}

/// The price lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the whole story")]
pub enum Plan {
    #[default]
    Free,
    Basic,
    Pro,
    Enterprise,
}

/// The state of a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the whole story")]
pub enum SubscriptionStatus {
    #[default]
    Active,
    Trialing,
    PastDue,
    Cancelled,
}

/// A business as a client may write it.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct BusinessDraft {
    /// See [`Business::email`].
    #[schema(format = "email", example = "hello@works.example")]
    pub email: String,
    /// See [`Business::business_name`].
    #[schema(max_length = 100)]
    pub business_name: Option<String>,
    /// See [`Business::is_active`]; true unless said otherwise.
    #[schema(required = false, default = true)]
    pub is_active: bool,
    /// See [`Business::subscription`]; free and active unless said otherwise.
    #[schema(required = false)]
    pub subscription: Subscription,
}

impl BusinessDraft {
    /// The document that this draft founds.
    pub fn into_business(self, id: Id, created_at: Timestamp) -> Business {
        Business {
            id,
            email: self.email,
            business_name: self.business_name,
            is_active: self.is_active,
            subscription: self.subscription,
            created_at,
        }
    }
}

impl Draft for BusinessDraft {
    const KEPT: &'static [&'static str] = &["id", "createdAt"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            email: fields.email("email"),
            business_name: fields.optional_text("businessName", 100),
            is_active: fields.flag("isActive", true),
            subscription: fields.nested("subscription", |fields| Subscription {
                plan: fields.choice("plan"),
                status: fields.choice("status"),
            }),
        }
    }
}
