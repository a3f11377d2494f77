//! The use of an entry: whether it is served, refreshed, or both.

use std::time::Duration;

use super::{Policy, refresh_early};
use crate::clock::nanos;
use crate::l1::FoundEntry;
use crate::shape::Shape;

/// The use that a call site has for a valid entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryUse {
    /// Fresh: it is served.
    Serve,
    /// Fresh, and drawn for a refresh shortly before it expires.
    RefreshEarly,
    /// Stale: it is served while it is refreshed.
    Refresh,
    /// Stale, and its origin has just failed: it is served without a refresh.
    ServeStale,
    /// Not to be served.
    Load,
}

impl<S: Shape> Policy<S> {
    /// Returns the use of an entry at `now`.
    pub(crate) fn use_of<V>(&self, found: &FoundEntry<V>, now: u64) -> EntryUse {
        if found.is_fresh(now) {
            let due = now >= found.fresh_until.max(found.retry_at) && refresh_early(now, &found.life);
            return if due { EntryUse::RefreshEarly } else { EntryUse::Serve };
        }
        if now < found.life.expires && !found.is_refreshed() {
            // Only the local ttl has passed, so the shared tier is asked again.
            return EntryUse::Load;
        }
        let within = |bound: Duration| !bound.is_zero() && now < found.life.expires.saturating_add(nanos(bound));
        if now < found.retry_at && within(self.longest_stale()) {
            EntryUse::ServeStale
        } else if within(self.stale) {
            EntryUse::Refresh
        } else {
            EntryUse::Load
        }
    }
}
