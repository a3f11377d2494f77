//! Applies a plan.
//!
//! Under the lease the plan is computed again, because the previous holder may have applied it all. Then, for each collection: changes in
//! place, missing indexes (in one pass over the documents), rebuilds (the new index before the old one is dropped, where both can exist),
//! and last the undeclared indexes. Every command is idempotent.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;

use super::build::{build, create_collection};
use super::declared::DeclaredIndexes;
use super::index_commands::{self, ExistingIndexes, RejectedChange};
use crate::advice::Retirement;
use crate::error::Error;
use crate::lease::with_lease;
use crate::plan::{
    AppliedCollection, AppliedStep, ApplyReport, CollectionAction, CollectionStep, DuplicateKeys, IndexDefinition,
    IndexDifference, IndexPlan, PREPARE_UNIQUE, PlanAction, PlanStep, Settings, StepOutcome, UnmanagedIndexes,
    can_coexist, conflict_advice, free_name, generated_twin, stand_in,
};
use fastness_core::Clock;
use fastness_core::seam::now;

/// Maximum wait for builds after one that did not finish, as they usually wait for the same member.
const SHORT_WAIT: Duration = Duration::from_secs(5);

pub(crate) async fn apply(declared: &DeclaredIndexes, options: &Settings) -> Result<ApplyReport, Error> {
    let plan = declared.plan().await?;
    if !wants_writes(&plan, options) {
        return Ok(PlanRun::new(&declared.db, options).finish(plan).await);
    }
    let work = async {
        let plan = declared.plan().await?;
        Ok(PlanRun::new(&declared.db, options).finish(plan).await)
    };
    // Boxed, because the futures of the driver within are large.
    with_lease(&declared.db, options.lease, options.max_wait, Box::pin(work)).await
}

/// Returns whether the plan requires a write.
fn wants_writes(plan: &IndexPlan, options: &Settings) -> bool {
    let writes = |step: &CollectionStep| {
        matches!(step.action, CollectionAction::Create { .. } | CollectionAction::Change { .. })
    };
    plan.collections.iter().any(writes)
        || plan.steps.iter().any(|step| match &step.action {
            PlanAction::Create | PlanAction::Change { .. } => true,
            PlanAction::Rebuild { .. } => options.rebuild,
            PlanAction::Unmanaged => {
                let done = |other: &PlanStep| matches!(other.action, PlanAction::Keep { .. });
                match stood_in_for(step, &plan.steps) {
                    Some(other) => done(other),
                    None => retirement(&step.index, options.unmanaged).is_some(),
                }
            }
            PlanAction::Keep { .. } | PlanAction::Conflict { .. } => false,
        })
}

/// Returns the action on an undeclared index; `None` if it stays.
fn retirement(index: &IndexDefinition, unmanaged: UnmanagedIndexes) -> Option<Retirement> {
    match unmanaged {
        UnmanagedIndexes::Keep => None,
        UnmanagedIndexes::Hide => (!index.is_hidden()).then_some(Retirement::Hide),
        UnmanagedIndexes::DropHidden => index.is_hidden().then_some(Retirement::Drop),
        UnmanagedIndexes::Drop => Some(Retirement::Drop),
    }
}

/// Returns the step of the declared index for which an undeclared one stood in during a rebuild that was broken off.
fn stood_in_for<'a>(step: &PlanStep, steps: &'a [PlanStep]) -> Option<&'a PlanStep> {
    let name = step.index.stands_in_for()?;
    let declared = |other: &PlanStep| !matches!(other.action, PlanAction::Unmanaged | PlanAction::Conflict { .. });
    let mut same = steps.iter().filter(|other| other.collection == step.collection && declared(other));
    same.find(|other| other.index.name() == name)
}

/// A plan being applied.
pub(crate) struct PlanRun<'a> {
    db: &'a Database,
    options: &'a Settings,
    pub(crate) entries: Vec<AppliedStep>,
}

impl<'a> PlanRun<'a> {
    pub(crate) fn new(db: &'a Database, options: &'a Settings) -> Self {
        Self { db, options, entries: Vec::new() }
    }

    async fn finish(mut self, plan: IndexPlan) -> ApplyReport {
        let (mut collections, mut absent) = (Vec::new(), Vec::new());
        for step in &plan.collections {
            let (outcome, is_absent) = self.storage(step).await;
            if is_absent {
                absent.push(&step.collection);
            }
            collections.push(AppliedCollection { collection: step.collection.clone(), outcome });
        }
        for steps in plan.steps.chunk_by(|one, next| one.collection == next.collection) {
            let collection = &steps[0].collection;
            if absent.contains(&collection) {
                self.leave_out(collection, steps);
            } else {
                self.collection(collection, steps).await;
            }
        }
        ApplyReport { database: plan.database, collections, entries: self.entries }
    }

