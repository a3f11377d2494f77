//! Pauses of a thread that other threads can end.

use std::time::Duration;

use crate::sync::{Condvar, Mutex, PoisonError, lock};

/// A pause of one thread.
#[derive(Debug)]
pub(crate) struct Pause {
    ended: Mutex<bool>,
    changed: Condvar,
}

impl Pause {
    pub(crate) fn new() -> Self {
        Self { ended: Mutex::new(false), changed: Condvar::new() }
    }

    /// Waits for at most this time, or until the pause is ended. If it was ended before, it returns at once.
    pub(crate) fn wait(&self, at_most: Duration) {
        let mut ended = lock(&self.ended);
        if !*ended {
            ended = self.changed.wait_timeout(ended, at_most).unwrap_or_else(PoisonError::into_inner).0;
        }
        *ended = false;
    }

    /// Ends the current pause, or the next one.
    pub(crate) fn end(&self) {
        let before = std::mem::replace(&mut *lock(&self.ended), true);
        if !before {
            self.changed.notify_one();
        }
    }
}
