//! Users, and what a client may say about one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Draft, Fields, Id};

/// A customer of one business. The same person may be a user of several, so emails repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Identity.
    pub id: Id,
    /// The business that this user belongs to.
    pub business: Id,
    /// The name to call them by.
    pub name: String,
    /// The address to write to, in lower case.
    pub email: String,
    /// The number of their votes on proposals; counted by the server.
    pub total_votes: u64,
    /// True if they may sign in.
    pub is_active: bool,
    /// The time at which they joined.
    pub created_at: Timestamp,
    /// The time of their last sign-in, if there was one.
    pub last_login_at: Option<Timestamp>,
}

/// A user as a client may write it.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct UserDraft {
    /// See [`User::business`].
    #[schema(minimum = 1, example = 1)]
    pub business: Id,
    /// See [`User::name`].
    #[schema(min_length = 1, max_length = 100, example = "Atlas")]
    pub name: String,
    /// See [`User::email`].
    #[schema(format = "email", example = "hello@works.example")]
    pub email: String,
    /// See [`User::is_active`]; true unless said otherwise.
    #[schema(required = false, default = true)]
    pub is_active: bool,
}

impl UserDraft {
    /// The document that this draft founds.
    pub fn into_user(self, id: Id, created_at: Timestamp) -> User {
        User {
            id,
            business: self.business,
            name: self.name,
            email: self.email,
            total_votes: 0,
            is_active: self.is_active,
            created_at,
            last_login_at: None,
        }
    }
}

impl Draft for UserDraft {
    const KEPT: &'static [&'static str] = &["id", "totalVotes", "createdAt", "lastLoginAt"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            business: fields.id("business"),
            name: fields.text("name", 100),
            email: fields.email("email"),
            is_active: fields.flag("isActive", true),
        }
    }
}
