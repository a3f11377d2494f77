//! The coherence rule, in its embedded form.
//!
//! > An entry is served only if no scope of its key was invalidated after the entry's load began.
//!
//! May use: `key`, `sync`.
//!
//! An invalidation is a list of scopes appended to one totally ordered log; the position it gets is its *epoch*. Every
//! entry and every flight carries the position at which its load began. Here the log is a counter, and its fold the
//! [`Mirror`]. Nothing is ever looked up in a cache to invalidate it: epochs rise, and entries are judged when they are
//! about to be served.
//!
//! Invariants:
//! - [`Log::valid`] is the only judgement: hit, insert, join, land, stale-while-revalidate and stale-if-error all use it,
//!   at the moment of serving;
//! - an append raises scopes first, then the heads, and publishes the position last;
//! - a reader loads a head *before* it looks at the table.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::key::scopes::{ROOTS, tag};
use crate::sync::lock;

mod mirror;

pub(crate) use mirror::Mirror;

/// A position in the log: an order among invalidations and the loads between them.
pub(crate) type Epoch = u64;

/// One invalidation: the scopes to raise, and the roots whose entries have to look again.
#[derive(Debug, Default)]
pub(crate) struct Record {
    scopes: Vec<u64>,
    roots: Vec<u16>,
    tags: bool,
}

impl Record {
    /// A key or a prefix.
    pub(crate) fn push(&mut self, scope: u64, root: u16) {
        self.scopes.push(scope);
        self.roots.push(root);
    }

    pub(crate) fn push_tag(&mut self, text: &str) {
        self.scopes.push(tag(text));
        self.tags = true;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }
}

pub(crate) struct Log {
    mirror: Mirror,
    /// Everything that began at or before this position is invalid: `clear`.
    floor: AtomicU64,
    /// Per root segment, the position of the last record that concerns it.
    heads: Box<[AtomicU64; ROOTS]>,
    /// The position of the last record with a tag, which may concern an entry of any root.
    tags: AtomicU64,
    /// The position of the last record.
    position: AtomicU64,
    /// Orders appends: the mirror takes one writer at a time.
    append: Mutex<()>,
}

impl Log {
    pub(crate) fn with_mirror_bytes(bytes: usize) -> Self {
        Self {
            mirror: Mirror::with_bytes(bytes),
            floor: AtomicU64::new(0),
            heads: Box::new([const { AtomicU64::new(0) }; ROOTS]),
            tags: AtomicU64::new(0),
            position: AtomicU64::new(0),
            append: Mutex::new(()),
        }
    }

    /// Where a load that begins now stands.
    pub(crate) fn position(&self) -> Epoch {
        self.position.load(Acquire)
    }

    /// The judgement: whether nothing that concerns these scopes was invalidated since `epoch`.
    pub(crate) fn valid(&self, epoch: Epoch, scopes: &[u64]) -> bool {
        epoch >= self.floor.load(Acquire) && scopes.iter().all(|&scope| epoch >= self.mirror.last(scope))
    }

    /// The last position that may concern an entry of this root. While it is not beyond the position at which an entry was
    /// last found valid, the entry still is.
    #[inline]
    pub(crate) fn head(&self, root: u16, tagged: bool) -> Epoch {
        let head = self.heads[root as usize % ROOTS].load(Acquire);
        if tagged { head.max(self.tags.load(Acquire)) } else { head }
    }

    /// Appends one invalidation. When this returns, no read that starts later is served what it concerns.
    pub(crate) fn append(&self, record: &Record) -> Epoch {
        let guard = lock(&self.append);
        let epoch = self.position.load(Acquire) + 1;
        self.fold(record, epoch);
        drop(guard);
        epoch
    }

    /// Appends a key's own invalidation on behalf of a new value whose computation began at `began`. `None` if anything
    /// else has invalidated the key since: the value may then be older than what it would replace.
    pub(crate) fn append_put(&self, record: &Record, began: Epoch, scopes: &[u64]) -> Option<Epoch> {
        let guard = lock(&self.append);
        let current = self.valid(began, scopes);
        let epoch = self.position.load(Acquire) + 1;
        self.fold(record, epoch);
        drop(guard);
        current.then_some(epoch)
    }

    /// Invalidates everything.
    pub(crate) fn clear(&self) {
        let guard = lock(&self.append);
        let epoch = self.position.load(Acquire) + 1;
        self.floor.store(epoch, Release);
        for head in &*self.heads {
            head.store(epoch, Release);
        }
        self.position.store(epoch, Release);
        drop(guard);
    }

    /// How often an entry was judged by a floor because the table had no room for its scope.
    pub(crate) fn floor_verdicts(&self) -> u64 {
        self.mirror.floor_verdicts()
    }

    fn fold(&self, record: &Record, epoch: Epoch) {
        for &scope in &record.scopes {
            self.mirror.raise(scope, epoch);
        }
        for &root in &record.roots {
            self.heads[root as usize % ROOTS].store(epoch, Release);
        }
        if record.tags {
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
