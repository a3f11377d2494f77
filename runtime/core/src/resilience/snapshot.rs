//! The figures of a policy at one moment.

use std::sync::Arc;

use super::breaker;

/// The kind of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PolicyKind {
    /// [`Breaker`](super::breaker::Breaker)
    Breaker,
    /// [`Retry`](super::retry::Retry)
    Retry,
    /// [`Timeout`](super::timeout::Timeout)
    Timeout,
    /// [`Bulkhead`](super::bulkhead::Bulkhead)
    Bulkhead,
    /// `RateLimit`
    RateLimit,
    /// [`Hedge`](super::hedge::Hedge)
    Hedge,
    /// [`Fallback`](super::fallback::Fallback)
    Fallback,
}

impl PolicyKind {
    /// Returns the name in metrics, such as `"breaker"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Breaker => "breaker",
            Self::Retry => "retry",
            Self::Timeout => "timeout",
            Self::Bulkhead => "bulkhead",
            Self::RateLimit => "rate_limit",
            Self::Hedge => "hedge",
            Self::Fallback => "fallback",
        }
    }
}

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
