//! Analysis of one query.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::explain::ExplainResult;
use super::{MissingIndex, missing};
use crate::conversions::serialize_seconds;
use crate::plan::IndexDefinition;
use crate::query::{Operation, Query};

/// Explain result of one query, and the indexes that would help it.
///
/// The printed and the serialised form do not contain the query's values.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct QueryAnalysis {
    /// Name of the collection.
    pub collection: String,
    /// True if the collection exists.
    pub exists: bool,
    /// The operation.
    pub operation: Operation,
    /// Query shape: `{business: "?"} sort {createdAt: -1}`.
    pub shape: String,
    /// Duration including the network round trip, in seconds when serialised.
    #[serde(serialize_with = "serialize_seconds")]
    pub took: Duration,
    /// The explain result.
    pub explained: ExplainResult,
    /// Indexes that would help: one, or one for each branch of `$or`. Empty if the query wastes at most 500 reads, if an index serves it
    /// already, or if it has its own collation (it needs an index with the same one).
    pub missing: Vec<MissingIndex>,
}

impl QueryAnalysis {
    pub(crate) fn new(query: &Query, took: Duration, explained: ExplainResult, existing: &[IndexDefinition]) -> Self {
        let served = (query.sample(took), explained);
        let missing = if query.parts.collated {
            Vec::new()
        } else {
            missing(std::slice::from_ref(&served), |_| existing.to_vec())
        };
        Self {
            collection: query.collection.clone(),
            exists: !existing.is_empty(),
            operation: query.operation,
            shape: query.parts.shape(query.operation),
            took,
            explained: served.1,
            missing,
        }
    }
}

impl fmt::Display for QueryAnalysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ExplainResult { documents, keys, returned, indexes, scanned, sorted_in_memory } = &self.explained;
        writeln!(f, "{}.{} {}", self.collection, self.operation, self.shape)?;
        if !self.exists {
            return writeln!(f, "    the collection does not exist");
        }
        writeln!(
            f,
            "    took {:.0?}, read {documents} documents and {keys} index entries, returned {returned}",
            self.took
        )?;
        if !indexes.is_empty() {
            writeln!(f, "    used {}", indexes.join(", "))?;
        }
        if *scanned {
            writeln!(f, "    read the whole collection")?;
        }
        if *sorted_in_memory {
            writeln!(f, "    sorted in memory")?;
        }
        self.missing.iter().try_for_each(|suggestion| write!(f, "{suggestion}"))
    }
}
