//! Timed sites: places in the source whose calls are timed.
// Public only through `__private`.
#![allow(missing_docs)]

use super::meta::TimedMeta;
use super::outcome::CallOutcome;
use super::series::Series;
use super::slow::LogThrottle;
use super::stats::Snapshot;
use crate::clock::Moment;

/// A timed function, or a [`Timing`](super::Timing) by name. A static, whose memory is never freed.
pub struct TimedSite {
    meta: TimedMeta,
    /// The calls of a site without labels, and the head of the list of a site with labels.
    plain: Series,
    throttle: LogThrottle,
}

impl TimedSite {
    pub const fn new(meta: TimedMeta) -> Self {
        Self { meta, plain: Series::new(Vec::new()), throttle: LogThrottle::new() }
    }

    pub(crate) fn meta(&self) -> &TimedMeta {
        &self.meta
    }

    pub(crate) fn plain(&'static self) -> &'static Series {
        &self.plain
    }

    /// Logs a slow call, unless a line was logged within the last second.
    #[cold]
    pub(crate) fn log_slow(&self, series: &Series, nanos: u64, outcome: CallOutcome, now: Moment) {
        series.count_slow();
        let Some(left_out) = self.throttle.admit(now.nanos()) else { return };
        let labels: Vec<_> = self.meta.labels.iter().zip(&series.labels).collect();
        #[allow(clippy::cast_precision_loss)] // a log line needs no more than six digits
        let ms = nanos as f64 / 1e6;
        tracing::warn!(name = self.meta.name, ?labels, ms, outcome = outcome.as_str(), left_out, "a slow call");
    }

    /// Returns the figures so far, one entry per combination of labels.
    pub(crate) fn snapshots(&self) -> Vec<Snapshot> {
        if self.meta.labels.is_empty() {
            return vec![Snapshot::new(&self.meta, &self.plain)];
        }
        self.plain.following().map(|series| Snapshot::new(&self.meta, series)).collect()
    }
}

impl std::fmt::Debug for TimedSite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimedSite").field("meta", &self.meta).finish_non_exhaustive()
    }
}
