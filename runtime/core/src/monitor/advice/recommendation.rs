//! Recommendations, and the targets that they aim at.

use serde::Serialize;

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
