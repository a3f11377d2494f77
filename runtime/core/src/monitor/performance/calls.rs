//! Calls of one route or one function within the window.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::monitor::rounding::{millis, per_second, rounded};
use crate::monitor::window::CallCounts;

/// Calls of one route or one function within the window. Times are in milliseconds, and 0 without calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallActivity {
    /// Name of the route or the function; `"all"` for the sum of all.
    pub name: String,
    /// Number of calls.
    pub count: u64,
    /// Calls per second.
    pub per_second: f64,
    /// Mean time.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Number of calls that failed.
    pub errors: u64,
    /// Calls that failed, in percent.
    pub error_rate: f64,
    /// Number of calls that were slow by the function's own bound.
    pub slow: u64,
}

impl CallActivity {
    pub(in crate::monitor) fn new(name: &str, calls: &CallCounts, nanos: u64) -> Self {
        let quantile = |q| calls.quantile(q).map_or(0.0, millis);
        Self {
            name: name.to_owned(),
            count: calls.count,
            per_second: per_second(calls.count, nanos),
            mean: calls.mean().map_or(0.0, millis),
            p50: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
            errors: calls.errors,
            error_rate: rounded(calls.error_rate()),
            slow: calls.slow,
        }
    }

    /// Returns the calls by name, the busiest first; without those that were not called.
    pub(in crate::monitor) fn by_name(calls: &BTreeMap<String, CallCounts>, nanos: u64) -> Vec<Self> {
        let called = calls.iter().filter(|(_, calls)| calls.count > 0);
        let mut all: Vec<_> = called.map(|(name, calls)| Self::new(name, calls, nanos)).collect();
        all.sort_by_key(|calls| std::cmp::Reverse(calls.count));
        all
    }
}
