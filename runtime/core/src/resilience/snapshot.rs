//! The figures of a policy at one moment.

use std::sync::Arc;

use super::breaker;
use super::kind::PolicyKind;

/// The figures of a policy at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The kind.
    pub kind: PolicyKind,
    /// The name.
    pub name: Arc<str>,
    /// Numbers of calls since the start, by outcome. They only grow.
    pub outcomes: Vec<(&'static str, u64)>,
    /// The gauges, each with its name.
    pub levels: Vec<(&'static str, u64)>,
    /// Details of a breaker; for breakers per key, those that are not closed.
    pub breakers: Vec<breaker::Snapshot>,
}
