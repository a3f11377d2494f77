//! An alert at one moment.

use std::fmt;

use serde::{Serialize, Serializer};

/// Subject of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AlertKind {
    /// Mean time of requests, in milliseconds.
    ResponseTime,
    /// Look-ups that the cache answered, in percent.
    HitRate,
    /// Memory in use, in percent.
    Memory,
    /// Requests that failed by the server's fault, in percent.
    Errors,
    /// Time that the database took to answer its probe, in milliseconds.
    DatabaseLatency,
}

impl AlertKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::ResponseTime, Self::HitRate, Self::Memory, Self::Errors, Self::DatabaseLatency];

    /// Returns the name that JSON and metrics use, such as `"hitRate"`.
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

/// An alert at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Alert {
    /// Subject.
    pub kind: AlertKind,
    /// True while the alert fires; false once it is resolved. In JSON, `state` is `"firing"` or `"resolved"`.
    #[serde(rename = "state", serialize_with = "serialize_state")]
    pub firing: bool,
    /// Time at which it fired or was resolved: RFC 3339, in UTC.
    pub since: String,
    /// Value that was measured last, in the unit of `kind`.
    pub value: f64,
    /// Bound beyond which it fires.
    pub threshold: f64,
    /// Value and bounds as a sentence.
    pub message: String,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde passes it
fn serialize_state<S: Serializer>(firing: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *firing { "firing" } else { "resolved" })
}
