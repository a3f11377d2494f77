//! The half of a store that is not generic, and so compiled once: capacity, the number of entries, and eviction.

use super::bounds::Bounds;
use super::context::StoreContext;
use super::evicting::{EvictableEntries, Evicting};
use super::s3fifo::{Pass, S3Fifo, SearchStart};
use crate::clock::ProcessId;
use crate::events::Eviction;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
use crate::sync::{Mutex, lock};

/// Capacity per shard of the queue: a small store has one and evicts exactly, a large one inserts in parallel.
pub(super) const ENTRIES_PER_SHARD: usize = 512;
pub(super) const MAX_SHARDS: usize = 16;

/// Capacity, entries and eviction of one store.
pub(super) struct Room {
    pub(super) queues: Box<[Mutex<S3Fifo>]>,
    pub(super) bounds: Bounds,
    bytes: AtomicUsize,
    evictions: AtomicU64,
    len: AtomicUsize,
    /// The longest time after its expiry for which a reader serves an entry, in nanoseconds.
    grace: AtomicU64,
    /// A time before which no entry dies of age.
    earliest: AtomicU64,
    /// The id of the process whose sweep is working on this store, or zero.
    sweeper: AtomicU32,
    /// The position in the log up to which the last pass has removed invalidated entries.
    swept: AtomicU64,
    pub(super) context: StoreContext,
}

impl Room {
    pub(super) fn new(capacity: usize, context: StoreContext) -> Self {
        let queues = (0..shards(capacity)).map(|_| Mutex::default()).collect();
        Self {
            queues,
            bounds: Bounds::new(capacity),
            bytes: AtomicUsize::new(0),
            evictions: AtomicU64::new(0),
            len: AtomicUsize::new(0),
            grace: AtomicU64::new(0),
            earliest: AtomicU64::new(u64::MAX),
            sweeper: AtomicU32::new(0),
            swept: AtomicU64::new(context.log.position()),
            context,
        }
    }

    /// Returns the number of entries. An entry that another thread removes may be subtracted before it was added.
    pub(super) fn len(&self) -> usize {
        self.len.load(Relaxed).cast_signed().max(0).cast_unsigned()
    }

    /// Notes that a reader serves entries for up to this many nanoseconds after their expiry.
    pub(super) fn extend_grace(&self, nanos: u64) {
        if nanos > self.grace.load(Relaxed) {
            self.grace.fetch_max(nanos, Relaxed);
        }
    }

    pub(super) fn grace(&self) -> u64 {
        self.grace.load(Relaxed)
    }

    pub(super) fn evictions(&self) -> u64 {
        self.evictions.load(Relaxed)
    }

    /// Returns whether an entry may be inserted.
    pub(super) fn is_open(&self) -> bool {
        self.bounds.capacity() > 0 && !self.is_left_locked() && self.context.clock.ensure_ticking()
    }

