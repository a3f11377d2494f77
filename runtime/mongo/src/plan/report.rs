//! The report of `apply`.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::duplicates::DuplicateKeys;
use super::index::{IndexDefinition, IndexDifference};
use super::steps::IndexConflict;
use crate::conversions::{format_bson, serialize_seconds};
use crate::error::Error;

/// Report of [`IndexManager::apply`](crate::IndexManager::apply) and [`optimize_indexes`](crate::IndexManager::optimize_indexes), with
/// one step for each index.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ApplyReport {
    /// Name of the database.
    pub database: String,
    /// Outcomes for the collections whose options a model declares.
    pub collections: Vec<AppliedCollection>,
    /// Steps in the order in which they were done, by collection: conflicts and unchanged indexes first.
    pub entries: Vec<AppliedStep>,
}

/// The outcome for one collection: kept, created, changed, failed, or in need of a rebuild by hand.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AppliedCollection {
    /// Name of the collection.
    pub collection: String,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: StepOutcome,
}

/// The outcome for one index.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AppliedStep {
    /// Name of the collection.
    pub collection: String,
    /// The index as declared, or as it exists if no model declares it.
    pub index: IndexDefinition,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: StepOutcome,
    /// Duration, in seconds when serialised. Indexes that were built in one pass share it.
    #[serde(serialize_with = "serialize_seconds")]
    pub took: Duration,
    /// Effect of an index that was built by [advice](crate::IndexManager::optimize_indexes), measured afterwards; otherwise `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<IndexEffect>,
}

/// Effect of an index on the query for which it was suggested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IndexEffect {
    /// Documents and index entries that the query read when the index was suggested.
    pub before: u64,
    /// Documents and index entries that it reads now.
    pub after: u64,
    /// True if it reads at most half, or is no longer sorted in memory. Otherwise drop the index again.
    pub helped: bool,
}

/// Outcome of one step.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepOutcome {
    /// The index existed as declared.
    Kept,
    /// The index was built.
    Created,
    /// The index was changed in place.
    Changed {
        /// The changed options.
        differences: Vec<IndexDifference>,
    },
    /// The index was built, and the conflicting indexes were dropped.
    Rebuilt {
        /// Names of the dropped indexes.
        dropped: Vec<String>,
    },
    /// No model declares the index; it stays as it is.
    Unmanaged,
    /// No model declares the index; it was hidden, so that queries no longer use it.
    Hidden,
    /// The index, which no model declares, was dropped.
    Dropped,
    /// The index has to be rebuilt, which [`Settings::rebuild`](super::Settings::rebuild) does not allow, or which was not begun because
    /// an earlier build did not finish.
    NeedsRebuild {
        /// The options that differ.
        differences: Vec<IndexDifference>,
    },
    /// The build made no progress for [`Settings::max_wait`](super::Settings::max_wait), and was left to the server, which continues it.
    Unfinished {
        /// Members of the set that have not built the index, if they are known.
        waits_for: Vec<String>,
    },
    /// Two declarations conflict; neither was applied.
    Conflict {
        /// The other declaration.
        with: IndexDefinition,
        /// The kind of conflict.
        why: IndexConflict,
    },
    /// The step failed.
    Failed {
        /// The error.
        #[serde(serialize_with = "serialize_text")]
        error: Error,
        /// Documents that violate a unique index, if they could be found.
        duplicates: Option<DuplicateKeys>,
        /// True if the old index was dropped and could not be restored. An index that stood in for it stays.
        lost: bool,
    },
}

impl ApplyReport {
    /// Returns whether every step succeeded, and no rebuild or conflict is left.
    pub fn is_complete(&self) -> bool {
        !self.outcomes().any(|outcome| {
            matches!(
                outcome,
                StepOutcome::NeedsRebuild { .. }
                    | StepOutcome::Unfinished { .. }
                    | StepOutcome::Conflict { .. }
                    | StepOutcome::Failed { .. }
            )
        })
    }

    /// Returns whether anything in the database was changed.
    pub fn has_changes(&self) -> bool {
        use StepOutcome::{Changed, Created, Dropped, Hidden, Rebuilt};
        self.outcomes().any(|outcome| matches!(outcome, Created | Changed { .. } | Rebuilt { .. } | Hidden | Dropped))
    }

    fn outcomes(&self) -> impl Iterator<Item = &StepOutcome> {
        let collections = self.collections.iter().map(|applied| &applied.outcome);
        collections.chain(self.entries.iter().map(|entry| &entry.outcome))
    }

