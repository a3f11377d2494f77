//! What of a store does not depend on its types, and so is compiled once: how many entries there are and may be, and who
//! has to go.

use super::common::Common;
use super::s3fifo::{Pass, Residents, S3Fifo, SearchStart};
use crate::clock::Process;
use crate::sync::atomic::Ordering::{Relaxed, SeqCst};
use crate::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
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
    /// For how long after its expiry any reader serves an entry, in nanoseconds.
    grace: AtomicU64,
    /// No entry dies of age before.
    earliest: AtomicU64,
    /// The number of the process whose sweep is at this store, or zero.
    sweeper: AtomicU32,
    /// The position in the log up to which the last pass has removed what was invalidated.
    swept: AtomicU64,
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
            grace: AtomicU64::new(0),
            earliest: AtomicU64::new(u64::MAX),
            sweeper: AtomicU32::new(0),
            swept: AtomicU64::new(common.log.position()),
            common,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Tells of a reader that serves entries for so long after their expiry.
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

    /// Whether an entry may be inserted.
    pub(super) fn is_open(&self) -> bool {
        self.capacity > 0 && !self.is_left_locked() && self.common.clock.ensure_ticking()
    }

    /// Says whose sweep is at this store: that of the process of this number, or none. What a parent left locked stays so.
    pub(super) fn set_sweeper(&self, process: u32) {
        if !self.is_left_locked() {
            self.sweeper.store(process, SeqCst);
        }
    }

    /// Whether this process was forked while its parent's sweep, a thread that it does not have, was at this store and may have locked
    /// it. Then the child reads what is there, and stores nothing.
    pub(super) fn is_left_locked(&self) -> bool {
        let sweeper = self.sweeper.load(Relaxed);
        sweeper != 0 && sweeper != Process::current().number()
    }

    /// Tells of an entry that may be served until then.
    pub(super) fn expect(&self, until: u64) {
        if until < self.earliest.load(Relaxed) {
            self.earliest.fetch_min(until, Relaxed);
        }
    }

    /// Returns whether an entry may have died since the last pass.
    pub(super) fn may_have_dead(&self) -> bool {
        self.len() > 0
            && (self.common.clock.coarse() >= self.earliest.load(Relaxed)
                || self.common.log.position() != self.swept.load(Relaxed))
    }

    /// Removes what is dead.
    pub(super) fn sweep(&self, residents: &dyn Residents) {
        // Before the pass, which notes again what it finds living; so does whoever inserts meanwhile.
        self.swept.store(self.common.log.position(), Relaxed);
        self.earliest.store(u64::MAX, Relaxed);
        for queue in &self.queues {
            let mut left = Some(Pass::default());
            while let Some(pass) = left {
                left = lock(queue).sweep(pass, residents);
            }
        }
    }

    /// Counts an entry that was inserted, and makes room for it.
    pub(super) fn admit(&self, hash: u64, until: u64, residents: &dyn Residents) {
        self.len.fetch_add(1, Relaxed);
        self.common.budget.add();
        // Over the total, the largest store gives up an entry, or this one if it is that.
        let budget = &self.common.budget;
        let over = budget.exceeded() && !budget.taken_from_the_largest(self.len());
        let mut queue = lock(self.queue(hash));
        // With the queue locked, so that a pass either meets it or comes later.
        self.expect(until);
        queue.search(self.search_start());
        let room = if over { queue.len() } else { self.share() };
        queue.admit(hash, room.min(self.share()), residents);
    }

    /// A search for dead entries that begins now. The time is coarse, so that entries which expire one by one do not have all others
    /// looked at again and again: about a second.
    fn search_start(&self) -> SearchStart {
        SearchStart { position: self.common.log.position(), time: self.common.clock.coarse() >> 30 }
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
            let mut queue = lock(queue);
            queue.search(self.search_start());
            queue.shrink(each, residents);
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
