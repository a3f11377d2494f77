//! Manufacturers.

use serde::{Deserialize, Serialize};

use super::{Draft, Field, Fields, Id, Kind, Location, Model, Moment, Unique};

/// A maker of products. Its email is unique among manufacturers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "servers",
    derive(fastness::Indexed),
    indexed(collection = "manufacturers", scopes("manufacturer:{id}", "manufacturers:*")),
    index(keys(industry = 1, is_verified = 1)),
    index(keys(location.country = 1, location.city = 1)),
    index(keys(is_active = 1, last_login_at = -1))
)]
#[serde(rename_all = "camelCase")]
pub struct Manufacturer {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: Id,
    /// Lower case; no two manufacturers share one.
    #[cfg_attr(feature = "servers", index(unique))]
    pub email: String,
    /// The name of the company.
    pub name: String,
    /// The trade, in lower case.
    pub industry: String,
    /// True once its papers were checked; false unless said otherwise.
    pub is_verified: bool,
    /// True if it makes anything; true unless said otherwise.
    pub is_active: bool,
    /// The time of the last sign-in of one of its people, if there was one.
    pub last_login_at: Option<Moment>,
    /// The place of its factory.
    pub location: Location,
}

impl Draft for Manufacturer {
    const READ_ONLY: &'static [&'static str] = &["id", "lastLoginAt"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            email: fields.email("email"),
            name: fields.text("name", 100),
            industry: fields.text("industry", 50).to_lowercase(),
            is_verified: fields.flag("isVerified", false),
            is_active: fields.flag("isActive", true),
            location: Location::read(fields),
            ..Self::default()
        }
    }
}

impl Model for Manufacturer {
    type Id = Id;

    const ONE: &'static str = "manufacturer";
    const MANY: &'static str = "manufacturers";
    const FIELDS: &'static [Field<Self>] = &[
        Field::new("email", Kind::Lower, |maker| (&*maker.email).into()),
        Field::new("industry", Kind::Lower, |maker| (&*maker.industry).into()),
        Field::new("isVerified", Kind::Flag, |maker| maker.is_verified.into()),
        Field::new("location.country", Kind::Text, |maker| (&*maker.location.country).into()),
        Field::new("location.city", Kind::Text, |maker| (&*maker.location.city).into()),
        Field::new("isActive", Kind::Flag, |maker| maker.is_active.into()),
        Field::new("lastLoginAt", Kind::Moment, |maker| maker.last_login_at.into()),
    ];
    const LISTS: &'static [&'static str] =
        &["email", "industry,isVerified", "location.country,location.city", "isActive,-lastLoginAt"];
    const UNIQUE: Option<Unique<Self>> = Some(("email", |maker| &maker.email));

    fn id(&self) -> Id {
        self.id
    }

    fn created(self, id: Id, _: Moment) -> Self {
        Self { id, ..self }
    }

    fn over(self, old: &Self) -> Self {
        Self { id: old.id, last_login_at: old.last_login_at, ..self }
    }
}
