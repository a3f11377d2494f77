//! Bound on the loads that run in background tasks.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Maximum number of background loads of one call site or HTTP cache at a time. Beyond it, stale values are served without a refresh.
const MAX_BACKGROUND: usize = 64;

/// The number of loads that run in the background.
#[derive(Default)]
pub(crate) struct Background(Arc<AtomicUsize>);

impl Background {
    /// Returns a permit for one background load, unless too many run.
    pub(crate) fn try_acquire(&self) -> Option<BackgroundPermit> {
        let entered = self.0.fetch_update(Relaxed, Relaxed, |n| (n < MAX_BACKGROUND).then_some(n + 1)).is_ok();
        entered.then(|| BackgroundPermit(self.0.clone()))
    }
}

/// The right to run one background load, until it is dropped.
pub(crate) struct BackgroundPermit(Arc<AtomicUsize>);

impl Drop for BackgroundPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_is_returned_however_its_load_ends() {
        let background = Background::default();
        let mut permits: Vec<_> = std::iter::from_fn(|| background.try_acquire()).collect();
        assert_eq!(permits.len(), MAX_BACKGROUND);
        permits.pop();
        let permit = background.try_acquire().expect("one was returned");
        assert!(background.try_acquire().is_none());
        let panicked = std::thread::spawn(move || {
            let _permit = permit;
            panic!("the load panicked");
        });
        assert!(panicked.join().is_err());
        assert!(background.try_acquire().is_some());
    }
}
