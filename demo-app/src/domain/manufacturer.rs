//! Manufacturers, and what a client may say about one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Draft, Fields, Id, Location};

/// A maker of products. Its email is unique among manufacturers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Manufacturer {
    /// Identity.
    pub id: Id,
    /// Lower case; no two manufacturers share one.
    #[schema(format = "email")]
    pub email: String,
    /// The name of the company.
    pub name: String,
    /// The trade, in lower case.
    #[schema(example = "ceramics")]
    pub industry: String,
    /// True once its papers were checked.
    pub is_verified: bool,
    /// True if it makes anything.
    pub is_active: bool,
    /// The time of the last sign-in of one of its people, if there was one.
    pub last_login_at: Option<Timestamp>,
    /// The place of its factory.
    pub location: Location,
}

/// A manufacturer as a client may write it.
#[derive(Clone, Debug, PartialEq, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ManufacturerDraft {
    /// See [`Manufacturer::email`].
    #[schema(format = "email", example = "hello@works.example")]
    pub email: String,
    /// See [`Manufacturer::name`].
    #[schema(min_length = 1, max_length = 100, example = "Atlas")]
    pub name: String,
    /// See [`Manufacturer::industry`].
    #[schema(min_length = 1, max_length = 50, example = "food")]
    pub industry: String,
    /// See [`Manufacturer::is_verified`]; false unless said otherwise.
    #[schema(required = false, default = false)]
    pub is_verified: bool,
    /// See [`Manufacturer::is_active`]; true unless said otherwise.
    #[schema(required = false, default = true)]
    pub is_active: bool,
    /// See [`Manufacturer::location`].
    pub location: Location,
}

impl ManufacturerDraft {
    /// The document that this draft founds.
    pub fn into_manufacturer(self, id: Id) -> Manufacturer {
        let Self { email, name, industry, is_verified, is_active, location } = self;
        Manufacturer { id, email, name, industry, is_verified, is_active, last_login_at: None, location }
    }
}

impl Draft for ManufacturerDraft {
    const KEPT: &'static [&'static str] = &["id", "lastLoginAt"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            email: fields.email("email"),
            name: fields.text("name", 100),
            industry: fields.text("industry", 50).to_lowercase(),
            is_verified: fields.flag("isVerified", false),
            is_active: fields.flag("isActive", true),
            location: Location::read(fields),
        }
    }
}
