//! Loads in tasks of their own, and their number.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Loads of one call site, or of one HTTP cache, that may run in the background at a time; beyond it stale values are served unrefreshed.
const MAX_BACKGROUND: usize = 64;

/// The number of loads that run in the background.
#[derive(Default)]
pub(crate) struct Background(Arc<AtomicUsize>);

impl Background {
    /// Takes a slot for a load, if one is free.
    pub(crate) fn slot(&self) -> Option<Slot> {
        let entered = self.0.fetch_update(Relaxed, Relaxed, |n| (n < MAX_BACKGROUND).then_some(n + 1)).is_ok();
        entered.then(|| Slot(self.0.clone()))
    }
}

/// A slot for a load in the background. Is given back when it is dropped.
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_given_back_however_its_load_ends() {
        let background = Background::default();
        let mut slots: Vec<_> = std::iter::from_fn(|| background.slot()).collect();
        assert_eq!(slots.len(), MAX_BACKGROUND);
        slots.pop();
        let slot = background.slot().expect("one was given back");
        assert!(background.slot().is_none());
        let panicked = std::thread::spawn(move || {
            let _slot = slot;
            panic!("the load panicked");
        });
        assert!(panicked.join().is_err());
        assert!(background.slot().is_some());
    }
}