    /// Leaves out the indexes of a collection that could not be created: building one would make an ordinary collection.
    fn leave_out(&mut self, collection: &str, steps: &[PlanStep]) {
        for PlanStep { index, .. } in steps {
            let action = format!("build `{}` in `{}.{collection}`", index.name(), self.db.name());
            let error = Error::other(action, "its collection could not be created");
            self.record(collection, index, failure(error), Duration::ZERO);
        }
    }

    /// Creates or changes a collection. Also returns whether it does not exist, because it could not be created.
    async fn storage(&self, step: &CollectionStep) -> (StepOutcome, bool) {
        let name = &step.collection;
        let (done, outcome, is_new) = match &step.action {
            CollectionAction::Keep => return (StepOutcome::Kept, false),
            CollectionAction::Fixed { differences } => {
                return (StepOutcome::NeedsRebuild { differences: differences.clone() }, false);
            }
            CollectionAction::Conflict { options, .. } => {
                let error = Error::other(format!("apply the options of `{name}`"), conflict_advice(options));
                return (failure(error), false);
            }
            CollectionAction::Create { options } => {
                match create_collection(self.db, name, options).await {
                    // Another program made it since the plan.
                    Ok(Some(made)) => return Box::pin(self.storage(&made)).await,
                    created => (created.map(drop), StepOutcome::Created, true),
                }
            }
            CollectionAction::Change { differences } => {
                let outcome = StepOutcome::Changed { differences: differences.clone() };
                (index_commands::modify_collection(self.db, name, differences).await, outcome, false)
            }
        };
        if let Err(error) = done {
            tracing::error!(%error, collection = name, "a collection could not be created or changed");
            return (failure(error), is_new);
        }
        (outcome, false)
    }

    /// Applies the steps of a collection, in the order above.
    async fn collection(&mut self, collection: &str, steps: &[PlanStep]) {
        let mut missing = Vec::new();
        for PlanStep { index, action, .. } in steps {
            match action {
                PlanAction::Keep { .. } => self.record(collection, index, StepOutcome::Kept, Duration::ZERO),
                PlanAction::Conflict { with, why } => {
                    let outcome = StepOutcome::Conflict { with: with.clone(), why: *why };
                    self.record(collection, index, outcome, Duration::ZERO);
                }
                PlanAction::Change { existing, differences } => {
                    let (outcome, took) = timed(self.change(collection, existing, differences)).await;
                    self.record(collection, index, outcome, took);
                }
                PlanAction::Create => missing.push(index),
                PlanAction::Rebuild { .. } | PlanAction::Unmanaged => {}
            }
        }
        self.create(collection, &missing).await;
        for PlanStep { index, action, .. } in steps {
            if let PlanAction::Rebuild { existing, differences, .. } = action {
                let (outcome, took) = timed(self.rebuild(collection, index, existing, differences)).await;
                self.record(collection, index, outcome, took);
            }
        }
        for step in steps {
            if let PlanAction::Unmanaged = step.action {
                let how = match stood_in_for(step, steps) {
                    // Before the index for which it stood in is built, it still serves queries.
                    Some(other) => self.is_done(other).then_some(Retirement::Drop),
                    None => retirement(&step.index, self.options.unmanaged),
                };
                let (outcome, took) = timed(self.retire(collection, &step.index, how)).await;
                self.record(collection, &step.index, outcome, took);
            }
        }
    }

    /// Returns whether the index of a step exists as declared by now.
    fn is_done(&self, step: &PlanStep) -> bool {
        use StepOutcome::{Changed, Created, Kept, Rebuilt};
        let same =
            |entry: &&AppliedStep| entry.collection == step.collection && entry.index.name() == step.index.name();
        let mut outcomes = self.entries.iter().filter(same).map(|entry| &entry.outcome);
        outcomes.any(|outcome| matches!(outcome, Kept | Created | Changed { .. } | Rebuilt { .. }))
    }

