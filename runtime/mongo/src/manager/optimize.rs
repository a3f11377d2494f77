//! Carries out selected advice, with the same commands and under the same lease as declared indexes.
//!
//! The situation may have changed since the advice was given, so each index is checked again before it is changed.

use std::time::Duration;

use bson::doc;
use mongodb::Database;

use super::apply::{PlanRun, timed};
use super::declared::DeclaredIndexes;
use super::index_commands::{self, ExistingIndexes};
use crate::advice::{self, AdviceSelection, CreatedIndex, Retirement};
use crate::error::Error;
use crate::lease::with_lease;
use crate::plan::{AppliedStep, ApplyReport, IndexDefinition, IndexEffect, Settings, StepOutcome, free_name};

pub(crate) async fn optimize(
    declared: &DeclaredIndexes,
    chosen: &AdviceSelection,
    options: &Settings,
) -> Result<ApplyReport, Error> {
    let db = &declared.db;
    let database = db.name().to_owned();
    if chosen.is_empty() {
        return Ok(ApplyReport { database, collections: Vec::new(), entries: Vec::new() });
    }
    let work = async {
        let mut run = PlanRun::new(db, options);
        for index in &chosen.create {
            create(&mut run, db, index).await?;
        }
        for index in &chosen.create {
            measure_effect(&mut run, db, index).await;
        }
        // Indexes are retired one after the other, because retiring one may make the next one needed.
        for (collection, index, retirement) in &chosen.retire {
            retire(&mut run, declared, (collection, index), *retirement).await?;
        }
        Ok(ApplyReport { database, collections: Vec::new(), entries: run.entries })
    };
    // Boxed, because the futures of the driver within are large.
    with_lease(db, options.lease, options.max_wait, Box::pin(work)).await
}

async fn create(run: &mut PlanRun<'_>, db: &Database, chosen: &CreatedIndex) -> Result<(), Error> {
    let collection = chosen.collection.as_str();
    let new = advice::definition(&chosen.key, &chosen.options);
    let listing = index_commands::list(db, collection).await?;
    let collated = new.option("collation").is_some();
    let existing = if collated { listing.indexes.clone() } else { listing.for_queries() };
    if let Some(serving) = existing.iter().find(|index| serves(index, &new)) {
        run.record(collection, serving, StepOutcome::Kept, Duration::ZERO);
        return Ok(());
    }
    if let Some(hidden) = existing.iter().find(|index| advice::is_hidden_twin(index, &new)) {
        let show = index_commands::modify(db, collection, hidden.name(), doc! { "hidden": false });
        let (shown, took) = timed(show).await;
        let outcome = match shown {
            Ok(()) => StepOutcome::Changed { differences: new.with_name(hidden.name()).differences(hidden) },
            Err(refused) => failed(refused.error),
        };
        run.record(collection, hidden, outcome, took);
        return Ok(());
    }
    // An index that is being built exists already: building it again waits for it.
    let building = existing.iter().find(|index| index.is_being_built() && index.is_same_except_name(&new));
    let name = building.map_or_else(|| free_name(new.name(), &existing), |index| index.name().to_owned());
    let inherited = listing.collation.as_ref().filter(|_| !collated && !is_special(&new));
    run.create(collection, &[&new.with_name(&name).with_inherited_collation(inherited)]).await;
    Ok(())
}

/// Explains the query again for which an index was built, and notes whether it reads less. A query that cannot be explained is left out.
async fn measure_effect(run: &mut PlanRun<'_>, db: &Database, chosen: &CreatedIndex) {
    let new = advice::definition(&chosen.key, &chosen.options);
    let built = |entry: &&mut AppliedStep| {
        entry.collection == chosen.collection
            && entry.index.has_same_key(&new)
            && matches!(entry.outcome, StepOutcome::Created | StepOutcome::Changed { .. })
    };
    let Some(entry) = run.entries.iter_mut().find(built) else { return };
    let Ok((Ok(explained), _)) = advice::explain_query(db, &chosen.query).await else { return };
    let (before, after) = (chosen.reads, explained.result.documents + explained.result.keys);
    let spares = chosen.sorted && !explained.result.sorted_in_memory;
    // Without the index, the server refused a query that read nothing.
    let helped = after.saturating_mul(2) <= before || spares || before == 0;
    entry.effect = Some(IndexEffect { before, after, helped });
}

