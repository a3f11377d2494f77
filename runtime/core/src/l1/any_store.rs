//! A store of any types.

/// A store whose types do not matter: for totals, for the sweep and for the memory guard.
pub(crate) trait AnyStore: Send + Sync {
    /// How many entries there are, the dead included that are still to be swept.
    fn len(&self) -> usize;
    /// How many of them are not dead; of large stores, when the sweep last came by.
    fn living(&self) -> usize;
    fn evictions(&self) -> u64;
    /// Evicts until at most this many entries are left.
    fn shrink_to(&self, entries: usize);
    /// Sees to it that what was removed is freed. With no lock held.
    fn settle(&self);
    /// Says that the sweep of the process of this number is at this store, or, by zero, that it is not.
    fn set_sweeper(&self, process: u32);
    /// Frees what is dead, and what was removed. With no lock held. False if something is still being read.
    fn sweep(&self) -> bool;
    /// Frees what was removed. With no lock held.
    fn free(&self) -> bool;
    /// Returns whether there is neither an entry nor anything to be freed.
    fn is_swept(&self) -> bool;
}