    /// Returns whether a build did not finish, so that others will not either.
    fn is_waiting(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.outcome, StepOutcome::Unfinished { .. }))
    }

    /// Builds indexes, with a short wait after a build that did not finish.
    async fn build(&self, collection: &str, indexes: &[&IndexDefinition]) -> Result<(), Error> {
        if !self.is_waiting() {
            return build(self.db, collection, indexes, self.options).await;
        }
        let options = self.options.clone().max_wait(self.options.max_wait.min(SHORT_WAIT));
        build(self.db, collection, indexes, &options).await
    }

    pub(crate) fn record(&mut self, collection: &str, index: &IndexDefinition, outcome: StepOutcome, took: Duration) {
        if let StepOutcome::Failed { error, .. } = &outcome {
            tracing::error!(%error, collection, index = index.name(), "an index could not be created, changed or retired");
        }
        let (collection, index) = (collection.to_owned(), index.clone());
        self.entries.push(AppliedStep { collection, index, outcome, took, effect: None });
    }

    /// Builds all indexes in one pass over the documents. If one fails, the server builds none; then each is built by itself.
    pub(crate) async fn create(&mut self, collection: &str, missing: &[&IndexDefinition]) {
        if missing.len() > 1 {
            let (built, took) = timed(self.build(collection, missing)).await;
            let shared = match &built {
                Ok(()) => Some(StepOutcome::Created),
                Err(error) => unfinished(error),
            };
            if let Some(outcome) = shared {
                for index in missing {
                    self.record(collection, index, outcome.clone(), took);
                }
                return;
            }
        }
        for index in missing {
            let (built, took) = timed(self.build(collection, &[index])).await;
            let outcome = match built {
                Ok(()) => StepOutcome::Created,
                Err(error) => self.failed(collection, index, error).await,
            };
            self.record(collection, index, outcome, took);
        }
    }

    /// Returns the outcome of a failed build, with the duplicates that caused it.
    async fn failed(&self, collection: &str, index: &IndexDefinition, error: Error) -> StepOutcome {
        if let Some(outcome) = unfinished(&error) {
            return outcome;
        }
        let mut duplicates = None;
        if error.is_duplicate() {
            duplicates = DuplicateKeys::find(self.db, collection, index).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the duplicates that a unique index rejects could not be listed");
                None
            });
        }
        StepOutcome::Failed { error, duplicates, lost: false }
    }

    /// Changes an index in place.
    async fn change(
        &self,
        collection: &str,
        existing: &IndexDefinition,
        differences: &[IndexDifference],
    ) -> StepOutcome {
        let modify = |changes| index_commands::modify(self.db, collection, existing.name(), changes);
        let becomes_unique = differences.iter().any(|difference| difference.option == "unique");
        let mut changed = Ok(());
        if becomes_unique {
            changed = self.make_unique(collection, existing).await;
        }
        let rest = changes(differences);
        if changed.is_ok() && !rest.is_empty() {
            changed = modify(rest).await;
        }
        match changed {
            Ok(()) => StepOutcome::Changed { differences: differences.to_vec() },
            Err(RejectedChange { error, reply }) => {
                StepOutcome::Failed { error, duplicates: DuplicateKeys::from_reply(&reply), lost: false }
            }
        }
    }

    /// Sets `prepareUnique`, so that the index rejects new duplicates, and then converts it to unique. The server accepts neither
    /// together with another change.
    async fn make_unique(&self, collection: &str, existing: &IndexDefinition) -> Result<(), RejectedChange> {
        let modify = |changes| index_commands::modify(self.db, collection, existing.name(), changes);
        let prepared = existing.has_flag(PREPARE_UNIQUE);
        if !prepared {
            modify(doc! { PREPARE_UNIQUE: true }).await?;
        }
        let made = modify(doc! { "unique": true }).await;
        if made.is_err() && !prepared {
            // The change is undone, because an index that is not unique must not reject writes.
            if let Err(RejectedChange { error, .. }) = modify(doc! { PREPARE_UNIQUE: false }).await {
                tracing::error!(%error, "`prepareUnique` could not be reset: the index still rejects new duplicates");
            }
        }
        made
    }

    async fn rebuild(
        &self,
        collection: &str,
        index: &IndexDefinition,
        existing: &[IndexDefinition],
        differences: &[IndexDifference],
    ) -> StepOutcome {
        if !self.options.rebuild || self.is_waiting() {
            return StepOutcome::NeedsRebuild { differences: differences.to_vec() };
        }
        let index = &existing.iter().fold(index.clone(), IndexDefinition::with_undeclared_options);
        let rebuilt = match index_commands::list(self.db, collection).await {
            Err(error) => Err(failure(error)),
            Ok(ExistingIndexes { indexes: all, .. }) if can_coexist(index, existing) => {
                self.build_then_drop(collection, index, existing, &all).await
            }
            Ok(ExistingIndexes { indexes: all, .. }) => match stand_in(index, existing, &all) {
                Some(stand_in) => self.build_behind(collection, index, existing, &stand_in).await,
                None => self.drop_then_build(collection, index, existing).await,
            },
        };
        rebuilt.err().unwrap_or_else(|| {
            let dropped = existing.iter().map(|index| index.name().to_owned()).collect();
            StepOutcome::Rebuilt { dropped }
        })
    }

    /// Builds the new index under another name, because the old one still has the declared one.
    async fn build_then_drop(
        &self,
        collection: &str,
        index: &IndexDefinition,
        existing: &[IndexDefinition],
        all: &[IndexDefinition],
    ) -> Result<(), StepOutcome> {
        // An earlier attempt may have built it already, or begun to.
        let new = generated_twin(index, all).cloned();
        let new = new.unwrap_or_else(|| index.with_name(&free_name(index.name(), all)));
        if let Err(error) = self.build(collection, &[&new]).await {
            return Err(self.failed(collection, &new, error).await);
        }
        for old in existing {
            index_commands::remove(self.db, collection, old.name()).await.map_err(failure)?;
        }
        Ok(())
    }

    /// Builds an index that serves queries in the time in which neither the old nor the new one exists, or waits for one that exists
    /// already. Drops it in the end, unless a person made it, or it is still the only one.
    async fn build_behind(
        &self,
        collection: &str,
        index: &IndexDefinition,
        existing: &[IndexDefinition],
        stand_in: &IndexDefinition,
    ) -> Result<(), StepOutcome> {
        if let Err(error) = self.build(collection, &[stand_in]).await {
            return Err(self.failed(collection, stand_in, error).await);
        }
        let rebuilt = self.drop_then_build(collection, index, existing).await;
        let replaced = matches!(rebuilt, Ok(()) | Err(StepOutcome::Failed { lost: false, .. }));
        if replaced && stand_in.stands_in_for() == Some(index.name()) {
            index_commands::remove(self.db, collection, stand_in.name()).await.map_err(failure)?;
        }
        rebuilt
    }

    /// Drops the old indexes first, for definitions that cannot coexist. Builds them again if the new one fails.
    async fn drop_then_build(
        &self,
        collection: &str,
        index: &IndexDefinition,
        existing: &[IndexDefinition],
    ) -> Result<(), StepOutcome> {
        let Err(error) = self.replace(collection, index, existing).await else { return Ok(()) };
        if let Some(outcome) = unfinished(&error) {
            return Err(outcome);
        }
        let olds: Vec<_> = existing.iter().collect();
        let restored = self.build(collection, &olds).await;
        let mut outcome = self.failed(collection, index, error).await;
        if let StepOutcome::Failed { lost, .. } = &mut outcome {
            *lost = restored.is_err();
        }
        Err(outcome)
    }

    async fn replace(
        &self,
        collection: &str,
        index: &IndexDefinition,
        existing: &[IndexDefinition],
    ) -> Result<(), Error> {
        for old in existing {
            index_commands::remove(self.db, collection, old.name()).await?;
        }
        self.build(collection, &[index]).await
    }

    async fn retire(&self, collection: &str, index: &IndexDefinition, how: Option<Retirement>) -> StepOutcome {
        let name = index.name();
        let (retired, outcome) = match how {
            None => return StepOutcome::Unmanaged,
            Some(Retirement::Hide) => {
                let hidden = index_commands::modify(self.db, collection, name, doc! { "hidden": true }).await;
                (hidden.map_err(|refused| refused.error), StepOutcome::Hidden)
            }
            Some(Retirement::Drop) => (index_commands::remove(self.db, collection, name).await, StepOutcome::Dropped),
        };
        match retired {
            Ok(()) => outcome,
            Err(error) => failure(error),
        }
    }
}

/// Returns the outcome of a step that failed without a loss.
fn failure(error: Error) -> StepOutcome {
    StepOutcome::Failed { error, duplicates: None, lost: false }
}

/// Returns the changes that one `collMod` can make together.
fn changes(differences: &[IndexDifference]) -> Document {
    let together = differences.iter().filter(|difference| difference.option != "unique");
    let value = |declared: &Option<Bson>| declared.clone().unwrap_or(Bson::Boolean(false));
    together.map(|difference| (difference.option.clone(), value(&difference.declared))).collect()
}

/// Returns the outcome of a build that was left to the server.
fn unfinished(error: &Error) -> Option<StepOutcome> {
    error.waits_for().map(|members| StepOutcome::Unfinished { waits_for: members.to_vec() })
}

pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let clock = Clock::system();
    let began = now(&clock);
    let done = work.await;
    (done, Duration::from_nanos(now(&clock) - began))
}
