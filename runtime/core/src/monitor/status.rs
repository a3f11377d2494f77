//! The verdict on a process: one of three.

use std::fmt;

use serde::Serialize;

/// Verdict on a process. Later variants are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// No problem is known.
    Healthy,
    /// The process serves requests, but something needs attention.
    Degraded,
    /// A dependency that the process cannot serve without is missing.
    Unhealthy,
}

impl Status {
    /// Returns the name that JSON and metrics use, such as `"healthy"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
