//! Applies a plan.
//!
//! Under the lease the plan is computed again, because the previous holder may have applied it all. Then, for each collection: changes in
//! place, missing indexes (in one pass over the documents), rebuilds (the new index before the old one is dropped, where both can exist),
//! and last the undeclared indexes. Every command is idempotent.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;

use super::build::build;
use super::declared::DeclaredIndexes;
use super::index_commands::{self, RejectedChange};
use crate::advice::Retirement;
use crate::error::Error;
use crate::lease::with_lease;
use crate::plan::{
    AppliedCollection, AppliedStep, ApplyReport, CollectionAction, CollectionStep, DuplicateKeys, IndexDefinition,
    IndexDifference, IndexPlan, PREPARE_UNIQUE, PlanAction, PlanStep, Settings, StepOutcome, UnmanagedIndexes,
    can_coexist, conflict_advice,
};
use fastness_core::Clock;
use fastness_core::seam::now;

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
                is_left_over(step, &plan.steps) || retirement(&step.index, options.unmanaged).is_some()
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

/// Returns whether the index stood in during a rebuild that was broken off, whose own index exists or is built by this plan.
fn is_left_over(step: &PlanStep, steps: &[PlanStep]) -> bool {
    let stood_in = |other: &&PlanStep| {
        let stand_in = other.index.stand_in(&stand_in_name(&other.index));
        stand_in.is_some_and(|index| index.name() == step.index.name() && index.is_identical(&step.index))
    };
    let done = |other: &PlanStep| matches!(other.action, PlanAction::Keep { .. } | PlanAction::Create);
    steps.iter().filter(|other| other.collection == step.collection).any(|other| done(other) && stood_in(&other))
}