    /// Returns the bytes of all entries. An entry that another thread removes may be subtracted before it was added.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed).cast_signed().max(0).cast_unsigned()
    }

    /// Returns the bound in bytes, of this store and of its handle.
    pub(super) fn max_bytes(&self) -> usize {
        self.bounds.max_bytes().min(self.context.budget.max_bytes())
    }

    /// Records the process whose sweep works on this store, or 0 for none. Has no effect if a parent process left
    /// the store locked.
    pub(super) fn set_sweeper(&self, process: u32) {
        if !self.is_left_locked() {
            self.sweeper.store(process, SeqCst);
        }
    }

    /// Returns whether this process was forked while its parent's sweep was working on this store and may have locked it. The child does
    /// not have that thread, so the lock may never be released: the child reads existing entries and stores none.
    pub(super) fn is_left_locked(&self) -> bool {
        let sweeper = self.sweeper.load(Relaxed);
        sweeper != 0 && sweeper != ProcessId::current().number()
    }

    /// Notes that an entry dies of age at this time.
    pub(super) fn note_expiry(&self, until: u64) {
        if until < self.earliest.load(Relaxed) {
            self.earliest.fetch_min(until, Relaxed);
        }
    }

    /// Returns whether an entry may have died since the last pass.
    pub(super) fn may_have_dead(&self) -> bool {
        self.len() > 0
            && (self.context.clock.coarse() >= self.earliest.load(Relaxed)
                || self.context.log.position() != self.swept.load(Relaxed))
    }

    /// Removes dead entries.
    pub(super) fn sweep(&self, residents: &dyn EvictableEntries) {
        // Reset before the pass, which notes the times of the living entries again, as inserts do meanwhile.
        self.swept.store(self.context.log.position(), Relaxed);
        self.earliest.store(u64::MAX, Relaxed);
        let residents = &Evicting::new(residents, Eviction::Capacity);
        for queue in &self.queues {
            let mut left = Some(Pass::default());
            while let Some(pass) = left {
                left = lock(queue).sweep(pass, residents);
            }
        }
    }

    /// Counts an entry of this weight that was inserted, and makes room for it.
    pub(super) fn admit(&self, hash: u32, weight: usize, until: u64, residents: &dyn EvictableEntries) {
        self.len.fetch_add(1, Relaxed);
        self.bytes.fetch_add(weight, Relaxed);
        self.context.budget.add(weight);
        // Beyond the bound of the handle, the largest store evicts an entry, which may be this store.
        let budget = &self.context.budget;
        let over = budget.exceeded() && !budget.evict_from_largest(self.len());
        let mut queue = lock(self.queue(hash));
        // Under the lock of the queue, so that a pass either finds the entry or comes later.
        self.note_expiry(until);
        queue.search(self.search_start());
        let room = if over { queue.len() } else { self.share() };
        let cause = if over { budget.cause_by_entries() } else { Eviction::Capacity };
        queue.admit(hash, room.min(self.share()), &Evicting::new(residents, cause));
        drop(queue);
        self.make_room(hash, residents);
    }

    /// Counts an entry whose value was replaced by one of another weight, and makes room for that.
    pub(super) fn replace(&self, hash: u32, old: usize, new: usize, residents: &dyn EvictableEntries) {
        self.bytes.fetch_add(new, Relaxed);
        self.bytes.fetch_sub(old, Relaxed);
        self.context.budget.replace(old, new);
        if new > old {
            self.make_room(hash, residents);
        }
    }

    /// Evicts entries until the bounds hold that no shard keeps by itself: that in bytes, and the capacity while some shards get no new
    /// entries, beginning with the shard of a hash; then those of the handle.
    fn make_room(&self, hash: u32, residents: &dyn EvictableEntries) {
        let shard = self.shard(hash);
        let (mut next, bound) = (shard, self.bounds.max_bytes());
        let is_partly_used = self.used_shards() < self.queues.len();
        let excess = || {
            let is_full = || is_partly_used && self.len() > self.bounds.capacity();
            if self.bytes() > bound { Some(Eviction::Bytes) } else { is_full().then_some(Eviction::Capacity) }
        };
        while let Some(cause) = excess()
            && self.evict_from(next, Some(shard), &Evicting::new(residents, cause))
        {
            next += 1;
        }
        self.context.budget.make_room();
    }

    /// Evicts entries until they count for at most this many bytes.
    pub(super) fn shrink_to_bytes(&self, bytes: usize, residents: &Evicting<'_>) {
        while self.bytes() > bytes && self.evict_one(residents) {}
    }

    /// Evicts an entry. Returns false if there is none.
    pub(super) fn evict_one(&self, residents: &Evicting<'_>) -> bool {
        // The number only spreads evictions, so its upper bits do not matter.
        #[allow(clippy::cast_possible_truncation)]
        let next = self.evictions() as usize % self.queues.len();
        self.evict_from(next, None, residents)
    }

    /// Evicts an entry of this shard, or of one of the next ones; but not the only entry of the shard `spared`, which is the new entry.
    /// Returns false if there is none.
    fn evict_from(&self, first: usize, spared: Option<usize>, residents: &Evicting<'_>) -> bool {
        let count = self.queues.len();
        (first..first + count).map(|shard| shard % count).any(|shard| {
            let mut queue = lock(&self.queues[shard]);
            let least = usize::from(spared == Some(shard));
            let Some(one_less) = queue.len().checked_sub(1).filter(|left| *left >= least) else { return false };
            queue.search(self.search_start());
            queue.shrink(one_less, residents);
            true
        })
    }

    /// Returns the start of a search for dead entries. The time is rounded to about a second, so that entries which expire one by one do
    /// not each start a new search of all entries.
    fn search_start(&self) -> SearchStart {
        SearchStart { position: self.context.log.position(), time: self.context.clock.coarse() >> 30 }
    }

    /// Counts an entry of this weight that was removed.
    pub(super) fn forget(&self, weight: usize) {
        self.len.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(weight, Relaxed);
        self.context.budget.remove(weight);
    }

    /// Counts an entry of this weight that was evicted.
    pub(super) fn evicted(&self, weight: usize) {
        self.evictions.fetch_add(1, Relaxed);
        self.forget(weight);
    }

    /// Evicts entries until at most this many are left.
    pub(super) fn shrink_to(&self, entries: usize, residents: &Evicting<'_>) {
        let each = level(self.queues.iter().map(|queue| lock(queue).len()).collect(), entries);
        for queue in &self.queues {
            let mut queue = lock(queue);
            queue.search(self.search_start());
            queue.shrink(each, residents);
        }
        // The longest queues evict the last few entries, down to the exact number.
        while self.len() > entries {
            let longest = self.queues.iter().max_by_key(|queue| lock(queue).len());
            let Some(mut queue) = longest.map(lock) else { return };
            let Some(each) = queue.len().checked_sub(1) else { return };
            queue.shrink(each, residents);
        }
    }

    /// Returns the capacity of one shard.
    fn share(&self) -> usize {
        (self.bounds.capacity() / self.used_shards()).max(1)
    }

    /// Returns the number of shards that get new entries. A store that settings made small has more shards than its capacity is for; they
    /// hold what they had until it is evicted.
    fn used_shards(&self) -> usize {
        shards(self.bounds.capacity()).min(self.queues.len())
    }

    fn queue(&self, hash: u32) -> &Mutex<S3Fifo> {
        &self.queues[self.shard(hash)]
    }

    fn shard(&self, hash: u32) -> usize {
        (hash >> 8) as usize % self.used_shards()
    }
}

/// Returns the number of shards for a capacity.
fn shards(capacity: usize) -> usize {
    (capacity / ENTRIES_PER_SHARD).clamp(1, MAX_SHARDS)
}

/// Returns the maximum length of each queue so that all together hold `entries`, or less than one more per queue. Capacity that short
/// queues do not use goes to the others.
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
