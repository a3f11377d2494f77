//! Nodes that were removed from an index, until they are freed.
//!
//! The index frees nothing while somebody may be reading it, and then in the thread that let go of it, in its later operations: in one
//! that has become idle, never. So what a store removes waits here until a thread takes all of it, lets go, and sees to it that it is
//! freed: the sweep's as a rule, and where that is late, whoever brings too many.

use scc::Guard;

use super::index::Retired;
use super::values;
use crate::sync::{Mutex, lock, thread_is_ending, watch_thread};

/// So many wait without the sweep being called.
const FEW: usize = 64;
/// So many wait at most.
const MOST: usize = 1_024;

/// Epochs that a thread has to see pass until nobody can be reading what was removed before: three, of which it may see two as one.
const UNREAD: usize = 6;
/// The same until all is freed that it has let go of: a table, then what the table had, which it lets go of when it is freed.
const FREED: usize = 2 * UNREAD;
/// Tries to have them pass: somebody may be reading. First while nothing is let go of yet, then until it is freed.
const TURNS: (usize, usize) = (64, 4_096);

/// What was removed from one index.
pub(super) struct RetiredList<K, V>(Mutex<Vec<Retired<K, V>>>);

/// What is to be done about those that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetiredCount {
    Few,
    /// The sweep is to come.
    Many,
    /// Whoever brings more has to free them.
    TooMany,
}

impl<K, V> RetiredList<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    pub(super) fn push(&self, retired: Retired<K, V>) {
        lock(&self.0).push(retired);
    }

    pub(super) fn waiting(&self) -> RetiredCount {
        match lock(&self.0).len() {
            0..FEW => RetiredCount::Few,
            FEW..MOST => RetiredCount::Many,
            _ => RetiredCount::TooMany,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// Frees all that wait, and drops their values. With no lock held. False if something is being read: then it goes on waiting, as
    /// what this thread let go of would stay with it, and it may be idle from now on.
    pub(super) fn free(&self) -> bool {
        see_epochs(UNREAD, TURNS.0) && self.let_go()
    }

    /// Frees all that wait, at once: nobody reads it any more, or the list itself goes.
    pub(super) fn let_go(&self) -> bool {
        let retired = std::mem::take(&mut *lock(&self.0));
        drop(retired);
        free_garbage()
    }
}

/// Frees what this thread let go of, and drops the values. With no lock held. False if somebody was reading for too long; then it is to
/// be called again.
// Whether a guard has garbage is not asked: it does not know of what is let go as something else is freed.
pub(super) fn free_garbage() -> bool {
    let freed = see_epochs(FREED, TURNS.1);
    values::drop_left();
    freed
}

/// Frees what this thread let go of earlier, when somebody was reading it, and drops the values. Tries for a moment: somebody may still
/// be reading. With no lock held.
pub(crate) fn free_earlier() {
    see_epochs(FREED, TURNS.0);
    values::drop_left();
}

/// Has so many epochs pass, in as many tries. False if somebody was reading all the time, or if this thread is ending.
fn see_epochs(count: usize, turns: usize) -> bool {
    if thread_is_ending() {
        return false;
    }
    let (mut seen, mut before) = (0, None);
    for _ in 0..turns {
        let guard = Guard::new();
        // This may be the first that the thread has to do with an index.
        watch_thread();
        let epoch = guard.epoch();
        // Each time, also where there is nothing to be freed: else this thread does not notice the next epoch.
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
