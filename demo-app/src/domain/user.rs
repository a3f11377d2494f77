//! Users.

use serde::{Deserialize, Serialize};

use super::{Draft, Field, Fields, Id, Kind, Model, Moment, Reference, Target};

/// A customer of one business. The same person may be a user of several, so emails repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "servers",
    derive(fastness::Indexed),
    indexed(collection = "users", scopes("user:{id}", "users:*")),
    index(keys(business = 1, created_at = -1)),
    index(keys(total_votes = -1, created_at = -1)),
    index(keys(is_active = 1, last_login_at = -1))
)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Identity.
    #[serde(rename = "_id")]
    pub id: Id,
    /// The business that this user belongs to.
    pub business: Id,
    /// The name to call them by.
    pub name: String,
    /// The address to write to, in lower case.
    pub email: String,
    /// The number of their votes on proposals; counted by the server.
    pub total_votes: u64,
    /// True if they may sign in; true unless said otherwise.
    pub is_active: bool,
    /// The time at which they joined.
    pub created_at: Moment,
    /// The time of their last sign-in, if there was one.
    pub last_login_at: Option<Moment>,
}

impl Draft for User {
    const READ_ONLY: &'static [&'static str] = &["id", "totalVotes", "createdAt", "lastLoginAt"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            business: fields.id("business"),
            name: fields.text("name", 100),
            email: fields.email("email"),
            is_active: fields.flag("isActive", true),
            ..Self::default()
        }
    }
}

impl Model for User {
    type Id = Id;

    const ONE: &'static str = "user";
    const MANY: &'static str = "users";
    const FIELDS: &'static [Field<Self>] = &[
        Field::new("business", Kind::Number, |user| user.business.into()),
        Field::new("totalVotes", Kind::Number, |user| user.total_votes.into()),
        Field::new("isActive", Kind::Flag, |user| user.is_active.into()),
        Field::new("createdAt", Kind::Moment, |user| user.created_at.into()),
        Field::new("lastLoginAt", Kind::Moment, |user| user.last_login_at.into()),
    ];
    const LISTS: &'static [&'static str] = &["business,-createdAt", "-totalVotes,-createdAt", "isActive,-lastLoginAt"];

    fn id(&self) -> Id {
        self.id
    }

    fn created(self, id: Id, now: Moment) -> Self {
        Self { id, created_at: now, ..self }
    }

    fn over(self, old: &Self) -> Self {
        Self { total_votes: old.total_votes, last_login_at: old.last_login_at, ..self.created(old.id, old.created_at) }
    }

    fn references(&self) -> Vec<Reference> {
        vec![Reference { field: "business", id: self.business, to: Target::Businesses }]
    }
}
