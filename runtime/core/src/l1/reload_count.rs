//! The number of reloads of one store that are under way.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The number of reloads under way.
#[derive(Debug, Default)]
pub(super) struct ReloadCount(Arc<AtomicUsize>);

impl ReloadCount {
    pub(super) fn begin(&self) -> ReloadUnderWay {
        // The numbers of loads publish it; see `L1::start`.
        self.0.fetch_add(1, Relaxed);
        ReloadUnderWay(self.0.clone())
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.load(Acquire) == 0
    }
}

/// One reload, which is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct ReloadUnderWay(Arc<AtomicUsize>);

impl Drop for ReloadUnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_is_under_way_until_it_is_dropped() {
        let count = ReloadCount::default();
        let reloads = [count.begin(), count.begin()];
        assert!(!count.is_zero());
        drop(reloads);
        assert!(count.is_zero());
    }
}
