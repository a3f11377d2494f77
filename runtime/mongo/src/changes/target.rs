//! The watched database and its models.

use std::collections::BTreeSet;
use std::time::Duration;

use mongodb::Database;

use crate::model::ChangeScope;

/// Collection of positions, in the watched database.
pub(super) const POSITIONS: &str = "fastness_changes";

/// A watched database, and the settings.
#[derive(Clone)]
pub(super) struct WatchTarget {
    pub(super) db: Database,
    /// Name of the fleet.
    pub(super) name: String,
    /// Time without a sign of life after which another process takes over.
    pub(super) takeover: Duration,
    pub(super) models: Vec<WatchedModel>,
}

impl WatchTarget {
    /// Returns the number of collections, of which two models may share one.
    pub(super) fn distinct_collections(&self) -> usize {
        let names: BTreeSet<_> = self.models.iter().map(|model| model.collection).collect();
        names.len()
    }
}

/// A collection, and the scopes that its changes invalidate.
#[derive(Clone, Debug)]
pub(super) struct WatchedModel {
    pub(super) collection: &'static str,
    pub(super) scopes: &'static [ChangeScope],
}
