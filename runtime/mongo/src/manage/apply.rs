//! The only writes: what a plan says, done.
//!
//! Under the lease, the plan is made anew, since whoever held it before may have done it all. Then collection by collection:
//! changes in place, what is missing (in one pass), what has to be rebuilt (created before the old one is dropped, where both can
//! be), and last what nobody declares. Every command can be sent twice without harm.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;

use super::build::build;
use super::declared::Declared;
use super::server::{self, Refused};
use crate::error::Error;
use crate::lease::leased;
use crate::plan::{Action, Difference, Duplicates, Entry, Index, Outcome, Plan, Report, Settings, Step, Unmanaged};
use fastness_core::Clock;
use fastness_core::seam::now;

pub(crate) async fn apply(declared: &Declared, options: &Settings) -> Result<Report, Error> {
    let plan = declared.plan().await?;
    if !wants_writes(&plan, options) {
        return Ok(Run::new(&declared.db, options).finish(plan).await);
    }
    let work = async {
        let plan = declared.plan().await?;
        Ok(Run::new(&declared.db, options).finish(plan).await)
    };
    leased(&declared.db, options.lease, options.patience, work).await
}

/// Whether there is anything to write.
fn wants_writes(plan: &Plan, options: &Settings) -> bool {
    plan.steps.iter().any(|step| match &step.action {
        Action::Create | Action::Change { .. } => true,
        Action::Rebuild { .. } => options.rebuild,
        Action::Unmanaged => retirement(&step.index, options.unmanaged).is_some(),
        Action::Keep { .. } | Action::Conflict { .. } => false,
    })
}

/// What is done to an index that nobody declares.
#[derive(Clone, Copy)]
enum Retirement {
    Hide,
    Drop,
}

fn retirement(index: &Index, unmanaged: Unmanaged) -> Option<Retirement> {
    match unmanaged {
        Unmanaged::Keep => None,
        Unmanaged::Hide => (!index.is_hidden()).then_some(Retirement::Hide),
        Unmanaged::DropHidden => index.is_hidden().then_some(Retirement::Drop),
        Unmanaged::Drop => Some(Retirement::Drop),
    }
}

