//! Plans: the differences between declared and existing indexes, and the outcome of applying them. Decided without a server.
//!
//! May use: `command`, `conversions`, `error`, `model`.
//!
//! An [`IndexDefinition`] is an index in normal form, from a declaration or from a server's list; an [`IndexPlan`] compares such lists.
//! An [`ApplyReport`] holds the outcome of [`IndexManager::apply`](crate::IndexManager::apply). Keys, options and ids are values of the
//! [`bson`] crate, as the server returns them.

mod collection;
mod duplicates;
mod index;
mod report;
mod settings;
mod steps;

pub(crate) use collection::compare as compare_options;
pub(crate) use collection::conflict_advice;
pub use collection::{CollectionAction, CollectionStep};
pub use duplicates::DuplicateKeys;
pub(crate) use index::PREPARE_UNIQUE;
pub use index::{IndexDefinition, IndexDifference};
pub use report::{AppliedCollection, AppliedStep, ApplyReport, IndexEffect, StepOutcome};
pub use settings::{BuildProgress, CommitQuorum, Settings, UnmanagedIndexes};
pub(crate) use steps::{CollectionIndexes, can_coexist, free_name, generated_twin, stand_in};
pub use steps::{IndexConflict, IndexPlan, PlanAction, PlanStep};
