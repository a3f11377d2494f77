//! Counters of loads.

use std::sync::Arc;

use crate::stats::Counters;

/// Counts a load that ends by being dropped: it was cancelled, or panicked.
pub(crate) struct CountIfAbandoned(Option<Arc<Counters>>);

impl CountIfAbandoned {
    pub(crate) fn new(counters: &Arc<Counters>) -> Self {
        Self(Some(counters.clone()))
    }

    /// The load came to its end.
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CountIfAbandoned {
    fn drop(&mut self) {
        if let Some(counters) = &self.0 {
            counters.loads_abandoned.count();
        }
    }
}

/// Counts a load that came to its end after so many nanoseconds.
pub(crate) fn count_load(counters: &Counters, nanos: u64, ok: bool) {
    counters.load_nanos.add(nanos);
    if ok { counters.loads.count() } else { counters.load_errors.count() }
}
