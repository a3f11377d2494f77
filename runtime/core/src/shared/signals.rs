//! Signals about one connection, from all who use it to the task that watches it.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Release;

use tokio::sync::Notify;

/// Signals between all who use a connection.
#[derive(Default)]
pub(super) struct Signals {
    /// True while it does not answer.
    pub(super) suspended: AtomicBool,
    /// True once it is to be made again.
    pub(super) broken: AtomicBool,
    /// Wakes the connection's own task.
    pub(super) changed: Notify,
}

impl Signals {
    /// Has the connection's own task look at the log.
    pub(super) fn look(&self) {
        self.changed.notify_one();
    }

    pub(super) fn break_off(&self) {
        self.broken.store(true, Release);
        self.changed.notify_one();
    }
}
