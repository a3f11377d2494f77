//! The kinds of policies.

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
