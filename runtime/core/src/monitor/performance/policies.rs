//! Policies of the performance report: their figures of the window, and their form in JSON.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::monitor::rounding::{millis, rounded};
use crate::monitor::window::Interval;
use crate::resilience::{self, breaker};

/// Returns the policies with the outcomes of the window in place of those since the start.
pub(in crate::monitor) fn within_window(
    mut policies: Vec<resilience::Snapshot>,
    window: &Interval,
) -> Vec<resilience::Snapshot> {
    for policy in &mut policies {
        let outcomes = window.policies.get(&(policy.kind, policy.name.to_string()));
        policy.outcomes = outcomes.into_iter().flatten().map(|(outcome, count)| (*outcome, *count)).collect();
    }
    policies
}

#[derive(Serialize)]
struct PolicyBody<'a> {
    kind: &'static str,
    name: &'a str,
    outcomes: BTreeMap<&'static str, u64>,
    levels: BTreeMap<&'static str, u64>,
    breakers: Vec<BreakerBody<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BreakerBody<'a> {
    name: &'a str,
    state: &'static str,
    /// Failures in percent of the breaker's own window.
    failure_rate: Option<f64>,
    /// Time until the breaker may close, in milliseconds.
    retry_after: Option<f64>,
}

impl<'a> From<&'a breaker::Snapshot> for BreakerBody<'a> {
    fn from(breaker: &'a breaker::Snapshot) -> Self {
        Self {
            name: &breaker.name,
            state: breaker.state.as_str(),
            failure_rate: breaker.failure_rate().map(|rate| rounded(rate * 100.0)),
            retry_after: breaker.retry_after.map(millis),
        }
    }
}

pub(super) fn serialize<S: Serializer>(policies: &[resilience::Snapshot], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(policies.iter().map(|policy| PolicyBody {
        kind: policy.kind.as_str(),
        name: &policy.name,
        outcomes: policy.outcomes.iter().copied().collect(),
        levels: policy.levels.iter().copied().collect(),
        breakers: policy.breakers.iter().map(BreakerBody::from).collect(),
    }))
}
