//! An alert at one moment.

use std::fmt;

use serde::Serialize;

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AlertKind {
    /// The mean time of requests, in milliseconds.
    ResponseTime,
    /// Look-ups that the cache answered, in percent.
    HitRate,
    /// Memory in use, in percent.
    Memory,
    /// Requests that failed by the server's fault, in percent.
    Errors,
    /// How long the database took to answer a probe, in milliseconds.
    DatabaseLatency,
}

impl AlertKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::ResponseTime, Self::HitRate, Self::Memory, Self::Errors, Self::DatabaseLatency];

    /// Its name as in reports, such as `"hitRate"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResponseTime => "responseTime",
            Self::HitRate => "hitRate",
            Self::Memory => "memory",
            Self::Errors => "errors",
            Self::DatabaseLatency => "databaseLatency",
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether an alert goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AlertState {
    /// It goes on.
    Firing,
    /// It is over.
    Resolved,
}

/// An alert at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// Whether it goes on.
    pub state: AlertState,
    /// Since when: when it began, or when it ended.
    pub since: String,
    /// What was measured last, in the unit of its kind.
    pub value: f64,
    /// The bound beyond which it fires.
    pub threshold: f64,
    /// The same as a sentence.
    pub message: String,
}
