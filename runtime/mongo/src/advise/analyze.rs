//! One query, looked at closely.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::explain::Explained;
use super::{Suggestion, missing};
use crate::plan::Index;
use crate::query::{Operation, Query};
use crate::values::seconds;

/// What the server does for one query, and what would help.
///
/// Printed, it is for people; neither that nor the serialised form holds the query's values.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Analysis {
    /// The name of the collection.
    pub collection: String,
    /// Whether there is such a collection.
    pub exists: bool,
    /// What was asked.
    pub operation: Operation,
    /// The query without its values: `{business: "?"} sort {createdAt: -1}`.
    pub shape: String,
    /// How long it took, with the way to the server, in seconds when serialised.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
    /// What it did.
    pub explained: Explained,
    /// Indexes that would help: one, or one for each branch of `$or`. None if it reads at most 500 documents in vain, if an index serves
    /// it already, or if no ordinary index can: one with a collation of its own takes an index with the same.
    pub missing: Vec<Suggestion>,
}

impl Analysis {
    pub(crate) fn new(query: &Query, took: Duration, explained: Explained, existing: &[Index]) -> Self {
        let served = (query.served(took), explained);
        let missing = if query.asked.collated {
            Vec::new()
        } else {
            missing(std::slice::from_ref(&served), |_| existing.to_vec())
        };
        Self {
            collection: query.collection.clone(),
            exists: !existing.is_empty(),
            operation: query.operation,
            shape: query.asked.shape(query.operation),
            took,
            explained: served.1,
            missing,
        }
    }
}

impl fmt::Display for Analysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explained { documents, keys, returned, indexes, scanned, sorted_in_memory } = &self.explained;
        writeln!(f, "{}.{} {}", self.collection, self.operation, self.shape)?;
        if !self.exists {
            return writeln!(f, "    there is no such collection");
        }
        writeln!(
            f,
            "    took {:.0?}, read {documents} documents and {keys} entries of indexes, returned {returned}",
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
