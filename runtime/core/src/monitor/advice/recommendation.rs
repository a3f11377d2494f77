//! Recommendations, and the targets that they aim at.

use std::collections::BTreeMap;

use serde::Serialize;

/// Change that a rule recommends, with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Recommendation {
    /// Rule that recommends it, such as `"low-hit-rate"`.
    pub rule: &'static str,
    /// Function, route or policy that it concerns, or the process.
    pub subject: String,
    /// Figures that led to it, as a sentence.
    pub evidence: String,
    /// Number that the rule compared with `target`.
    pub value: f64,
    /// Value to reach.
    pub target: f64,
    /// Change to make.
    pub advice: String,
}

/// Targets of a process, shown beside its figures.
#[derive(Clone, Copy, Debug)]
pub(in crate::monitor) struct Targets {
    /// Upper bound of the mean time of requests, in milliseconds.
    pub(super) response_time: f64,
    /// Lower bound of the hit rate, in percent.
    pub(super) hit_rate: f64,
    /// Upper bound of memory in use, in percent.
    pub(super) memory: f64,
    /// Upper bound of connections in use, in percent of the pool.
    pub(super) pool: f64,
    /// Upper bound of failed requests, in percent.
    pub(super) errors: f64,
    /// Upper bound of processor time, in percent of what the process may use.
    pub(super) cpu: f64,
}

impl Targets {
    pub(in crate::monitor) const DEFAULT: Self =
        Self { response_time: 200.0, hit_rate: 85.0, memory: 80.0, pool: 80.0, errors: 0.1, cpu: 70.0 };

    /// Returns the targets by their names in JSON.
    pub(in crate::monitor) fn by_name(self) -> BTreeMap<&'static str, f64> {
        let Self { response_time, hit_rate, memory, pool, errors, cpu } = self;
        BTreeMap::from([
            ("responseTime", response_time),
            ("hitRate", hit_rate),
            ("memory", memory),
            ("pool", pool),
            ("errors", errors),
            ("cpu", cpu),
        ])
    }
}
