//! Breakers, retries and the like.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::monitor::figures::{millis, rounded};
use crate::monitor::window::Interval;
use crate::resilience::{self, breaker};

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

impl PolicyReport {
    pub(in crate::monitor) fn all(now: &[resilience::Snapshot], window: &Interval) -> Vec<Self> {
        let report = |policy: &resilience::Snapshot| Self {
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
    fn new(breaker: &breaker::Snapshot) -> Self {
        Self {
            name: breaker.name.to_string(),
            state: breaker.state.as_str(),
            failure_rate: breaker.failure_rate().map(|rate| rounded(rate * 100.0)),
            retry_after: breaker.retry_after.map(millis),
        }
    }
}
