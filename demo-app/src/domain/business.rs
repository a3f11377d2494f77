//! Businesses.

use serde::{Deserialize, Serialize};

use super::{Draft, Field, Fields, Id, Kind, Model, Moment, Scalar, Unique};

/// A seller on the marketplace. Its email is unique among businesses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "servers",
    derive(fastness::Indexed),
    indexed(collection = "businesses", scopes("business:{id}", "businesses:*")),
    index(keys(subscription.plan = 1, subscription.status = 1)),
    index(keys(is_active = 1, created_at = -1))
)]
#[serde(rename_all = "camelCase")]
pub struct Business {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Lower case; no two businesses share one.
    #[cfg_attr(feature = "servers", index(unique))]
    pub email: String,
    /// The name that customers see; a business may be listed before it has chosen one.
    #[cfg_attr(feature = "servers", index(sparse))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_name: Option<String>,
    /// The time at which it joined.
    #[cfg_attr(feature = "servers", index(desc))]
    pub created_at: Moment,
    /// True if it may sell; true unless said otherwise.
    pub is_active: bool,
    /// The plan that it pays for; free and active unless said otherwise.
    pub subscription: Subscription,
}

/// The plan that a business pays for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "servers", derive(fastness::Indexed))]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// The price list that it chose.
    pub plan: Plan,
    /// The state of its payments.
    pub status: SubscriptionStatus,
}

/// The price lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the whole story")]
pub enum SubscriptionStatus {
    #[default]
    Active,
    Trialing,
    PastDue,
    Cancelled,
}

impl Draft for Business {
    const READ_ONLY: &'static [&'static str] = &["id", "createdAt"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            email: fields.email("email"),
            business_name: fields.optional_text("businessName", 100),
            is_active: fields.flag("isActive", true),
            subscription: fields.nested("subscription", |fields| Subscription {
                plan: fields.choice("plan"),
                status: fields.choice("status"),
            }),
            ..Self::default()
        }
    }
}

impl Model for Business {
    type Id = Id;

    const ONE: &'static str = "business";
    const MANY: &'static str = "businesses";
    const FIELDS: &'static [Field<Self>] = &[
        Field::new("email", Kind::Lower, |business| (&*business.email).into()),
        Field::new("businessName", Kind::Text, |business| business.business_name.as_deref().into()),
        Field::new("createdAt", Kind::Moment, |business| business.created_at.into()),
        Field::new("subscription.plan", Kind::Choice(&["free", "basic", "pro", "enterprise"]), |business| {
            Scalar::name_of(&business.subscription.plan)
        }),
        Field::new("subscription.status", Kind::Choice(&["active", "trialing", "pastDue", "cancelled"]), |business| {
            Scalar::name_of(&business.subscription.status)
        }),
        Field::new("isActive", Kind::Flag, |business| business.is_active.into()),
    ];
    const LISTS: &'static [&'static str] =
        &["email", "businessName?", "-createdAt", "subscription.plan,subscription.status", "isActive,-createdAt"];
    const UNIQUE: Option<Unique<Self>> = Some(("email", |business| &business.email));

    fn id(&self) -> Id {
        self.id
    }

    fn created(self, id: Id, now: Moment) -> Self {
        Self { id, created_at: now, ..self }
    }

    fn over(self, old: &Self) -> Self {
        self.created(old.id, old.created_at)
    }
}
