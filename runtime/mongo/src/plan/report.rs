//! What `apply` did.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::duplicates::Duplicates;
use super::index::{Difference, Index};
use super::steps::Clash;
use crate::error::Error;
use crate::values::{seconds, show};

/// What [`IndexManager::apply`](crate::IndexManager::apply) did, one entry for each index.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The name of the database.
    pub database: String,
    /// In the order in which it was done; those that were kept first.
    pub entries: Vec<Entry>,
}

/// What was done about one index.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// The name of the collection.
    pub collection: String,
    /// The index as it is declared, or, if nobody declares it, as it exists.
    pub index: Index,
    /// What was done.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took, in seconds when serialised; indexes that were built together took it together.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
}

/// What was done about an index.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It was there as declared.
    Kept,
    /// It was built.
    Created,
    /// It was changed in place.
    Changed {
        /// What was changed in it.
        differences: Vec<Difference>,
    },
    /// It was built, and what stood in its way was dropped.
    Rebuilt {
        /// The names of the dropped indexes.
        dropped: Vec<String>,
    },
    /// Nobody declares it, and it stays.
    Unmanaged,
    /// Nobody declares it, and queries no longer use it.
    Hidden,
    /// Nobody declared it, and it is gone.
    Dropped,
    /// It has to be built anew, which was not allowed.
    NeedsRebuild {
        /// What is not the same.
        differences: Vec<Difference>,
    },
    /// Two declarations contradict each other, and neither was touched.
    Conflict {
        /// The other declaration.
        with: Index,
        /// Why both cannot be had.
        why: Clash,
    },
    /// It could not be done.
    Failed {
        /// What the server said.
        #[serde(serialize_with = "text")]
        error: Error,
        /// The documents that contradict a unique index, if they could be found.
        duplicates: Option<Duplicates>,
        /// Whether what it was to replace was dropped, and could not be built again.
        lost: bool,
    },
}

impl Report {
    /// Whether every declared index now exists as declared.
    pub fn is_complete(&self) -> bool {
        !self.entries.iter().any(|entry| {
            matches!(entry.outcome, Outcome::NeedsRebuild { .. } | Outcome::Conflict { .. } | Outcome::Failed { .. })
        })
    }

    /// Whether anything was changed in the database.
    pub fn did_something(&self) -> bool {
        use Outcome::{Changed, Created, Dropped, Hidden, Rebuilt};
        self.entries
            .iter()
            .any(|entry| matches!(entry.outcome, Created | Changed { .. } | Rebuilt { .. } | Hidden | Dropped))
    }

    /// What could not be done.
    pub fn failures(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| matches!(entry.outcome, Outcome::Failed { .. }))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kept = 0;
        for entry in &self.entries {
            match entry.outcome {
                Outcome::Kept => kept += 1,
                _ => write!(f, "{entry}")?,
            }
        }
        writeln!(
            f,
            "{}: {kept} were in sync{}",
            self.database,
            if self.is_complete() { "" } else { "; some are NOT as declared" }
        )
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { collection, index, outcome, took } = self;
        let verb = match outcome {
            Outcome::Kept => "kept",
            Outcome::Created => "created",
            Outcome::Changed { .. } => "changed",
            Outcome::Rebuilt { .. } => "rebuilt",
            Outcome::Unmanaged => "unmanaged",
            Outcome::Hidden => "hid",
            Outcome::Dropped => "dropped",
            Outcome::NeedsRebuild { .. } => "needs rebuild",
            Outcome::Conflict { .. } => "CONFLICT",
            Outcome::Failed { .. } => "FAILED",
        };
        writeln!(f, "{verb:<13} {collection}: {index} ({took:.1?})")?;
        let mut detail = |text: String| writeln!(f, "{:14}{text}", "");
        match outcome {
            Outcome::Changed { differences } | Outcome::NeedsRebuild { differences } => {
                differences.iter().try_for_each(|difference| detail(difference.to_string()))
            }
            Outcome::Rebuilt { dropped } => detail(format!("in place of {}", dropped.join(", "))),
            Outcome::Conflict { with, why } => {
                detail(format!("against {with}"))?;
                detail(why.to_string())
            }
            Outcome::Failed { error, duplicates, lost } => {
                detail(error.to_string())?;
                if let Some(duplicates) = duplicates {
                    detail(duplicates.to_string())?;
                }
                if *lost { detail("what it was to replace is gone: apply again".to_owned()) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Duplicates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { groups, documents, examples } = self;
        write!(f, "{documents} documents share {groups} values; for example those with these _ids: ")?;
        let example = |ids: &Vec<bson::Bson>| ids.iter().map(show).collect::<Vec<_>>().join(" = ");
        f.write_str(&examples.iter().map(example).collect::<Vec<_>>().join("; "))
    }
}

fn text<S: serde::Serializer>(error: &Error, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(error)
}
