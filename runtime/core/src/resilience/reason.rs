//! The reasons of rejections.

/// The reason of a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The circuit breaker is open, or half-open with all its probes in flight.
    Open,
    /// The bulkhead has as many calls in flight as it may have.
    Full,
    /// The rate limit is used up.
    Limited,
}

impl Reason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Full => "full",
            Self::Limited => "limited",
        }
    }
}
