//! The timer of one call.

use std::time::Duration;

use super::outcome::CallOutcome;
use super::series::Series;
use super::site::TimedSite;
use crate::clock::{Moment, nanos};

/// A timer of one call, from its creation until [`finish`](Self::finish) or its drop.
///
/// A timer of [`time`](crate::timing::time) or [`Timing::start`](super::Timing::start) that is dropped counts as `Ok`, or as `Panicked`
/// if the thread is unwinding.
///
/// ```
/// use std::time::Duration;
/// use fastness::timing::CallOutcome;
///
/// let timer = fastness::timing::time("import").slow(Duration::from_secs(5));
/// let imported: Result<u32, &str> = Err("no such file");
/// timer.finish(if imported.is_ok() { CallOutcome::Ok } else { CallOutcome::Error });
/// assert_eq!(fastness::timing::Timing::new("import").snapshot().error.count(), 1);
/// ```
#[must_use = "it times until it is dropped: write `let _timer = ..`"]
pub struct Timer {
    site: &'static TimedSite,
    series: &'static Series,
    start: Moment,
    /// The duration from which the call is slow, in nanoseconds.
    slow: u64,
    ended: Option<CallOutcome>,
    /// The outcome of a timer that is dropped without one.
    on_drop: CallOutcome,
}

impl Timer {
    #[inline]
    pub(crate) fn new(site: &'static TimedSite, series: &'static Series, on_drop: CallOutcome) -> Self {
        Self { site, series, start: Moment::now(), slow: u64::MAX, ended: None, on_drop }
    }

    /// Logs and counts the call if it takes this long or longer. At most one line a second is logged per name.
    #[inline]
    pub fn slow(mut self, from: Duration) -> Self {
        self.slow = nanos(from);
        self
    }

    /// Ends the call with this outcome.
    #[inline]
    pub fn finish(mut self, outcome: CallOutcome) {
        self.ended = Some(outcome);
    }

    #[cold]
    fn outcome_of_drop(&self) -> CallOutcome {
        if std::thread::panicking() { CallOutcome::Panicked } else { self.on_drop }
    }
}

impl TimedSite {
    /// Starts the timer of a call. A timer that is dropped without an outcome counts as cancelled.
    #[inline]
    pub fn start(&'static self) -> Timer {
        Timer::new(self, self.plain(), CallOutcome::Cancelled)
    }

    /// Starts the timer of a call with labels.
    #[inline]
    pub fn start_with(&'static self, labels: &[&'static str]) -> Timer {
        Timer::new(self, self.plain().with_labels(labels), CallOutcome::Cancelled)
    }
}

impl Drop for Timer {
    #[inline]
    fn drop(&mut self) {
        let now = Moment::now();
        let took = now.nanos_since(self.start);
        let outcome = self.ended.unwrap_or_else(|| self.outcome_of_drop());
        self.series.record(took, outcome);
        if took >= self.slow {
            self.site.log_slow(self.series, took, outcome, now);
        }
    }
}

impl std::fmt::Debug for Timer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timer").field("site", self.site).finish_non_exhaustive()
    }
}
