//! Type-erased stores.

#[cfg(feature = "settings")]
use super::bounds::StoreBounds;
use crate::events::Eviction;

/// A store of any key and value type, as totals, the sweep and the memory guard use it.
///
/// Methods that free entries run the `Drop` of values: call them with no lock held.
pub(crate) trait AnyStore: Send + Sync {
    /// Returns the number of entries, including dead ones that are not swept yet.
    fn len(&self) -> usize;
    /// Returns the number of entries that are not dead; for large stores, as of the last sweep.
    fn living(&self) -> usize;
    /// Returns the bytes that all entries count for, including dead ones that are not swept yet.
    fn bytes(&self) -> usize;
    /// Evicts an entry for this cause. Returns false if there is none.
    fn evict_one(&self, cause: Eviction) -> bool;
    /// Evicts entries until they count for at most this many bytes.
    fn shrink_to_bytes(&self, bytes: usize, cause: Eviction);
    /// Returns the number of entries that were evicted.
    fn evictions(&self) -> u64;
    /// Evicts entries until at most this many are left.
    fn shrink_to(&self, entries: usize, cause: Eviction);
    /// Sets the bounds that the settings of the function with this number give, for entries that are inserted from now on.
    #[cfg(feature = "settings")]
    fn set_bounds(&self, function: usize, bounds: StoreBounds);
    /// Evicts entries until the bounds of this store hold.
    #[cfg(feature = "settings")]
    fn evict_excess(&self);
    /// Frees the removed entries, or has the sweep free them if they are few.
    fn settle(&self);
    /// Notes that the sweep of the process with this id is working on this store; zero if none is.
    fn set_sweeper(&self, process: u32);
    /// Removes dead entries, and frees all that were removed. Returns false if a reader may still hold one of them.
    fn sweep(&self) -> bool;
    /// Frees all entries that were removed. Returns false if a reader may still hold one of them.
    fn free(&self) -> bool;
    /// Returns whether there is neither an entry nor a removed one to be freed.
    fn is_swept(&self) -> bool;
}
