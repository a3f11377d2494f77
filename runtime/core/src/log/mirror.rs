//! The fold of the log: the epoch at which each scope was last invalidated, and the epoch at which it was last refreshed.
//!
//! A fixed-size, set-associative table of scope hashes. A bucket holds ten (tag, epoch) pairs and a floor in 128 bytes. When a bucket is
//! full, the pair with the smallest epoch is evicted and the floor rises to its epoch; a scope without a pair is judged by the floor.
//! Refreshes have pairs of their own in the scope's bucket. So no invalidation is ever forgotten: a table that is too small only turns
//! hits into misses, and counts those verdicts.
//!
//! Invariants, on which lock-free readers rely:
//! - one writer at a time (the log's lock);
//! - an eviction raises the floor *before* it overwrites the pair's epoch, and the epoch *before* the tag (all Release);
//!   a reader loads the tag first (Acquire), then epoch or floor. A torn view errs towards invalid;
//! - pairs never move within a bucket; epochs and floors never fall.

use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::sync::atomic::{AtomicU32, AtomicU64};

const WAYS: usize = 10;

#[repr(align(128))]
struct Bucket {
    epochs: [AtomicU64; WAYS],
    floor: AtomicU64,
    tags: [AtomicU32; WAYS],
}

/// The table of the last epochs of all scopes.
pub(crate) struct Mirror {
    buckets: Box<[Bucket]>,
    /// The number of times that a scope without a pair was judged by a floor above zero.
    floor_verdicts: AtomicU64,
}

impl Mirror {
    /// Creates a table of about this many bytes, of at least one bucket.
    pub(crate) fn with_bytes(bytes: usize) -> Self {
        let count = (bytes / size_of::<Bucket>()).max(1);
        Self { buckets: (0..count).map(|_| Bucket::new()).collect(), floor_verdicts: AtomicU64::new(0) }
    }

    /// Raises a scope to an epoch. The caller must be the only writer.
    pub(crate) fn raise(&self, scope: u64, epoch: u64) {
        self.bucket(scope).raise(tag(scope), epoch);
    }

    /// Returns the epoch of the scope's last invalidation, or a later one.
    pub(crate) fn last(&self, scope: u64) -> u64 {
        let bucket = self.bucket(scope);
        if let Some(epoch) = bucket.find(tag(scope)) {
            return epoch;
        }
        let floor = bucket.floor.load(Acquire);
        if floor > 0 {
            self.count_floor_verdict();
        }
        floor
    }

    /// Returns what [`last`](Self::last) does, without counting a verdict by a floor.
    pub(crate) fn last_uncounted(&self, scope: u64) -> u64 {
        let bucket = self.bucket(scope);
        bucket.find(tag(scope)).unwrap_or_else(|| bucket.floor.load(Acquire))
    }

    /// Returns the epoch to which the scope was last raised, unless its pair was evicted.
    #[cfg(feature = "redis")]
    pub(crate) fn pair(&self, scope: u64) -> Option<u64> {
        self.bucket(scope).find(tag(scope))
    }

    /// Warns at every doubling from 65 536 on.
    #[cold]
    fn count_floor_verdict(&self) {
        let count = self.floor_verdicts.fetch_add(1, Relaxed) + 1;
        if count >= 1 << 16 && count.is_power_of_two() {
            tracing::warn!(
                count,
                bytes = size_of_val(&*self.buckets),
                "the table of invalidations is too small, which costs hits: give it more memory with `Builder::invalidation_memory`"
            );
        }
    }

    pub(crate) fn floor_verdicts(&self) -> u64 {
        self.floor_verdicts.load(Relaxed)
    }

    #[cfg(test)]
    pub(super) fn buckets(&self) -> usize {
        self.buckets.len()
    }

    fn bucket(&self, scope: u64) -> &Bucket {
        // The low half picks the bucket, the high half is the tag; the remainder fits in a usize.
        #[allow(clippy::cast_possible_truncation)]
        let index = (scope & 0xFFFF_FFFF) as usize % self.buckets.len();
        &self.buckets[index]
    }
}

/// Returns the tag of a scope, at least 1: zero marks an empty pair.
fn tag(scope: u64) -> u32 {
    // The high half of a u64 fits in a u32.
    #[allow(clippy::cast_possible_truncation)]
    let high = (scope >> 32) as u32;
    high.max(1)
}

impl Bucket {
    fn new() -> Self {
        Self {
            epochs: std::array::from_fn(|_| AtomicU64::new(0)),
            floor: AtomicU64::new(0),
            tags: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }

    fn find(&self, tag: u32) -> Option<u64> {
        let way = self.tags.iter().position(|stored| stored.load(Acquire) == tag)?;
        Some(self.epochs[way].load(Acquire))
    }

    fn raise(&self, tag: u32, epoch: u64) {
        if let Some(way) = self.tags.iter().position(|stored| stored.load(Relaxed) == tag) {
            self.epochs[way].fetch_max(epoch, Release);
            return;
        }
        let (way, oldest) = self.oldest();
        // A scope without a pair was judged by the floor, and its epoch must not fall below that now.
        let floor = self.floor.fetch_max(oldest, Release).max(oldest);
        self.epochs[way].store(epoch.max(floor), Release);
        self.tags[way].store(tag, Release);
    }

    /// Returns an empty pair, or the one with the smallest epoch.
    fn oldest(&self) -> (usize, u64) {
        let epochs = self.epochs.iter().map(|epoch| epoch.load(Relaxed));
        epochs.enumerate().min_by_key(|&(_, epoch)| epoch).unwrap_or((0, 0))
    }
}