    /// Returns the steps that failed.
    pub fn failures(&self) -> impl Iterator<Item = &AppliedStep> {
        self.entries.iter().filter(|entry| matches!(entry.outcome, StepOutcome::Failed { .. }))
    }
}

impl fmt::Display for ApplyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let same = |applied: &&AppliedCollection| matches!(applied.outcome, StepOutcome::Kept);
        self.collections.iter().filter(|applied| !same(applied)).try_for_each(|applied| write!(f, "{applied}"))?;
        let mut in_sync = 0;
        for entry in &self.entries {
            match entry.outcome {
                StepOutcome::Kept => in_sync += 1,
                _ => write!(f, "{entry}")?,
            }
        }
        writeln!(
            f,
            "{}: {in_sync} in sync{}",
            self.database,
            if self.is_complete() { "" } else { "; some are NOT as declared" }
        )
    }
}

impl fmt::Display for AppliedCollection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { collection, outcome } = self;
        let mut detail = |text: String| writeln!(f, "{text}");
        match outcome {
            StepOutcome::Created => detail(format!("created       {collection}: the collection")),
            StepOutcome::Changed { differences } => {
                detail(format!("changed       {collection}: the collection"))?;
                differences.iter().try_for_each(|difference| detail(format!("{:14}{}", "", difference.in_collection())))
            }
            StepOutcome::NeedsRebuild { differences } => {
                detail(format!(
                    "FIXED         {collection}: the collection cannot be changed: copy its documents into a new one"
                ))?;
                differences.iter().try_for_each(|difference| detail(format!("{:14}{}", "", difference.in_collection())))
            }
            StepOutcome::Failed { error, .. } => detail(format!("FAILED        {collection}: {error}")),
            _ => detail(format!("kept          {collection}: the collection")),
        }
    }
}

impl fmt::Display for AppliedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { collection, index, outcome, took, effect } = self;
        let verb = match outcome {
            StepOutcome::Kept => "kept",
            StepOutcome::Created => "created",
            StepOutcome::Changed { .. } => "changed",
            StepOutcome::Rebuilt { .. } => "rebuilt",
            StepOutcome::Unmanaged => "unmanaged",
            StepOutcome::Hidden => "hid",
            StepOutcome::Dropped => "dropped",
            StepOutcome::NeedsRebuild { .. } => "needs rebuild",
            StepOutcome::Unfinished { .. } => "UNFINISHED",
            StepOutcome::Conflict { .. } => "CONFLICT",
            StepOutcome::Failed { .. } => "FAILED",
        };
        writeln!(f, "{verb:<13} {collection}: {index} ({took:.1?})")?;
        let mut detail = |text: String| writeln!(f, "{:14}{text}", "");
        if let Some(IndexEffect { before, after, helped }) = effect {
            let verdict = if *helped { "helped" } else { "did not help, drop the index again" };
            detail(format!("{verdict}: the query read {before} documents and index entries before, and {after} now"))?;
        }
        match outcome {
            StepOutcome::Changed { differences } | StepOutcome::NeedsRebuild { differences } => {
                differences.iter().try_for_each(|difference| detail(difference.to_string()))
            }
            StepOutcome::Rebuilt { dropped } => detail(format!("replaced {}", dropped.join(", "))),
            StepOutcome::Unmanaged => index.left_over().map_or(Ok(()), detail),
            StepOutcome::Unfinished { waits_for } => {
                if !waits_for.is_empty() {
                    detail(format!("the server waits for {}", waits_for.join(", ")))?;
                }
                detail(
                    "the build continues on the server: apply again when all members are up, or with `CommitQuorum::Majority`"
                        .to_owned(),
                )
            }
            StepOutcome::Conflict { with, why } => {
                detail(format!("conflicts with {with}"))?;
                detail(why.to_string())
            }
            StepOutcome::Failed { error, duplicates, lost } => {
                detail(error.to_string())?;
                if let Some(duplicates) = duplicates {
                    detail(duplicates.to_string())?;
                }
                if *lost {
                    detail(
                        "the index that it should replace was dropped and could not be restored: apply again"
                            .to_owned(),
                    )
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for DuplicateKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { groups, documents, examples } = self;
        write!(f, "{documents} documents share {groups} values; examples by _id: ")?;
        let example = |ids: &Vec<bson::Bson>| ids.iter().map(format_bson).collect::<Vec<_>>().join(" = ");
        f.write_str(&examples.iter().map(example).collect::<Vec<_>>().join("; "))
    }
}

fn serialize_text<S: serde::Serializer>(error: &Error, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(error)
}
