//! The bounds of one store: those that its call sites declare, and those that settings put in their place.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use crate::sync::{Mutex, lock};

/// The bytes that an entry counts for at least, from which a bound in bytes implies one in entries.
const LEAST_BYTES: usize = 128;

/// Returns the largest number of entries that a bound in bytes implies.
pub(crate) fn most_entries(max_bytes: usize) -> usize {
    (max_bytes / LEAST_BYTES).max(1)
}

/// Bounds on the entries of a store; `None` where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoreBounds {
    pub(crate) capacity: Option<usize>,
    pub(crate) max_bytes: Option<usize>,
}

/// The bounds of one store.
pub(super) struct Bounds {
    capacity: AtomicUsize,
    max_bytes: AtomicUsize,
    sources: Mutex<BoundSources>,
}

#[derive(Default)]
struct BoundSources {
    declared: StoreBounds,
    /// The bounds that settings of functions give, each with the number of its function.
    set: Vec<(usize, StoreBounds)>,
}

impl Bounds {
    pub(super) fn new(capacity: usize) -> Self {
        let declared = StoreBounds { capacity: Some(capacity), max_bytes: None };
        Self {
            capacity: AtomicUsize::new(capacity),
            max_bytes: AtomicUsize::new(usize::MAX),
            sources: Mutex::new(BoundSources { declared, set: Vec::new() }),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity.load(Relaxed)
    }

    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes.load(Relaxed)
    }

    /// Bounds the bytes. Of several bounds, the smallest counts.
    pub(super) fn declare_bytes(&self, bytes: usize) {
        self.change(|sources| {
            let declared = &mut sources.declared.max_bytes;
            *declared = Some(declared.map_or(bytes, |known| known.min(bytes)));
        });
    }

    /// Sets the bounds that the settings of one function give. They replace those that call sites declare; of several, the smallest counts.
    #[cfg(feature = "settings")]
    pub(super) fn set(&self, function: usize, bounds: StoreBounds) {
        self.change(|sources| {
            sources.set.retain(|(known, _)| *known != function);
            if bounds != StoreBounds::default() {
                sources.set.push((function, bounds));
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut BoundSources)) {
        let mut sources = lock(&self.sources);
        change(&mut sources);
        let in_force = |of: fn(&StoreBounds) -> Option<usize>| {
            let set = sources.set.iter().filter_map(|(_, bounds)| of(bounds)).min();
            set.or(of(&sources.declared)).unwrap_or(usize::MAX)
        };
        self.capacity.store(in_force(|bounds| bounds.capacity), Relaxed);
        self.max_bytes.store(in_force(|bounds| bounds.max_bytes), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_of_the_declared_bytes_counts() {
        let bounds = Bounds::new(10);
        assert_eq!((bounds.capacity(), bounds.max_bytes()), (10, usize::MAX));
        bounds.declare_bytes(500);
        bounds.declare_bytes(700);
        assert_eq!((bounds.capacity(), bounds.max_bytes()), (10, 500));
    }

    #[cfg(feature = "settings")]
    #[test]
    fn settings_replace_declared_bounds_until_they_are_withdrawn() {
        let bounds = Bounds::new(10);
        bounds.declare_bytes(500);
        let set = |capacity, max_bytes| StoreBounds { capacity, max_bytes };
        bounds.set(1, set(Some(30), Some(900)));
        assert_eq!((bounds.capacity(), bounds.max_bytes()), (30, 900));
        bounds.set(2, set(Some(20), None));
        assert_eq!((bounds.capacity(), bounds.max_bytes()), (20, 900));
        bounds.set(1, set(None, None));
        assert_eq!((bounds.capacity(), bounds.max_bytes()), (20, 500));
        bounds.set(2, set(None, None));
        assert_eq!((bounds.capacity(), bounds.max_bytes()), (10, 500));
    }
}
