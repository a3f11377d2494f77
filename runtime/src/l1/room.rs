//! What of a store does not depend on its types, and so is compiled once: how many entries there are and may be, and who
//! has to go.

use super::Common;
use super::s3fifo::{Residents, S3Fifo};
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::atomic::{AtomicU64, AtomicUsize};
use crate::sync::{Mutex, lock};

/// A shard per this many entries, so that a small store evicts exactly and a large one inserts in parallel.
pub(super) const ENTRIES_PER_SHARD: usize = 512;
pub(super) const MAX_SHARDS: usize = 16;

/// The room of one store.
pub(super) struct Room {
    pub(super) queues: Box<[Mutex<S3Fifo>]>,
    pub(super) capacity: usize,
    evictions: AtomicU64,
    len: AtomicUsize,
    /// The number of loads that have begun.
    loads: AtomicU64,
    pub(super) common: Common,
}

impl Room {
    pub(super) fn new(capacity: usize, common: Common) -> Self {
        let shards = (capacity / ENTRIES_PER_SHARD).clamp(1, MAX_SHARDS);
        let queues = (0..shards).map(|_| Mutex::default()).collect();
        Self {
            queues,
            capacity,
            evictions: AtomicU64::new(0),
            len: AtomicUsize::new(0),
            loads: AtomicU64::new(0),
            common,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// The number of a load that begins now.
    pub(super) fn number(&self) -> u64 {
        self.loads.fetch_add(1, Relaxed)
    }

    pub(super) fn evictions(&self) -> u64 {
        self.evictions.load(Relaxed)
    }

    /// Whether an entry may be inserted.
    pub(super) fn is_open(&self) -> bool {
        self.capacity > 0 && self.common.clock.ensure_ticking()
    }

    /// Counts an entry that was inserted, and makes room for it.
    pub(super) fn admit(&self, hash: u64, residents: &dyn Residents) {
        self.len.fetch_add(1, Relaxed);
        self.common.budget.add();
        // Over the total, the largest store gives up an entry, or this one if it is that.
        let budget = &self.common.budget;
        let over = budget.exceeded() && !budget.taken_from_the_largest(self.len());
        let mut queue = lock(self.queue(hash));
        let room = if over { queue.len() } else { self.share() };
        queue.admit(hash, room.min(self.share()), residents);
    }

    /// Counts an entry that is gone.
    pub(super) fn forget(&self) {
        self.len.fetch_sub(1, Relaxed);
        self.common.budget.remove();
    }

    /// Counts an entry that had to go.
    pub(super) fn evicted(&self) {
        self.evictions.fetch_add(1, Relaxed);
        self.forget();
    }

    /// Evicts until at most this many entries are left.
    pub(super) fn shrink_to(&self, entries: usize, residents: &dyn Residents) {
        let each = level(self.queues.iter().map(|queue| lock(queue).len()).collect(), entries);
        for queue in &self.queues {
            lock(queue).shrink(each, residents);
        }
        // To the exact number: from the longest queues.
        while self.len() > entries {
            let longest = self.queues.iter().max_by_key(|queue| lock(queue).len());
            let Some(mut queue) = longest.map(lock) else { return };
            let Some(each) = queue.len().checked_sub(1) else { return };
            queue.shrink(each, residents);
        }
    }

    /// The capacity of one shard.
    fn share(&self) -> usize {
        self.capacity / self.queues.len()
    }

    fn queue(&self, hash: u64) -> &Mutex<S3Fifo> {
        let shard = (hash >> 16) as usize % self.queues.len();
        &self.queues[shard]
    }
}

/// How long each queue may be so that all together are as many as `entries`, or less than one a queue more: what short ones
/// do not use is left to the others.
pub(super) fn level(mut lengths: Vec<usize>, entries: usize) -> usize {
    lengths.sort_unstable();
    let mut left = entries;
    for (queues, length) in (1..=lengths.len()).rev().zip(lengths) {
        if length > left / queues {
            return left.div_ceil(queues);
        }
        left -= length;
    }
    usize::MAX
}
