//! What to change, from what was measured: rules over one snapshot, each with its evidence. Pure.
//!
//! A rule says nothing without enough events to judge by, so a quiet or healthy process gets no advice.

use serde::Serialize;

use super::probe::Pool;
use super::process::{Memory, ProcessFigures};
use super::sources::SlowQuery;
use super::window::Interval;

mod cache;
mod load;
#[cfg(test)]
mod tests;

/// Something that should be changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Recommendation {
    /// The rule that found it, such as `"low-hit-rate"`.
    pub rule: &'static str,
    /// What it is about: a function, a route, a policy, or the process.
    pub subject: String,
    /// What was seen.
    pub evidence: String,
    /// The number that the rule judged by.
    pub value: f64,
    /// What it should be.
    pub target: f64,
    /// What to do.
    pub advice: String,
}

/// What a process aims at, shown beside what it does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Targets {
    /// The mean time of a request stays below, in milliseconds.
    pub response_time: f64,
    /// The hit rate stays above, in percent.
    pub hit_rate: f64,
    /// Memory in use stays below, in percent.
    pub memory: f64,
    /// Connections in use stay below, in percent of the pool.
    pub pool: f64,
    /// Failed requests stay below, in percent.
    pub errors: f64,
    /// Processor time stays below, in percent of what the process may use.
    pub cpu: f64,
}

impl Targets {
    /// 200 ms, 85 %, 80 %, 80 %, 0.1 %, 70 %.
    pub const DEFAULT: Self =
        Self { response_time: 200.0, hit_rate: 85.0, memory: 80.0, pool: 80.0, errors: 0.1, cpu: 70.0 };
}

/// What the shared tier is like, where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SharedTier {
    /// Whether there is a connection.
    pub connected: bool,
    /// Whether the log's word is recent enough to serve all that is cached.
    pub coherent: bool,
    /// The reason why the tier is not used although its server may answer.
    pub rests: Option<&'static str>,
    /// How long the last answered heartbeat took, in milliseconds.
    pub latency: f64,
    /// Invalidations that could not be announced yet.
    pub in_doubt: u64,
    /// Reads that found a value, since the start.
    pub hits: u64,
    /// Reads that found none, since the start.
    pub misses: u64,
    /// Commands that failed, since the start.
    pub errors: u64,
}

/// All that the rules look at.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) window: Interval,
    pub(super) entries: usize,
    pub(super) process: ProcessFigures,
    /// The mean of processor time over the window, in percent of what may be used; `None` with too few looks.
    pub(super) cpu: Option<f64>,
    pub(super) memory: Option<Memory>,
    pub(super) shared: Option<SharedTier>,
    pub(super) pool: Option<Pool>,
    pub(super) slow_queries: Vec<SlowQuery>,
}

type Rule = fn(&Snapshot, &mut Vec<Recommendation>);

/// What hurts most comes first.
const RULES: &[Rule] = &[
    load::errors,
    cache::shared_tier,
    load::breakers,
    load::memory,
    load::pool,
    load::slow_queries,
    load::response_time,
    cache::hit_rate,
    cache::evictions,
    cache::floor_verdicts,
    cache::slow_loads,
    cache::failing_loads,
    cache::stalled_loads,
    cache::stampedes,
    load::bulkheads,
    load::retries,
    load::cpu,
];

pub(super) fn advise(snapshot: &Snapshot) -> Vec<Recommendation> {
    let mut found = Vec::new();
    for rule in RULES {
        rule(snapshot, &mut found);
    }
    found
}
