//! The coherence rule, in its embedded form.
//!
//! > An entry is served only if no scope of its key was invalidated after the entry's load began, and is fresh only if none was
//! > refreshed.
//!
//! May use: `key`, `sync`.
//!
//! An invalidation, or a refresh, is a list of scopes appended to one totally ordered log; the position it gets is its *epoch*. Every
//! entry and every flight carries the position at which its load began. Here the log is a counter, and its fold the
//! [`Mirror`]. Nothing is ever looked up in a cache to invalidate it: epochs rise, and entries are judged when they are
//! about to be served.
//!
//! Invariants:
//! - [`Log::judge`] is the only judgement: hit, insert, join, land, stale-while-revalidate and stale-if-error all use it or a
//!   part of it, at the moment of serving;
//! - an append raises scopes first, then the heads, and publishes the position last;
//! - a reader loads a head *before* it looks at the table.

use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::key::scopes::{Breadth, ROOTS};
use crate::sync::{Mutex, lock};

mod mirror;
mod record;
#[cfg(feature = "redis")]
mod wire;

pub(crate) use mirror::Mirror;
pub(crate) use record::{Record, expiry_of};

/// A position in the log: an order among invalidations and the loads between them.
pub(crate) type Epoch = u64;

/// What the log says of something whose load began at a position, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Judgement {
    /// It may not be served.
    Invalidated,
    /// A refresh came after its load began: it is as over as if its ttl had passed, and may be served where such a value may.
    Expired,
    /// Nothing concerns it.
    Current,
}

/// How far an invalidation or a refresh got.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let cache = fastness::Fastness::builder().build()?.cache();
/// // Without a shared tier there is nobody else to tell.
/// assert_eq!(cache.invalidate(fastness::Scope::from_static("user:*")).await, fastness::Reach::Announced);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It is in the log: no read that starts later is answered from the shared tier with what it concerns (or, after a refresh, is answered
    /// with it as fresh), anywhere, and within [`max_stale`](crate::Builder::max_stale) none from the memory of another process. That holds across failovers, if the former
    /// master is gone `Redis::takeover` (15 s) after its successor was first seen.
    Announced,
    /// The shared tier could not be reached. It counts in this process; the others are told as soon as they can be, and until
    /// then may serve what they have until its ttl.
    LocalOnly,
}

pub(crate) struct Log {
    mirror: Mirror,
    /// Everything that began at or before this position is invalid: `clear`.
    floor: AtomicU64,
    /// Per root segment, the position of the last record that concerns it. In place, so that a hit reads no pointer to it.
    heads: [AtomicU64; ROOTS],
    /// The position of the last record with a tag, which may concern an entry of any root.
    tags: AtomicU64,
    /// The position of the last record.
    position: AtomicU64,
    /// The position of the last refresh, of whatever. Spares most judgements a look for refreshes.
    refreshed: AtomicU64,
    /// How many records there were.
    records: AtomicU64,
    /// Orders appends: the mirror takes one writer at a time.
    append: Mutex<()>,
}

impl Log {
    pub(crate) fn with_mirror_bytes(bytes: usize) -> Self {
        Self {
            mirror: Mirror::with_bytes(bytes),
            floor: AtomicU64::new(0),
            heads: std::array::from_fn(|_| AtomicU64::new(0)),
            tags: AtomicU64::new(0),
            position: AtomicU64::new(0),
            refreshed: AtomicU64::new(0),
            records: AtomicU64::new(0),
            append: Mutex::new(()),
        }
    }

    /// The position of a load that begins now.
    pub(crate) fn position(&self) -> Epoch {
        self.position.load(Acquire)
    }

    /// The judgement of what began at `epoch` and has these scopes.
    pub(crate) fn judge(&self, epoch: Epoch, scopes: &[u64]) -> Judgement {
        if !self.valid(epoch, scopes) {
            Judgement::Invalidated
        } else if epoch < self.refreshed.load(Acquire)
            && scopes.iter().any(|&scope| epoch < self.mirror.last(expiry_of(scope)))
        {
            Judgement::Expired
        } else {
            Judgement::Current
        }
    }

