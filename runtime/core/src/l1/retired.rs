//! Removed nodes of an index, until they are freed.
//!
//! `scc` frees a node once no reader can hold it, and does so in later operations of the thread that dropped it: never, if that thread
//! becomes idle. So removed nodes wait here until one thread drops all of them and goes on until they are freed. As a rule that is the
//! sweep's thread; if it is late, it is the thread that adds a node too many.

use scc::Guard;

use super::deferred_drops;
use super::index::Retired;
use crate::sync::{Mutex, lock, thread_is_ending, watch_thread};

/// Number of waiting nodes from which on the sweep is called.
const FEW: usize = 64;
/// Number of waiting nodes from which on the caller frees them.
const MOST: usize = 1_024;
/// Bytes of waiting nodes from which on the sweep is called, and those from which on the caller frees them in any case.
const FEW_BYTES: usize = 1 << 20;
const MOST_BYTES: usize = 16 << 20;
/// The share of a bound in bytes that may wait to be freed: one part in this many.
const SHARE: usize = 64;

/// Number of `scc` epochs that a thread has to see pass until no reader can hold a node that was removed before: three, counted twice,
/// because a thread may see two as one.
const UNREAD: usize = 6;
/// Number of epochs until everything that a thread dropped is freed: first a table, then the nodes that the table drops when it is freed.
const FREED: usize = 2 * UNREAD;
/// Maximum number of attempts to let epochs pass, which readers may prevent: before anything is dropped, and after that.
const ATTEMPTS: (usize, usize) = (64, 4_096);

/// The removed nodes and tables of one index.
pub(super) struct RetiredList<K, V: 'static>(Mutex<RetiredNodes<K, V>>);

struct RetiredNodes<K, V: 'static> {
    all: Vec<Retired<K, V>>,
    bytes: usize,
}

/// The number of waiting nodes, by the action that it calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetiredCount {
    /// No action.
    Few,
    /// The sweep has to free them.
    Many,
    /// The caller has to free them.
    TooMany,
}

impl<K, V: 'static> RetiredList<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(RetiredNodes { all: Vec::new(), bytes: 0 }))
    }

    pub(super) fn push(&self, retired: Retired<K, V>) {
        let bytes = retired.weight();
        let mut waiting = lock(&self.0);
        waiting.bytes = waiting.bytes.saturating_add(bytes);
        waiting.all.push(retired);
    }

    /// Returns how many nodes wait, in a store with this bound in bytes.
    pub(super) fn waiting(&self, bound: usize) -> RetiredCount {
        let (count, bytes) = {
            let waiting = lock(&self.0);
            (waiting.all.len(), waiting.bytes)
        };
        if count >= MOST || bytes >= MOST_BYTES.min(bound / SHARE) {
            return if count == 0 { RetiredCount::Few } else { RetiredCount::TooMany };
        }
        if count >= FEW || bytes >= FEW_BYTES { RetiredCount::Many } else { RetiredCount::Few }
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).all.is_empty()
    }

    /// Frees all waiting nodes, and drops their values. No lock may be held. Returns false if a reader may hold one of them; then all of
    /// them stay in the list, because this thread may become idle before it could free them.
    pub(super) fn free(&self) -> bool {
        pass_epochs(UNREAD, ATTEMPTS.0) && self.free_at_once()
    }

    /// Drops all waiting nodes without waiting for readers. Either no reader can hold one of them, or the list itself is being dropped.
    pub(super) fn free_at_once(&self) -> bool {
        let retired = {
            let mut waiting = lock(&self.0);
            waiting.bytes = 0;
            std::mem::take(&mut waiting.all)
        };
        drop(retired);
        free_garbage()
    }
}

/// Frees the nodes that this thread has dropped, and drops their values. No lock may be held. Returns false if readers prevented it for too
/// long; the caller then calls it again.
// `Guard::has_garbage` is no help, because it does not see nodes that are dropped while a table is freed.
pub(super) fn free_garbage() -> bool {
    let freed = pass_epochs(FREED, ATTEMPTS.1);
    deferred_drops::drop_deferred();
    freed
}

/// Frees the nodes that this thread dropped earlier while readers held them, and drops their values. It gives up soon if readers still hold
/// them. No lock may be held.
pub(crate) fn free_earlier() {
    pass_epochs(FREED, ATTEMPTS.0);
    deferred_drops::drop_deferred();
}

/// Lets `count` epochs pass in at most `attempts` attempts. Returns false if readers prevented it, or if this thread is ending.
fn pass_epochs(count: usize, attempts: usize) -> bool {
    if thread_is_ending() {
        return false;
    }
    let (mut seen, mut before) = (0, None);
    for _ in 0..attempts {
        let guard = Guard::new();
        // This may be the thread's first use of an index.
        watch_thread();
        let epoch = guard.epoch();
        // Called even if there is nothing to free, because without it this thread does not notice the next epoch.
        guard.accelerate();
        drop(guard);
        if before.replace(epoch) == Some(epoch) {
            std::thread::yield_now();
            continue;
        }
        seen += 1;
        if seen > count {
            return true;
        }
    }
    false
}
