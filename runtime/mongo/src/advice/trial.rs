//! Trials of suggested indexes on a sample.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::explain::ExplainResult;
use crate::conversions::serialize_seconds;

/// Bounds of the trials of suggested indexes; see [`IndexManager::trials`](crate::IndexManager::trials).
///
/// ```
/// use std::time::Duration;
///
/// use fastness::mongo::IndexManager;
/// use fastness::mongo::advice::TrialSettings;
///
/// fn tried(db: &mongodb::Database) -> IndexManager {
///     IndexManager::new(db).trials(TrialSettings::default().documents(2_000).time(Duration::from_secs(3)))
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TrialSettings {
    pub(crate) documents: u64,
    pub(crate) bytes: u64,
    pub(crate) time: Duration,
}

/// Trial of suggested indexes on a sample of their collection, with the indexes that it has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct IndexTrial {
    /// Number of documents in the sample.
    pub documents: u64,
    /// Reads without the indexes; `None` if the server refuses the query without them.
    pub before: Option<TrialReads>,
    /// Reads with them.
    pub after: TrialReads,
}

/// Measured reads of a query on a sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TrialReads {
    /// Number of documents.
    pub documents: u64,
    /// Number of index entries.
    pub keys: u64,
    /// True if the result was sorted in memory.
    pub sorted_in_memory: bool,
    /// Duration, in seconds when serialised.
    #[serde(serialize_with = "serialize_seconds")]
    pub took: Duration,
}

impl Default for TrialSettings {
    /// Copies up to 10 000 documents and 16 MiB, and ends after 10 s.
    fn default() -> Self {
        Self { documents: 10_000, bytes: 16 << 20, time: Duration::from_secs(10) }
    }
}

impl TrialSettings {
    /// Sets the maximum number of documents in the sample. Default 10 000.
    pub fn documents(mut self, documents: u64) -> Self {
        self.documents = documents;
        self
    }

    /// Sets the maximum size of the sample in bytes, by the average size of a document. Default 16 MiB.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets the maximum duration of a trial. Default 10 s.
    pub fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }
}

impl IndexTrial {
    pub(crate) fn new(documents: u64, before: Option<TrialReads>, after: TrialReads) -> Self {
        Self { documents, before, after }
    }

    /// Returns whether the indexes at least halve the reads, or spare a sort in memory.
    pub fn helps(&self) -> bool {
        let Some(before) = &self.before else { return true };
        let after = &self.after;
        after.reads() * 2 <= before.reads() || (before.sorted_in_memory && !after.sorted_in_memory)
    }
}

impl TrialReads {
    pub(crate) fn new(explained: &ExplainResult, took: Duration) -> Self {
        let ExplainResult { documents, keys, sorted_in_memory, .. } = *explained;
        Self { documents, keys, sorted_in_memory, took }
    }

    fn reads(&self) -> u64 {
        self.documents + self.keys
    }
}

impl fmt::Display for IndexTrial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "on a sample of {} documents: ", self.documents)?;
        match &self.before {
            Some(before) => write!(f, "{before} without it, ")?,
            None => write!(f, "refused without it, ")?,
        }
        write!(f, "{} with it", self.after)
    }
}

impl fmt::Display for TrialReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { documents, keys, sorted_in_memory, took } = self;
        write!(f, "{documents} documents and {keys} index entries in {took:.1?}")?;
        if *sorted_in_memory { f.write_str(", sorted in memory") } else { Ok(()) }
    }
}