/// Returns the name of the index that stands in for one while it is rebuilt.
fn stand_in_name(index: &IndexDefinition) -> String {
    format!("{}_meanwhile", index.name())
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
        let mut collections = Vec::new();
        for step in &plan.collections {
            let outcome = self.storage(step).await;
            collections.push(AppliedCollection { collection: step.collection.clone(), outcome });
        }
        for steps in plan.steps.chunk_by(|one, next| one.collection == next.collection) {
            self.collection(&steps[0].collection, steps).await;
        }
        ApplyReport { database: plan.database, collections, entries: self.entries }
    }

    /// Creates or changes a collection.
    async fn storage(&self, step: &CollectionStep) -> StepOutcome {
        let name = &step.collection;
        let (done, outcome) = match &step.action {
            CollectionAction::Keep => return StepOutcome::Kept,
            CollectionAction::Fixed { differences } => {
                return StepOutcome::NeedsRebuild { differences: differences.clone() };
            }
            CollectionAction::Conflict { options, .. } => {
                let error = Error::other(format!("apply the options of `{name}`"), conflict_advice(options));
                return StepOutcome::Failed { error, duplicates: None, lost: false };
            }
            CollectionAction::Create { options } => {
                (index_commands::create_collection(self.db, name, options).await, StepOutcome::Created)
            }
            CollectionAction::Change { differences } => {
                let outcome = StepOutcome::Changed { differences: differences.clone() };
                (index_commands::modify_collection(self.db, name, differences).await, outcome)
            }
        };
        if let Err(error) = done {
            tracing::error!(%error, collection = name, "a collection could not be created or changed");
            return StepOutcome::Failed { error, duplicates: None, lost: false };
        }
        outcome
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
                let retirement = retirement(&step.index, self.options.unmanaged);
                // Before the index for which it stood in is built, it still serves queries.
                let built = !self.entries.iter().any(|entry| matches!(entry.outcome, StepOutcome::Unfinished { .. }));
                let left_over = (built && is_left_over(step, steps)).then_some(Retirement::Drop);
                let (outcome, took) = timed(self.retire(collection, &step.index, left_over.or(retirement))).await;
                self.record(collection, &step.index, outcome, took);
            }
        }
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
            let (built, took) = timed(build(self.db, collection, missing, self.options)).await;
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
            let (built, took) = timed(build(self.db, collection, &[index], self.options)).await;
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
        if !self.options.rebuild {
            return StepOutcome::NeedsRebuild { differences: differences.to_vec() };
        }
        let index = &existing.iter().fold(index.clone(), IndexDefinition::with_undeclared_options);
        let rebuilt = if can_coexist(index, existing) {
            self.build_then_drop(collection, index, existing).await
        } else if let Some(stand_in) = index.stand_in(index.name()) {
            self.build_behind(collection, index, existing, &stand_in).await
        } else {
            self.drop_then_build(collection, index, existing).await
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
    ) -> Result<(), StepOutcome> {
        let fail = |error| StepOutcome::Failed { error, duplicates: None, lost: false };
        let listing = index_commands::list(self.db, collection).await.map_err(fail)?;
        let index = index.with_name(&free_name(index.name(), &listing.indexes));
        if let Err(error) = build(self.db, collection, &[&index], self.options).await {
            return Err(self.failed(collection, &index, error).await);
        }
        for old in existing {
            index_commands::remove(self.db, collection, old.name()).await.map_err(fail)?;
        }
        Ok(())
    }

    /// Builds an index that serves queries in the time in which neither the old nor the new one exists, and drops it in the end.
    async fn build_behind(
        &self,
        collection: &str,
        index: &IndexDefinition,
        existing: &[IndexDefinition],
        stand_in: &IndexDefinition,
    ) -> Result<(), StepOutcome> {
        let fail = |error| StepOutcome::Failed { error, duplicates: None, lost: false };
        let listing = index_commands::list(self.db, collection).await.map_err(fail)?;
        let name = stand_in_name(index);
        // An index over these fields, of a person or of an earlier attempt, serves queries as well.
        let twin = listing.indexes.iter().find(|other| other.is_identical(stand_in));
        let served = twin.is_some_and(|twin| !twin.is_being_built() && twin.name() != name);
        let name = twin.map_or_else(|| free_name(&name, &listing.indexes), |twin| twin.name().to_owned());
        let stand_in = stand_in.with_name(&name);
        if !served && let Err(error) = build(self.db, collection, &[&stand_in], self.options).await {
            return Err(self.failed(collection, &stand_in, error).await);
        }
        let rebuilt = self.drop_then_build(collection, index, existing).await;
        let waits = matches!(rebuilt, Err(StepOutcome::Unfinished { .. }));
        if !served && !waits {
            index_commands::remove(self.db, collection, stand_in.name()).await.map_err(fail)?;
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
        for old in existing {
            let fail = |error| StepOutcome::Failed { error, duplicates: None, lost: false };
            index_commands::remove(self.db, collection, old.name()).await.map_err(fail)?;
        }
        let Err(error) = build(self.db, collection, &[index], self.options).await else { return Ok(()) };
        if let Some(outcome) = unfinished(&error) {
            return Err(outcome);
        }
        let olds: Vec<_> = existing.iter().collect();
        let restored = build(self.db, collection, &olds, self.options).await;
        let mut outcome = self.failed(collection, index, error).await;
        if let StepOutcome::Failed { lost, .. } = &mut outcome {
            *lost = restored.is_err();
        }
        Err(outcome)
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
            Err(error) => StepOutcome::Failed { error, duplicates: None, lost: false },
        }
    }
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

pub(crate) fn free_name(name: &str, taken: &[IndexDefinition]) -> String {
    let free = |name: &String| !taken.iter().any(|index| index.name() == name);
    let mut names = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}_{number}")));
    names.find(free).unwrap_or_else(|| name.to_owned())
}

pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let clock = Clock::system();
    let began = now(&clock);
    let done = work.await;
    (done, Duration::from_nanos(now(&clock) - began))
}
