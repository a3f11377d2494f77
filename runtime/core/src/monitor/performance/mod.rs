//! The performance report: all figures of a process, for dashboards and for `/api/performance`.

use std::collections::{BTreeMap, VecDeque};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::advice::Recommendation;
use super::alerts::Alert;
use super::guard;
use super::pressure::Pressure;
use super::probe::{Pool, ProbeAnswer};
use super::process::{Memory, Process};
use super::rounding::{millis, per_second, rounded};
use super::sources::SlowQuery;
use super::status::Status;
use super::window::Interval;
use crate::resilience;
#[cfg(feature = "settings")]
use crate::settings::AppliedSettings;

mod cache;
mod calls;
mod policies;

pub use cache::CacheActivity;
pub(super) use cache::hit_rate;
pub use calls::CallActivity;
pub(super) use policies::within_window;

/// Samples that the charts show: ten minutes at one every 5 s.
pub(super) const HISTORY: usize = 120;

/// All figures of a process, as of the last sample; as JSON, the body of `/api/performance`.
///
/// Times are in milliseconds, shares in percent, rates per second, and counts of the window, unless a field says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Snapshot {
    /// Verdict as of the last sample.
    pub status: Status,
    /// Reasons for the verdict; empty if healthy.
    pub reasons: Vec<String>,
    /// Time of the last sample: RFC 3339, in UTC.
    pub timestamp: String,
    /// Milliseconds since the monitor was built.
    pub uptime: u64,
    /// Milliseconds between two samples.
    pub period: u64,
    /// Length of the window in seconds; shorter than its setting at first.
    pub window: f64,
    /// All requests; all timed calls where no routes are reported.
    pub requests: CallActivity,
    /// Routes that were requested, the busiest first.
    pub routes: Vec<CallActivity>,
    /// Timed functions that were called, the busiest first.
    pub functions: Vec<CallActivity>,
    /// Memory; `None`, and all 0 in JSON, where the system does not report it.
    #[serde(serialize_with = "serialize_memory")]
    pub memory: Option<Memory>,
    /// Level of pressure on memory; `None` without a guard.
    pub pressure: Pressure,
    /// Figures of the guard, if there is one.
    pub guard: Option<guard::Snapshot>,
    /// Processor, load, threads.
    pub process: Process,
    /// The cache.
    pub cache: CacheActivity,
    /// Breakers, retries and other policies: `outcomes` of the window, `levels` and `breakers` of now.
    #[serde(serialize_with = "policies::serialize")]
    pub policies: Vec<resilience::Snapshot>,
    /// The [settings](crate::Fastness::apply_settings) in force: those of the cache's functions, and those of policies that it gave.
    #[cfg(feature = "settings")]
    pub settings: AppliedSettings,
    /// The database's connection pool, if its probe reports it.
    pub pool: Option<Pool>,
    /// Answers of all probes, the database's first.
    pub probes: Vec<ProbeAnswer>,
    /// Slow queries, if a source reports them.
    pub slow_queries: Vec<SlowQuery>,
    /// Further sections, by name.
    pub sections: Map<String, Value>,
    /// Alerts that fire.
    pub alerts: Vec<Alert>,
    /// The last 100 alerts that fired or were resolved, oldest first.
    pub recent_alerts: Vec<Alert>,
    /// Recommendations, the most urgent first.
    pub recommendations: Vec<Recommendation>,
    /// Targets of the tiles and charts: `responseTime`, `hitRate`, `memory`, `pool`, `errors`, `cpu`.
    pub targets: BTreeMap<&'static str, f64>,
    /// The last 120 samples, oldest first.
    pub history: VecDeque<ChartPoint>,
}

#[allow(clippy::ref_option)] // as serde passes it
fn serialize_memory<S: Serializer>(memory: &Option<Memory>, serializer: S) -> Result<S::Ok, S::Error> {
    memory.unwrap_or_default().serialize(serializer)
}

/// Point of the charts: figures of the time since the sample before.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChartPoint {
    /// Time of the sample, in milliseconds since 1970.
    pub at: u64,
    /// Requests per second.
    pub requests: f64,
    /// Median of their times; `None` without requests.
    pub p50: Option<f64>,
    /// 95th percentile; `None` without requests.
    pub p95: Option<f64>,
    /// 99th percentile; `None` without requests.
    pub p99: Option<f64>,
    /// Requests that failed, in percent.
    pub error_rate: f64,
    /// Hit rate; `None` without look-ups.
    pub hit_rate: Option<f64>,
    /// Memory in use, in percent; `None` where the system does not report it.
    pub memory: Option<u64>,
    /// Resident memory, in bytes; `None` where the system does not report it.
    pub resident: Option<u64>,
    /// Processor time, in percent of what the process may use; `None` where the system does not report it.
    pub cpu: Option<f64>,
}

impl ChartPoint {
    pub(super) fn new(at: u64, interval: &Interval, process: &Process, memory: Option<u64>) -> Self {
        let requests = interval.requests();
        let quantile = |q| requests.quantile(q).map(millis);
        Self {
            at,
            requests: per_second(requests.count, interval.nanos),
            p50: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
            error_rate: rounded(requests.error_rate()),
            hit_rate: hit_rate(&interval.cache()),
            memory,
            resident: process.resident,
            cpu: process.cpu_of_quota,
        }
    }
}