/// One plan being done.
pub(crate) struct Run<'a> {
    db: &'a Database,
    options: &'a Settings,
    pub(crate) entries: Vec<Entry>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(db: &'a Database, options: &'a Settings) -> Self {
        Self { db, options, entries: Vec::new() }
    }

    async fn finish(mut self, plan: Plan) -> Report {
        for steps in plan.steps.chunk_by(|one, next| one.collection == next.collection) {
            self.collection(&steps[0].collection, steps).await;
        }
        Report { database: plan.database, entries: self.entries }
    }

    /// Does what a collection needs, in the order of the work.
    async fn collection(&mut self, collection: &str, steps: &[Step]) {
        let mut missing = Vec::new();
        for Step { index, action, .. } in steps {
            match action {
                Action::Keep { .. } => self.tell(collection, index, Outcome::Kept, Duration::ZERO),
                Action::Conflict { with, why } => {
                    let outcome = Outcome::Conflict { with: with.clone(), why: *why };
                    self.tell(collection, index, outcome, Duration::ZERO);
                }
                Action::Change { existing, differences } => {
                    let (outcome, took) = timed(self.change(collection, existing, differences)).await;
                    self.tell(collection, index, outcome, took);
                }
                Action::Create => missing.push(index),
                Action::Rebuild { .. } | Action::Unmanaged => {}
            }
        }
        self.create(collection, &missing).await;
        for Step { index, action, .. } in steps {
            if let Action::Rebuild { existing, differences } = action {
                let (outcome, took) = timed(self.rebuild(collection, index, existing, differences)).await;
                self.tell(collection, index, outcome, took);
            }
        }
        for Step { index, action, .. } in steps {
            if let Action::Unmanaged = action {
                let (outcome, took) = timed(self.retire(collection, index)).await;
                self.tell(collection, index, outcome, took);
            }
        }
    }

    pub(crate) fn tell(&mut self, collection: &str, index: &Index, outcome: Outcome, took: Duration) {
        if let Outcome::Failed { error, .. } = &outcome {
            tracing::error!(%error, collection, index = index.name(), "an index is not as declared");
        }
        self.entries.push(Entry { collection: collection.to_owned(), index: index.clone(), outcome, took });
    }

    /// All in one pass over the documents; if one of them cannot be built none is, so then each by itself.
    pub(crate) async fn create(&mut self, collection: &str, missing: &[&Index]) {
        if missing.len() > 1 {
            let (built, took) = timed(build(self.db, collection, missing, self.options)).await;
            if built.is_ok() {
                for index in missing {
                    self.tell(collection, index, Outcome::Created, took);
                }
                return;
            }
        }
        for index in missing {
            let (built, took) = timed(build(self.db, collection, &[index], self.options)).await;
            let outcome = match built {
                Ok(()) => Outcome::Created,
                Err(error) => self.failed(collection, index, error).await,
            };
            self.tell(collection, index, outcome, took);
        }
    }

    /// With what can be found out about the reason.
    async fn failed(&self, collection: &str, index: &Index, error: Error) -> Outcome {
        let mut duplicates = None;
        if error.is_duplicate() {
            duplicates = Duplicates::find(self.db, collection, index).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the documents that a unique index refuses are not known");
                None
            });
        }
        Outcome::Failed { error, duplicates, lost: false }
    }

    /// In place.
    async fn change(&self, collection: &str, existing: &Index, differences: &[Difference]) -> Outcome {
        let modify = |changes| server::modify(self.db, collection, existing.name(), changes);
        let becomes_unique = differences.iter().any(|difference| difference.option == "unique");
        let mut changed = Ok(());
        if becomes_unique {
            changed = self.make_unique(collection, existing).await;
        } else if differences.iter().any(|difference| difference.option == "prepareUnique") {
            changed = modify(doc! { "prepareUnique": false }).await;
        }
        let rest = changes(differences);
        if changed.is_ok() && !rest.is_empty() {
            changed = modify(rest).await;
        }
        match changed {
            Ok(()) => Outcome::Changed { differences: differences.to_vec() },
            Err(Refused { error, reply }) => {
                Outcome::Failed { error, duplicates: Duplicates::of_reply(&reply), lost: false }
            }
        }
    }

    /// The index is first told to refuse new duplicates, and then asked whether it holds any. The server takes neither
    /// together with another change.
    async fn make_unique(&self, collection: &str, existing: &Index) -> Result<(), Refused> {
        let modify = |changes| server::modify(self.db, collection, existing.name(), changes);
        let prepared = existing.is("prepareUnique");
        if !prepared {
            modify(doc! { "prepareUnique": true }).await?;
        }
        let made = modify(doc! { "unique": true }).await;
        if made.is_err() && !prepared {
            // Else writes would be refused from now on by an index that is not unique.
            if let Err(Refused { error, .. }) = modify(doc! { "prepareUnique": false }).await {
                tracing::error!(%error, "the index still refuses new duplicates");
            }
        }
        made
    }

    async fn rebuild(
        &self,
        collection: &str,
        index: &Index,
        existing: &[Index],
        differences: &[Difference],
    ) -> Outcome {
        if !self.options.rebuild {
            return Outcome::NeedsRebuild { differences: differences.to_vec() };
        }
        let rebuilt = if can_coexist(index, existing) {
            self.build_then_drop(collection, index, existing).await
        } else {
            self.drop_then_build(collection, index, existing).await
        };
        rebuilt.err().unwrap_or_else(|| {
            let dropped = existing.iter().map(|index| index.name().to_owned()).collect();
            Outcome::Rebuilt { dropped }
        })
    }

    /// Under another name, since the old one still has it.
    async fn build_then_drop(&self, collection: &str, index: &Index, existing: &[Index]) -> Result<(), Outcome> {
        let fail = |error| Outcome::Failed { error, duplicates: None, lost: false };
        let listing = server::list(self.db, collection).await.map_err(fail)?;
        let index = index.called(&free_name(index.name(), &listing.indexes));
        if let Err(error) = build(self.db, collection, &[&index], self.options).await {
            return Err(self.failed(collection, &index, error).await);
        }
        for old in existing {
            server::remove(self.db, collection, old.name()).await.map_err(fail)?;
        }
        Ok(())
    }

    /// For those that cannot both exist. What was dropped is built again if the new one cannot be.
    async fn drop_then_build(&self, collection: &str, index: &Index, existing: &[Index]) -> Result<(), Outcome> {
        for old in existing {
            let fail = |error| Outcome::Failed { error, duplicates: None, lost: false };
            server::remove(self.db, collection, old.name()).await.map_err(fail)?;
        }
        let Err(error) = build(self.db, collection, &[index], self.options).await else { return Ok(()) };
        let olds: Vec<_> = existing.iter().collect();
        let restored = build(self.db, collection, &olds, self.options).await;
        let mut outcome = self.failed(collection, index, error).await;
        if let Outcome::Failed { lost, .. } = &mut outcome {
            *lost = restored.is_err();
        }
        Err(outcome)
    }

    async fn retire(&self, collection: &str, index: &Index) -> Outcome {
        let name = index.name();
        let (retired, outcome) = match retirement(index, self.options.unmanaged) {
            None => return Outcome::Unmanaged,
            Some(Retirement::Hide) => {
                let hidden = server::modify(self.db, collection, name, doc! { "hidden": true }).await;
                (hidden.map_err(|refused| refused.error), Outcome::Hidden)
            }
            Some(Retirement::Drop) => (server::remove(self.db, collection, name).await, Outcome::Dropped),
        };
        match retired {
            Ok(()) => outcome,
            Err(error) => Outcome::Failed { error, duplicates: None, lost: false },
        }
    }
}

/// What can be changed together.
fn changes(differences: &[Difference]) -> Document {
    let alone = ["unique", "prepareUnique"];
    let together = differences.iter().filter(|difference| !alone.contains(&difference.option.as_str()));
    let value = |declared: &Option<Bson>| declared.clone().unwrap_or(Bson::Boolean(false));
    together.map(|difference| (difference.option.clone(), value(&difference.declared))).collect()
}

/// Whether the new one can be built while the old ones are there, if it gets another name.
fn can_coexist(index: &Index, existing: &[Index]) -> bool {
    let excludes = |old: &Index| old.is_identical(index) || (old.is_text() && index.is_text());
    !index.is_named() && !existing.iter().any(excludes)
}

pub(crate) fn free_name(name: &str, taken: &[Index]) -> String {
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
