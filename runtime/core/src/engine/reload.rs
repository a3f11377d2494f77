//! Reloads that join each other.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// The loads that one reload has met. The first in-flight load that it finds began before it asked, so it waits for the end of that load,
/// without its outcome. Every load that it finds afterwards began after that end, and it takes its outcome. So of any number of concurrent
/// reloads of a key, no more than two run one after the other.
#[derive(Debug, Default)]
pub(crate) struct Reload {
    has_waited: AtomicBool,
}

impl Reload {
    /// Returns whether the outcome of the load that was waited for may be taken; notes that one was waited for.
    pub(crate) fn may_accept(&self) -> bool {
        self.has_waited.swap(true, Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_of_the_second_load_may_be_taken() {
        let reload = Reload::default();
        assert_eq!([reload.may_accept(), reload.may_accept(), reload.may_accept()], [false, true, true]);
    }
}
