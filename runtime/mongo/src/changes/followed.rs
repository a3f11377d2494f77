//! What is followed: a database, and the models whose changes count.

use std::time::Duration;

use mongodb::Database;

use crate::model::Scope;

/// The collection of positions, in the database that is followed.
pub(super) const POSITIONS: &str = "fastness_changes";

/// A database that is followed, and how.
#[derive(Clone)]
pub(super) struct Followed {
    pub(super) db: Database,
    /// The name of the fleet.
    pub(super) name: String,
    /// The time after the last sign of life after which another process takes over.
    pub(super) takeover: Duration,
    pub(super) models: Vec<Watched>,
}

/// A collection, and the scopes that its changes invalidate.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) collection: &'static str,
    pub(super) scopes: &'static [Scope],
}
