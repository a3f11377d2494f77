//! The entries of a store while some of them are evicted for one cause.

use super::s3fifo::{Residency, Residents};
use crate::events::Eviction;

/// The entries of a store, as evictions see them.
pub(super) trait EvictableEntries {
    /// Returns the state of the entry under a hash.
    fn residency(&self, hash: u32) -> Residency;
    /// Sets the count of hits of the entry.
    fn set_hits(&self, hash: u32, hits: u8);
    /// Removes the entry for lack of room.
    fn evict(&self, hash: u32, cause: Eviction);
    /// Removes the entry if it is dead. Returns false if there is a living one.
    fn remove_dead(&self, hash: u32) -> bool;
}

/// The entries of a store, and the cause for which they are evicted.
pub(super) struct Evicting<'a> {
    entries: &'a dyn EvictableEntries,
    cause: Eviction,
}

impl<'a> Evicting<'a> {
    pub(super) fn new(entries: &'a dyn EvictableEntries, cause: Eviction) -> Self {
        Self { entries, cause }
    }
}

impl Residents for Evicting<'_> {
    fn residency(&self, hash: u32) -> Residency {
        self.entries.residency(hash)
    }

    fn set_hits(&self, hash: u32, hits: u8) {
        self.entries.set_hits(hash, hits);
    }

    fn evict(&self, hash: u32) {
        self.entries.evict(hash, self.cause);
    }

    fn remove_dead(&self, hash: u32) -> bool {
        self.entries.remove_dead(hash)
    }
}