/// Returns whether an index is for words or places, which has no collation.
fn is_special(index: &IndexDefinition) -> bool {
    index.key().iter().any(|(_, kind)| kind.as_str().is_some())
}

/// Returns whether an existing index does everything that the new one would.
fn serves(index: &IndexDefinition, new: &IndexDefinition) -> bool {
    let whole = ["partialFilterExpression", "collation", "sparse", "hidden"];
    let same = index.has_same_key(new) && whole.iter().all(|option| index.option(option) == new.option(option));
    !index.is_being_built() && (same || advice::covers(index, new))
}

async fn retire(
    run: &mut PlanRun<'_>,
    declared: &DeclaredIndexes,
    (collection, name): (&str, &str),
    retirement: Retirement,
) -> Result<(), Error> {
    let db = &declared.db;
    let listing = index_commands::list(db, collection).await?;
    let Some(index) = listing.indexes.iter().find(|index| index.name() == name) else {
        let gone = IndexDefinition::listed(doc! { "name": name, "key": {} });
        let outcome = match retirement {
            // Another process or a person has dropped it, which is the requested outcome.
            Retirement::Drop => StepOutcome::Dropped,
            Retirement::Hide => failed(refusal(collection, name, "the index does not exist")),
        };
        run.record(collection, &gone, outcome, Duration::ZERO);
        return Ok(());
    };
    let (outcome, took) = match reason_to_stay(declared, collection, &listing, index).await? {
        Some(why) => (failed(refusal(collection, name, why)), Duration::ZERO),
        None => timed(retire_index(db, collection, index, retirement)).await,
    };
    run.record(collection, index, outcome, took);
    Ok(())
}

/// Returns the reason why an index has to stay.
async fn reason_to_stay(
    declared: &DeclaredIndexes,
    collection: &str,
    listing: &ExistingIndexes,
    index: &IndexDefinition,
) -> Result<Option<&'static str>, Error> {
    if index.is_id_index() {
        return Ok(Some("every collection needs the index on `_id`"));
    }
    if index.is_server_made() {
        return Ok(Some("the server made it by itself, and needs it"));
    }
    if index.has_other_purpose() {
        return Ok(Some("it is unique, or expires documents: drop it by hand if that is no longer needed"));
    }
    if index.is_hidden() {
        return Ok(None);
    }
    let usages = advice::usage(&declared.db, collection).await?;
    let unneeded = declared.unneeded(collection, listing, &usages).await;
    let needed = !unneeded.iter().any(|unneeded| unneeded.index == index.name());
    Ok(needed.then_some("it is needed: it was used, or its usage is unknown, and no other index covers it"))
}

async fn retire_index(db: &Database, collection: &str, index: &IndexDefinition, retirement: Retirement) -> StepOutcome {
    let (done, outcome) = match retirement {
        Retirement::Hide if index.is_hidden() => (Ok(()), StepOutcome::Hidden),
        Retirement::Hide => {
            let hidden = index_commands::modify(db, collection, index.name(), doc! { "hidden": true }).await;
            (hidden.map_err(|refused| refused.error), StepOutcome::Hidden)
        }
        Retirement::Drop => (index_commands::remove(db, collection, index.name()).await, StepOutcome::Dropped),
    };
    done.map_or_else(failed, |()| outcome)
}

fn refusal(collection: &str, index: &str, why: &str) -> Error {
    Error::other(format!("retire `{index}` of `{collection}`"), why)
}

fn failed(error: Error) -> StepOutcome {
    StepOutcome::Failed { error, duplicates: None, lost: false }
}
