//! Counters of loads.

use std::sync::Arc;

use crate::flight::Permit;
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

/// Counts a load in whose place another is made, if this permit is for such a one. True the first time.
pub(crate) fn count_stalled(counters: &Counters, permit: &Permit) -> bool {
    permit.is_instead() && counters.loads_stalled.count_first()
}
