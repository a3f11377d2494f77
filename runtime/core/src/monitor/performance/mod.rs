//! The performance report: everything that is known, for dashboards and for people who ask `/api/performance`.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::{Map, Value};

use super::advice::{Recommendation, Targets};
use super::alerts::Alert;
use super::figures::{millis, per_second, rounded};
use super::guard::{GuardSnapshot, Pressure};
use super::health::{MemoryHealth, Status};
use super::probe::{Pool, ProbeReport};
use super::process::ProcessFigures;
use super::sources::SlowQuery;
use super::window::Interval;

mod cache;
mod calls;
mod policies;

pub(super) use cache::hit_rate;
pub use cache::{CacheReport, SiteReport};
pub use calls::CallReport;
pub use policies::{BreakerReport, PolicyReport};

/// How many samples are kept for charts: ten minutes of one every 5 s.
pub(super) const HISTORY: usize = 120;

/// Everything that is known of a process, as of the last sample; as JSON, what `/api/performance` answers. Times are in
/// milliseconds, shares in percent, rates per second, and all of them of the last minute.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Performance {
    /// The verdict as of the last sample.
    pub status: Status,
    /// Why it is not healthy.
    pub reasons: Vec<String>,
    /// When the last sample was taken: RFC 3339, in UTC.
    pub timestamp: String,
    /// Milliseconds since the monitor was built.
    pub uptime: u64,
    /// Milliseconds between two samples.
    pub period: u64,
    /// Seconds that the rates are of; less than a minute after the start.
    pub window: f64,
    /// All requests; where nobody tells of routes, all timed calls.
    pub requests: CallReport,
    /// Each route that was asked for within the window, the busiest first.
    pub routes: Vec<CallReport>,
    /// Each timed function that was called within the window, the busiest first.
    pub functions: Vec<CallReport>,
    /// Memory; all 0 where the system does not tell.
    pub memory: MemoryHealth,
    /// How short memory is, where a guard watches it.
    pub pressure: Pressure,
    /// Figures of that guard.
    pub guard: Option<GuardSnapshot>,
    /// Processor, load, threads.
    pub process: ProcessFigures,
    /// The cache.
    pub cache: CacheReport,
    /// Breakers, retries and the like.
    pub policies: Vec<PolicyReport>,
    /// The pool of the database, where it tells.
    pub pool: Option<Pool>,
    /// What each probe found.
    pub probes: Vec<ProbeReport>,
    /// Slow queries, where a source tells of them.
    pub slow_queries: Vec<SlowQuery>,
    /// What else sources tell, by name.
    pub sections: Map<String, Value>,
    /// Alerts that fire.
    pub alerts: Vec<Alert>,
    /// The last alerts that began or ended, oldest first.
    pub recent_alerts: Vec<Alert>,
    /// What to change, what hurts most first.
    pub recommendations: Vec<Recommendation>,
    /// What the process aims at.
    pub targets: Targets,
    /// The last 120 samples, oldest first.
    pub history: VecDeque<Sample>,
}

/// One point of the charts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Sample {
    /// When it was taken, in milliseconds since 1970.
    pub at: u64,
    /// Requests a second since the sample before.
    pub requests: f64,
    /// Their median; `None` without requests, as are the next two.
    pub p50: Option<f64>,
    /// What 95 % of them did not exceed.
    pub p95: Option<f64>,
    /// What 99 % of them did not exceed.
    pub p99: Option<f64>,
    /// How many of them failed, in percent.
    pub error_rate: f64,
    /// The hit rate; `None` without look-ups.
    pub hit_rate: Option<f64>,
    /// Memory in use, in percent; `None` where the system does not tell, as are the next two.
    pub memory: Option<u64>,
    /// Resident memory, in bytes.
    pub resident: Option<u64>,
    /// Processor time, in percent of what the process may use.
    pub cpu: Option<f64>,
}

impl Sample {
    pub(super) fn new(at: u64, interval: &Interval, process: &ProcessFigures, memory: Option<u64>) -> Self {
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
