//! The counters and spans of loads, by the way in which they end.

use std::any::type_name;
use std::sync::Arc;

use crate::shape::Outcome;
use crate::stats::Counters;
use crate::trace::Traced;

/// Guard that counts a load as abandoned when it is dropped: the load was cancelled, or panicked.
pub(crate) struct CountIfAbandoned(Option<Arc<Counters>>);

impl CountIfAbandoned {
    pub(crate) fn new(counters: &Arc<Counters>) -> Self {
        Self(Some(counters.clone()))
    }

    /// Ends the guard without counting, because the load ended.
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

/// Records the outcome of a load in its span.
pub(crate) fn end_span<T, N, E>(span: &Traced, ending: &Outcome<T, N, E>) {
    match ending {
        Outcome::Present(_) => span.end("value"),
        Outcome::Absent(_) => span.end("absence"),
        Outcome::Failed(_) => span.fail("error", type_name::<E>()),
    }
}

/// Counts a load that ended after `nanos` nanoseconds.
pub(crate) fn count_load(counters: &Counters, nanos: u64, ok: bool) {
    counters.load_nanos.add(nanos);
    if ok { counters.loads.count() } else { counters.load_errors.count() }
}
