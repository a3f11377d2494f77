//! Analysis of one query.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::MissingIndex;
use super::explain::ExplainResult;
use crate::conversions::serialize_seconds;
use crate::query::Operation;

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
    /// The explain result; without figures if the server [refuses](Self::refused) the query.
    pub explained: ExplainResult,
    /// Reason for which the server refuses the query: it lacks an index for words or places.
    pub refused: Option<String>,
    /// Indexes that would help: one, or one for each branch of `$or` and each joined collection. Empty if the query wastes at most 500
    /// reads, if an index serves it already, or if none would halve its reads.
    pub missing: Vec<MissingIndex>,
    /// Sentences on what could not be judged, each with its reason.
    pub notes: Vec<String>,
}

impl fmt::Display for QueryAnalysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ExplainResult { documents, keys, returned, indexes, scanned, sorted_in_memory } = &self.explained;
        writeln!(f, "{}.{} {}", self.collection, self.operation, self.shape)?;
        if !self.exists {
            return writeln!(f, "    the collection does not exist");
        }
        match &self.refused {
            Some(reason) => writeln!(f, "    {reason}")?,
            None => writeln!(
                f,
                "    took {:.0?}, read {documents} documents and {keys} index entries, returned {returned}",
                self.took
            )?,
        }
        if !indexes.is_empty() {
            writeln!(f, "    used {}", indexes.join(", "))?;
        }
        if *scanned {
            writeln!(f, "    read the whole collection")?;
        }
        if *sorted_in_memory {
            writeln!(f, "    sorted in memory")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "    {note}"))?;
        self.missing.iter().try_for_each(|suggestion| write!(f, "{suggestion}"))
    }
}
