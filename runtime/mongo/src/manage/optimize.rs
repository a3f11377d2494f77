//! What was chosen of an advice, done: by the same hands, and under the same lease, as what models declare.
//!
//! What was decided when the advice was given may no longer hold, so each index is looked at again before it is touched.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;

use super::apply::{Run, free_name, timed};
use super::declared::Declared;
use super::server::{self, Listing};
use crate::advise::{self, Chosen, Retirement};
use crate::error::Error;
use crate::lease::leased;
use crate::plan::{Index, Outcome, Report, Settings};

pub(crate) async fn optimize(declared: &Declared, chosen: &Chosen, options: &Settings) -> Result<Report, Error> {
    let db = &declared.db;
    let database = db.name().to_owned();
    if chosen.is_empty() {
        return Ok(Report { database, entries: Vec::new() });
    }
    let work = async {
        let mut run = Run::new(db, options);
        for (collection, key) in &chosen.create {
            create(&mut run, db, collection, key).await?;
        }
        // One after the other: what makes one index needless may be the next that goes.
        for (collection, index, retirement) in &chosen.retire {
            retire(&mut run, declared, (collection, index), *retirement).await?;
        }
        Ok(Report { database, entries: run.entries })
    };
    leased(db, options.lease, options.patience, work).await
}

async fn create(run: &mut Run<'_>, db: &Database, collection: &str, key: &Document) -> Result<(), Error> {
    let new = advise::plain(key);
    let listing = server::list(db, collection).await?;
    let existing = listing.to_queries();
    if let Some(serving) = existing.iter().find(|index| serves(index, &new)) {
        run.tell(collection, serving, Outcome::Kept, Duration::ZERO);
        return Ok(());
    }
    if let Some(hidden) = existing.iter().find(|index| advise::is_hidden_twin(index, &new)) {
        let show = server::modify(db, collection, hidden.name(), doc! { "hidden": false });
        let (shown, took) = timed(show).await;
        let outcome = match shown {
            Ok(()) => Outcome::Changed { differences: new.called(hidden.name()).differences(hidden) },
            Err(refused) => failed(refused.error),
        };
        run.tell(collection, hidden, outcome, took);
        return Ok(());
    }
    // One that is being built is there, too: to build it is to wait for it.
    let building = existing.iter().find(|index| index.is_being_built() && index.does_the_same(&new));
    let name = building.map_or_else(|| free_name(new.name(), &existing), |index| index.name().to_owned());
    run.create(collection, &[&new.called(&name).inheriting(listing.collation.as_ref())]).await;
    Ok(())
}

/// Whether an index does all that the new one would.
fn serves(index: &Index, new: &Index) -> bool {
    let whole = ["partialFilterExpression", "collation", "sparse", "hidden"];
    let same = index.key_is(new) && whole.iter().all(|option| index.option(option).is_none());
    !index.is_being_built() && (same || advise::covers(index, new))
}

async fn retire(
    run: &mut Run<'_>,
    declared: &Declared,
    (collection, name): (&str, &str),
    retirement: Retirement,
) -> Result<(), Error> {
    let db = &declared.db;
    let listing = server::list(db, collection).await?;
    let Some(index) = listing.indexes.iter().find(|index| index.name() == name) else {
        let gone = Index::listed(doc! { "name": name, "key": {} });
        let outcome = match retirement {
            // By another process, or by hand: that is what was wanted.
            Retirement::Drop => Outcome::Dropped,
            Retirement::Hide => failed(refuse(collection, name, "there is no such index")),
        };
        run.tell(collection, &gone, outcome, Duration::ZERO);
        return Ok(());
    };
    let (outcome, took) = match objection(declared, collection, &listing, index).await? {
        Some(why) => (failed(refuse(collection, name, why)), Duration::ZERO),
        None => timed(act(db, collection, index, retirement)).await,
    };
    run.tell(collection, index, outcome, took);
    Ok(())
}

/// Why an index has to stay.
async fn objection(
    declared: &Declared,
    collection: &str,
    listing: &Listing,
    index: &Index,
) -> Result<Option<&'static str>, Error> {
    if index.is_of_id() {
        return Ok(Some("each collection needs the index over `_id`"));
    }
    if advise::has_duties(index) {
        return Ok(Some("it is unique, or lets documents expire: that is no matter of speed, so drop it by hand"));
    }
    if index.is_hidden() {
        return Ok(None);
    }
    let usages = advise::usage(&declared.db, collection).await?;
    let unneeded = declared.unneeded(collection, listing, &usages);
    let needed = !unneeded.iter().any(|unneeded| unneeded.index == index.name());
    Ok(needed.then_some("it is needed: it was used, or nothing covers it, or nobody may know"))
}

async fn act(db: &Database, collection: &str, index: &Index, retirement: Retirement) -> Outcome {
    let (done, outcome) = match retirement {
        Retirement::Hide if index.is_hidden() => (Ok(()), Outcome::Hidden),
        Retirement::Hide => {
            let hidden = server::modify(db, collection, index.name(), doc! { "hidden": true }).await;
            (hidden.map_err(|refused| refused.error), Outcome::Hidden)
        }
        Retirement::Drop => (server::remove(db, collection, index.name()).await, Outcome::Dropped),
    };
    done.map_or_else(failed, |()| outcome)
}

fn refuse(collection: &str, index: &str, why: &str) -> Error {
    Error::other(format!("give up `{index}` of `{collection}`"), why)
}

fn failed(error: Error) -> Outcome {
    Outcome::Failed { error, duplicates: None, lost: false }
}
