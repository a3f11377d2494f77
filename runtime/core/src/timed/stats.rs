//! The figures of one timed function, as [`snapshots`](super::snapshots) lists them.

use super::latency::Latency;
use super::meta::TimedMeta;
use super::outcome::CallOutcome;
use super::series::Series;

/// The figures of one timed function or [`Timing`](super::Timing), for one combination of labels.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The name: `name = ".."`, else the path of the function.
    pub name: &'static str,
    /// The labels: names and values.
    pub labels: Vec<(&'static str, &'static str)>,
    /// The source file; empty for a [`Timing`](super::Timing).
    pub file: &'static str,
    /// The line of the attribute; zero for a [`Timing`](super::Timing).
    pub line: u32,
    /// Calls that took `slow` or longer.
    pub slow: u64,
    /// Calls that returned, and not an error.
    pub ok: Latency,
    /// Calls that returned an error.
    pub error: Latency,
    /// Calls whose future was dropped, with the time until then.
    pub cancelled: Latency,
    /// Calls that panicked, with the time until then.
    pub panicked: Latency,
}

impl Snapshot {
    pub(crate) fn new(meta: &TimedMeta, series: &Series) -> Self {
        Self {
            name: meta.name,
            labels: meta.labels.iter().copied().zip(series.labels.iter().copied()).collect(),
            file: meta.file,
            line: meta.line,
            slow: series.slow(),
            ok: series.read(CallOutcome::Ok),
            error: series.read(CallOutcome::Error),
            cancelled: series.read(CallOutcome::Cancelled),
            panicked: series.read(CallOutcome::Panicked),
        }
    }

    /// Returns the latency of all calls that returned, errors included. Show this one if there is room for only one. Calls that were
    /// cancelled or panicked are not included, because their times say nothing about the duration of a call.
    pub fn returned(&self) -> Latency {
        let mut all = self.ok.clone();
        all += self.error.clone();
        all
    }

    /// Returns the latency of the calls with this outcome.
    pub fn latency(&self, outcome: CallOutcome) -> &Latency {
        match outcome {
            CallOutcome::Ok => &self.ok,
            CallOutcome::Error => &self.error,
            CallOutcome::Cancelled => &self.cancelled,
            CallOutcome::Panicked => &self.panicked,
        }
    }

    /// Returns the number of calls with any outcome.
    pub fn calls(&self) -> u64 {
        CallOutcome::ALL.iter().map(|outcome| self.latency(*outcome).count()).sum()
    }
}
