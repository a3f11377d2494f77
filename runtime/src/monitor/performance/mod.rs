//! The performance report: everything that is known, for dashboards and for people who ask `/api/performance`.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::{Map, Value};

use super::advice::{Recommendation, SharedTier, Targets};
use super::alerts::Alert;
use super::figures::{millis, per_second, rounded};
use super::guard::Pressure;
use super::health::{MemoryHealth, Status};
use super::probe::{Pool, ProbeReport};
use super::process::ProcessFigures;
use super::sources::SlowQuery;
use super::window::{Calls, Interval};
use crate::resilience::{BreakerSnapshot, PolicySnapshot};
use crate::stats::Stats;

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

/// Calls of one name.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallReport {
    /// The route or the function; `"all"` of all together.
    pub name: String,
    /// How many.
    pub count: u64,
    /// How many a second.
    pub per_second: f64,
    /// The mean time; 0 without calls, as are the next three.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// What 95 % did not exceed.
    pub p95: f64,
    /// What 99 % did not exceed.
    pub p99: f64,
    /// How many failed.
    pub errors: u64,
    /// How many of them failed, in percent.
    pub error_rate: f64,
    /// How many were slow by the function's own bound.
    pub slow: u64,
}

/// The cache.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CacheReport {
    /// Look-ups that either tier answered; `None` where there were none.
    pub hit_rate: Option<f64>,
    /// Look-ups a second.
    pub per_second: f64,
    /// Entries in the in-process tier now.
    pub entries: usize,
    /// Entries that had to go for lack of room.
    pub evictions: u64,
    /// Call sites that were called, the busiest first.
    pub sites: Vec<SiteReport>,
    /// The shared tier, where there is one.
    pub shared: Option<SharedTier>,
}

/// One cached function.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SiteReport {
    /// Its path.
    pub function: String,
    /// Its key template.
    pub key: String,
    /// Look-ups that the process answered from memory.
    pub hits: u64,
    /// Those that the shared tier answered.
    pub shared_hits: u64,
    /// Those that neither did.
    pub misses: u64,
    /// Answered by either, in percent.
    pub hit_rate: f64,
    /// Loads that returned a value.
    pub loads: u64,
    /// Loads that failed.
    pub load_errors: u64,
    /// The mean time of a load; 0 without any.
    pub mean_load: f64,
    /// Calls that waited for another's load.
    pub coalesced: u64,
    /// Calls that were served a stale value.
    pub stale_served: u64,
}

/// One policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PolicyReport {
    /// Its kind, such as `"breaker"`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// How calls ended within the window.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// What is the case now.
    pub levels: BTreeMap<&'static str, u64>,
    /// Its breakers: one, or those of many that are not closed.
    pub breakers: Vec<BreakerReport>,
}

/// One circuit breaker.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BreakerReport {
    /// Its name, with its key if it is one of many.
    pub name: String,
    /// What it does with calls, such as `"half_open"`.
    pub state: &'static str,
    /// The share of failures in its own window, in percent.
    pub failure_rate: Option<f64>,
    /// How long it stays open, in milliseconds.
    pub retry_after: Option<f64>,
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

impl CallReport {
    pub(super) fn new(name: &str, calls: &Calls, nanos: u64) -> Self {
        let at = |q| calls.quantile(q).map_or(0.0, millis);
        Self {
            name: name.to_owned(),
            count: calls.count,
            per_second: per_second(calls.count, nanos),
            mean: calls.mean().map_or(0.0, millis),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            errors: calls.errors,
            error_rate: rounded(calls.error_rate()),
            slow: calls.slow,
        }
    }

    pub(super) fn all(calls: &BTreeMap<String, Calls>, nanos: u64) -> Vec<Self> {
        let called = calls.iter().filter(|(_, calls)| calls.count > 0);
        let mut all: Vec<_> = called.map(|(name, calls)| Self::new(name, calls, nanos)).collect();
        all.sort_by_key(|calls| std::cmp::Reverse(calls.count));
        all
    }
}

/// Answered look-ups of all, in percent. A look-up of the shared tier may begin in one interval and be answered in the next.
pub(super) fn hit_rate(stats: &Stats) -> Option<f64> {
    stats.hit_rate().map(|rate| rounded(rate * 100.0).min(100.0))
}

impl CacheReport {
    pub(super) fn new(window: &Interval, entries: usize, shared: Option<SharedTier>) -> Self {
        let all = window.cache();
        let mut sites: Vec<_> = window.sites.iter().filter(|(_, stats)| stats.hits + stats.misses > 0).collect();
        sites.sort_by_key(|(_, stats)| std::cmp::Reverse(stats.hits + stats.misses));
        Self {
            hit_rate: hit_rate(&all),
            per_second: per_second(all.hits + all.misses, window.nanos),
            entries,
            evictions: window.evictions,
            sites: sites.into_iter().map(|((name, key), stats)| SiteReport::new(name, key, stats)).collect(),
            shared,
        }
    }
}

impl SiteReport {
    fn new(function: &str, key: &str, stats: &Stats) -> Self {
        Self {
            function: function.to_owned(),
            key: key.to_owned(),
            hits: stats.hits,
            shared_hits: stats.shared_hits,
            misses: stats.misses.saturating_sub(stats.shared_hits),
            hit_rate: hit_rate(stats).unwrap_or(0.0),
            loads: stats.loads,
            load_errors: stats.load_errors + stats.load_timeouts,
            mean_load: stats.mean_load_time().map_or(0.0, millis),
            coalesced: stats.coalesced,
            stale_served: stats.stale_served,
        }
    }
}

impl PolicyReport {
    pub(super) fn all(now: &[PolicySnapshot], window: &Interval) -> Vec<Self> {
        let report = |policy: &PolicySnapshot| Self {
            kind: policy.kind.as_str(),
            name: policy.name.to_string(),
            outcomes: window.policies.get(&(policy.kind, policy.name.to_string())).cloned().unwrap_or_default(),
            levels: policy.levels.iter().copied().collect(),
            breakers: policy.breakers.iter().map(BreakerReport::new).collect(),
        };
        now.iter().map(report).collect()
    }
}

impl BreakerReport {
    fn new(breaker: &BreakerSnapshot) -> Self {
        Self {
            name: breaker.name.to_string(),
            state: breaker.state.as_str(),
            failure_rate: breaker.failure_rate().map(|rate| rounded(rate * 100.0)),
            retry_after: breaker.retry_after.map(millis),
        }
    }
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