    /// Returns whether nothing that concerns these scopes was invalidated or refreshed since `epoch`.
    pub(crate) fn is_current(&self, epoch: Epoch, scopes: &[u64]) -> bool {
        self.judge(epoch, scopes) == Judgement::Current
    }

    /// The part of the judgement that a refresh does not change: whether nothing that concerns these scopes was invalidated
    /// since `epoch`.
    pub(crate) fn valid(&self, epoch: Epoch, scopes: &[u64]) -> bool {
        epoch >= self.floor.load(Acquire) && scopes.iter().all(|&scope| epoch >= self.mirror.last(scope))
    }

    /// The same judgement where nobody asks for the entry, so that no hit is spoiled by it: what the table has forgotten is not counted.
    pub(crate) fn still_valid(&self, epoch: Epoch, scopes: &[u64]) -> bool {
        epoch >= self.floor.load(Acquire) && scopes.iter().all(|&scope| epoch >= self.mirror.last_uncounted(scope))
    }

    /// The last position that may concern an entry of this root. While it is not beyond the position at which an entry was
    /// last found valid, the entry still is.
    #[inline]
    pub(crate) fn head(&self, root: u16, breadth: Breadth) -> Epoch {
        let head = self.heads[root as usize % ROOTS].load(Acquire);
        match breadth {
            Breadth::Root => head,
            Breadth::Tagged => head.max(self.tags.load(Acquire)),
            #[cfg(feature = "http")]
            Breadth::All => self.position(),
        }
    }

    /// Appends one invalidation or refresh. When this returns, no read that starts later is served what it concerns, or is
    /// served it as fresh.
    pub(crate) fn append(&self, record: &Record) -> Epoch {
        let guard = lock(&self.append);
        let epoch = self.position.load(Acquire) + 1;
        self.fold(record, epoch);
        drop(guard);
        epoch
    }

    /// Appends a key's own invalidation on behalf of a new value whose computation began at `began`. `None` if anything
    /// else has invalidated or refreshed the key since: the value may then be older than what it would replace.
    pub(crate) fn append_put(&self, record: &Record, began: Epoch, scopes: &[u64]) -> Option<Epoch> {
        let guard = lock(&self.append);
        let current = self.is_current(began, scopes);
        let epoch = self.position.load(Acquire) + 1;
        self.fold(record, epoch);
        drop(guard);
        current.then_some(epoch)
    }

    fn raise_floor(&self, floor: Epoch, epoch: Epoch) {
        self.floor.fetch_max(floor, Release);
        for head in &self.heads {
            head.store(epoch, Release);
        }
        self.position.store(epoch, Release);
    }

    /// A position that no load under way has: those that began earlier have a smaller one, those that begin later do not.
    #[cfg(feature = "redis")]
    pub(crate) fn new_epoch(&self) -> Epoch {
        let guard = lock(&self.append);
        let epoch = self.position.load(Acquire) + 1;
        self.position.store(epoch, Release);
        drop(guard);
        epoch
    }

    /// Invalidates what began before a [new epoch](Self::new_epoch).
    #[cfg(feature = "redis")]
    pub(crate) fn forget_before(&self, epoch: Epoch) {
        let guard = lock(&self.append);
        if epoch > self.floor.load(Acquire) {
            self.raise_floor(epoch, self.position.load(Acquire).max(epoch) + 1);
        }
        drop(guard);
    }

    /// How many invalidations and refreshes were appended.
    pub(crate) fn records(&self) -> u64 {
        self.records.load(Relaxed)
    }

    /// How often an entry was judged by a floor because the table had no room for its scope.
    pub(crate) fn floor_verdicts(&self) -> u64 {
        self.mirror.floor_verdicts()
    }

    fn fold(&self, record: &Record, epoch: Epoch) {
        self.records.fetch_add(1, Relaxed);
        if record.is_clear() {
            return self.raise_floor(epoch, epoch);
        }
        for key in record.raised() {
            self.mirror.raise(key, epoch);
        }
        if record.is_refresh() {
            self.refreshed.store(epoch, Release);
        }
        for &root in record.roots() {
            self.heads[root as usize % ROOTS].store(epoch, Release);
        }
        if record.has_tags() {
            self.tags.store(epoch, Release);
        }
        self.position.store(epoch, Release);
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("position", &self.position()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
