//! The states of a breaker and the causes of their changes, as events and snapshots name them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The state of a breaker: its treatment of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Calls are made and counted.
    Closed,
    /// Calls are rejected for a time.
    Open,
    /// A few calls are made as probes, to find out whether they succeed again.
    HalfOpen,
    /// Calls are rejected until an operator ends this state.
    ForcedOpen,
    /// Calls are made and counted, and the breaker does not open until an operator ends this state.
    ForcedClosed,
    /// Calls are made and not counted, until an operator ends this state.
    Disabled,
}

impl State {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::Closed, Self::Open, Self::HalfOpen, Self::ForcedOpen, Self::ForcedClosed, Self::Disabled];

    /// Returns the name in metrics and on pages, such as `"half_open"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
            Self::Disabled => "disabled",
        }
    }
}

/// The cause of a change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// A row of failed calls reached its threshold.
    FailuresInARow(u32),
    /// The failure rate in the window reached its threshold.
    FailureRate {
        /// Calls that failed.
        failures: u64,
        /// Calls in the window.
        calls: u64,
    },
    /// The rate of slow calls in the window reached its threshold.
    SlowRate {
        /// Calls that were slow.
        slow: u64,
        /// Calls in the window.
        calls: u64,
    },
    /// The time open was over.
    TimeUp,
    /// The probes did not end in time, and new ones replace them.
    ProbesLost,
    /// Too many probes failed.
    ProbesFailed {
        /// Probes that failed.
        failures: u32,
        /// Probes in all.
        probes: u32,
    },
    /// Too many probes were slow.
    ProbesSlow {
        /// Probes that were slow.
        slow: u32,
        /// Probes in all.
        probes: u32,
    },
    /// Enough probes succeeded.
    ProbesSucceeded,
    /// A call to the breaker forced it.
    Forced,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailuresInARow(1) => f.write_str("a call failed"),
            Self::FailuresInARow(calls) => write!(f, "{calls} calls in a row failed"),
            Self::FailureRate { failures, calls } => write!(f, "{failures} of the last {calls} calls failed"),
            Self::SlowRate { slow, calls } => write!(f, "{slow} of the last {calls} calls were slow"),
            Self::TimeUp => f.write_str("its time open was over"),
            Self::ProbesLost => f.write_str("the probes did not end in time"),
            Self::ProbesFailed { failures, probes } => write!(f, "{failures} of {probes} probes failed"),
            Self::ProbesSlow { slow, probes } => write!(f, "{slow} of {probes} probes were slow"),
            Self::ProbesSucceeded => f.write_str("enough probes succeeded"),
            Self::Forced => f.write_str("it was forced"),
        }
    }
}

/// A change of a breaker's state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The name of the breaker; with its key, if it is one of many.
    pub name: Arc<str>,
    /// The state before.
    pub from: State,
    /// The state from then on.
    pub to: State,
    /// The cause.
    pub cause: Cause,
    /// The time since the clock of the breaker began.
    pub at: Duration,
}
