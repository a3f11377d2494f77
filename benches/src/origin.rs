//! The origin behind the caches: users in an array, found by number or by name.
//!
//! The origin of the hit benchmarks costs nothing, because it is called only to fill the caches; calling it bare is the
//! floor under every cache. It is never inlined, since the function that it stands for would not be either.

use std::sync::{Arc, LazyLock};

use hitbox_fn::CacheableResponse;
use serde::{Deserialize, Serialize};

/// The number of users.
pub const USERS: usize = 100_000;

/// A value of about 300 bytes in nine heap blocks: dear to clone, so everybody stores an `Arc` of it who can.
#[derive(Clone, Debug, Serialize, Deserialize, CacheableResponse)]
pub struct User {
    /// The user's number.
    pub id: u64,
    /// The user's name, unique.
    pub name: String,
    /// An address.
    pub email: String,
    /// A few words.
    pub title: String,
    /// A few more.
    pub bio: String,
    /// Some short texts.
    pub roles: Vec<String>,
    /// Some numbers.
    pub groups: Vec<u32>,
}

/// There is no such user.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no such user")]
pub struct Missing;

static ALL: LazyLock<Vec<Arc<User>>> = LazyLock::new(|| (0..USERS as u64).map(|id| Arc::new(User::new(id))).collect());

impl User {
    fn new(id: u64) -> Self {
        Self {
            id,
            name: name_of(id),
            email: format!("user-{id}@example.com"),
            title: "Keeper of the inventory".to_owned(),
            bio: format!("Number {id} of many, who has been here for as long as anyone remembers."),
            roles: vec!["reader".to_owned(), "writer".to_owned(), "auditor".to_owned()],
            groups: (0..8).collect(),
        }
    }
}

/// The name of a user: 16 characters, the last ones tell.
pub fn name_of(id: u64) -> String {
    format!("user-{id:011}")
}

/// The region of a user, as the caller would know it.
pub fn region_of(id: u64) -> &'static str {
    ["eu-central-1", "eu-north-1", "us-east-1", "ap-south-1"][id as usize % 4]
}

/// The bare call.
///
/// # Errors
///
/// If there is no such user.
#[inline(never)]
pub fn find(id: u64) -> Result<Arc<User>, Missing> {
    ALL.get(id as usize).cloned().ok_or(Missing)
}

/// The bare async call.
///
/// # Errors
///
/// If there is no such user.
#[inline(never)]
pub async fn find_async(id: u64) -> Result<Arc<User>, Missing> {
    find(id)
}

/// The bare call by name.
///
/// # Errors
///
/// If there is no such user.
pub fn find_by_name(name: &str) -> Result<Arc<User>, Missing> {
    let id = name.strip_prefix("user-").and_then(|id| id.parse().ok());
    id.ok_or(Missing).and_then(find)
}
