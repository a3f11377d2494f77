//! Calls of a route or a function.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::monitor::figures::{millis, per_second, rounded};
use crate::monitor::window::Calls;

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

impl CallReport {
    pub(in crate::monitor) fn new(name: &str, calls: &Calls, nanos: u64) -> Self {
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

    pub(in crate::monitor) fn all(calls: &BTreeMap<String, Calls>, nanos: u64) -> Vec<Self> {
        let called = calls.iter().filter(|(_, calls)| calls.count > 0);
        let mut all: Vec<_> = called.map(|(name, calls)| Self::new(name, calls, nanos)).collect();
        all.sort_by_key(|calls| std::cmp::Reverse(calls.count));
        all
    }
}
