//! The counters and spans of loads, by the way in which they end.

use std::any::type_name;
use std::sync::Arc;

use crate::events::{LoadEnding, LoadEvent};
use crate::shape::Outcome;
use crate::stats::Counters;
use crate::trace::Traced;

/// Guard of a load, which counts it as abandoned when it is dropped: the load was cancelled, or panicked. It sends the event of its end.
pub(crate) struct CountIfAbandoned {
    /// `None` once the load has ended.
    counters: Option<Arc<Counters>>,
    event: Option<Box<LoadEvent>>,
}

impl CountIfAbandoned {
    pub(crate) fn new(counters: &Arc<Counters>, event: Option<LoadEvent>) -> Self {
        Self { counters: Some(counters.clone()), event: event.map(Box::new) }
    }

    /// Ends the guard without counting, because the load ended. Call it before the result is stored, so that the event comes first.
    pub(crate) fn end(mut self, ending: LoadEnding) {
        self.counters = None;
        if let Some(event) = self.event.take() {
            event.end(ending);
        }
    }
}

impl Drop for CountIfAbandoned {
    fn drop(&mut self) {
        if let Some(counters) = &self.counters {
            counters.loads_abandoned.count();
        }
        if let Some(event) = self.event.take() {
            event.end(LoadEnding::Abandoned);
        }
    }
}

/// Returns the end of a load, for its event.
pub(crate) fn ending_of<T, N, E>(outcome: &Outcome<T, N, E>) -> LoadEnding {
    match outcome {
        Outcome::Present(_) => LoadEnding::Value,
        Outcome::Absent(_) => LoadEnding::Absence,
        Outcome::Failed(_) => LoadEnding::Error,
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
