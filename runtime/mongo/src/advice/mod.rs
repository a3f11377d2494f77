//! Advice on indexes: missing ones, and ones that are not needed. It is computed from measurements and counts.
//!
//! Candidates follow the rule *equality, sort, range*: first the fields that a query compares for equality, so that the matches are
//! adjacent; then the fields that it sorts by, so that they are in order; then the fields with a range. Documents that meet the conditions
//! are counted under a bound, and the candidate with the least estimated reads is suggested, if it at least halves those that `explain`
//! measured, or spares a sort in memory. No index is suggested over two arrays, or if an existing one serves nearly as well.
//!
//! May use: `command`, `conversions`, `error`, `plan`, `query`.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

mod access;
mod analysis;
mod choice;
mod counts;
mod estimate;
mod explain;
mod missing;
mod pattern;
mod pipeline;
mod requirements;
mod selection;
mod shell;
#[cfg(test)]
mod tests;
mod trial;
mod unneeded;
mod usage;

pub(crate) use access::{CollectionAccess, MeasuredReads};
pub use analysis::QueryAnalysis;
pub(crate) use choice::{choose, is_wasteful, wastes};
pub(crate) use counts::AccessCounts;
pub use explain::ExplainResult;
pub(crate) use explain::{Explanation, explain_query};
pub use missing::{Evidence, ExpectedReads, MissingIndex};
pub(crate) use missing::{add, definition, is_hidden_twin};
pub(crate) use pipeline::{access, joined};
pub use selection::AdviceSelection;
pub(crate) use selection::{CreatedIndex, Retirement};
pub use trial::{IndexTrial, TrialReads, TrialSettings};
pub(crate) use unneeded::{UNUSED_AFTER, covers, longer, unneeded};
pub use unneeded::{UnneededIndex, UnneededReason};
pub use usage::IndexUsage;
pub(crate) use usage::{arrays, usage};

/// Minimum duration of a query that gets advice: MongoDB's own default for a slow operation (`slowms`).
pub(crate) const MIN_DURATION: Duration = Duration::from_millis(100);

/// Advice on the indexes of a database.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct IndexAdvice {
    /// Indexes that would speed up slow queries.
    pub missing: Vec<MissingIndex>,
    /// Indexes that cost writes and memory without serving queries.
    pub unneeded: Vec<UnneededIndex>,
    /// Use of the indexes of the declared collections; empty if not all servers could be asked.
    pub usage: Vec<IndexUsage>,
    /// Sentences on queries and indexes that could not be judged, each with its reason.
    pub notes: Vec<String>,
}

impl fmt::Display for IndexAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for suggestion in &self.missing {
            write!(f, "{suggestion}")?;
        }
        for unneeded in &self.unneeded {
            writeln!(f, "{unneeded}\n    in the shell:  {}", unneeded.shell)?;
        }
        if self.missing.is_empty() && self.unneeded.is_empty() {
            writeln!(f, "Nothing to do: no slow query lacks an index, and every index is needed.")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}
