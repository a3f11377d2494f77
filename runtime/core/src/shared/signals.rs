//! The signals from the users of a connection to the task that watches it.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Release;

use tokio::sync::Notify;

/// The signals of one connection.
#[derive(Default)]
pub(super) struct Signals {
    /// True while the connection must not be used, because the server does not answer or may have a successor.
    pub(super) suspended: AtomicBool,
    /// True once the connection has to be made again.
    pub(super) broken: AtomicBool,
    /// Wakes the task that watches the connection.
    pub(super) changed: Notify,
}

impl Signals {
    /// Makes the watching task check the log.
    pub(super) fn check_log(&self) {
        self.changed.notify_one();
    }

    /// Makes the watching task end the connection.
    pub(super) fn break_off(&self) {
        self.broken.store(true, Release);
        self.changed.notify_one();
    }
}
