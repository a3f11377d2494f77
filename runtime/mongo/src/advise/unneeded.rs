//! Indexes that cost writes and memory, and serve nobody.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::shape::ordinary;
use super::shell;
use super::usage::Usage;
use crate::plan::Index;

/// An index that is not needed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Unneeded {
    /// The name of the collection.
    pub collection: String,
    /// The name of the index.
    pub index: String,
    /// Why it is not needed.
    #[serde(flatten)]
    pub reason: Redundancy,
    /// A model declares it: as long as it does, the next `apply` brings it back.
    pub declared: bool,
    /// A line for MongoDB's shell (`mongosh`) that hides it: `db.products.hideIndex("business_1")`.
    pub shell: String,
}

/// Why an index is not needed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Redundancy {
    /// Another one begins with its keys, and serves all that it does.
    Covered {
        /// The name of the other.
        by: String,
    },
    /// No query used it on any server.
    Unused {
        /// For so many whole days.
        days: u64,
    },
}

/// How long nobody must have used an index: what is done once a week counts.
pub(crate) const UNUSED: Duration = Duration::from_secs(7 * 86_400);

/// The indexes of a collection that are not needed, those left out that are hidden already. `usages` is empty where nobody may know
/// them; who was not used for the time `unused` counts as unused.
pub(crate) fn unneeded(collection: &str, existing: &[Index], usages: &[Usage], unused: Duration) -> Vec<Unneeded> {
    let reason = |index: &Index| {
        let covering = existing.iter().find(|other| other.name() != index.name() && covers(other, index));
        let usage = usages.iter().find(|usage| usage.index == index.name());
        covering
            .map(|other| Redundancy::Covered { by: other.name().to_owned() })
            .or_else(|| idle(index, usage?, unused))
    };
    let found = |index: &Index| {
        Some(Unneeded {
            collection: collection.to_owned(),
            index: index.name().to_owned(),
            reason: reason(index)?,
            declared: false,
            shell: shell::call(collection, "hideIndex", index.name()),
        })
    };
    existing.iter().filter(|index| !index.is_of_id() && !index.is_hidden()).filter_map(found).collect()
}

/// Whether `long` serves every query that `short` does: it begins with the same keys, in the same directions or all reversed,
/// and `short` has nothing else to do.
pub(crate) fn covers(long: &Index, short: &Index) -> bool {
    let (Some(long_keys), Some(short_keys)) = (ordinary(long), ordinary(short)) else { return false };
    let begins = |reversed: i32| {
        short_keys.iter().zip(&long_keys).all(|(one, other)| one.0 == other.0 && one.1 == other.1 * reversed)
    };
    let same = |option: &str| long.option(option) == short.option(option);
    short_keys.len() < long_keys.len()
        && (begins(1) || begins(-1))
        && !has_duties(short)
        && !short.is_of_id()
        && !long.is_being_built()
        // A sparse index of more fields holds documents that lack some of them, but not those that lack all.
        && ["partialFilterExpression", "collation"].iter().all(|option| same(option))
        && ["sparse", "hidden"].iter().all(|option| long.option(option).is_none())
}

/// Whether it does something also when nobody queries it.
pub(crate) fn has_duties(index: &Index) -> bool {
    index.is("unique") || index.is("prepareUnique") || index.option("expireAfterSeconds").is_some()
}

fn idle(index: &Index, usage: &Usage, unused: Duration) -> Option<Redundancy> {
    let idle = usage.operations == 0 && usage.watched >= unused;
    (idle && !has_duties(index)).then_some(Redundancy::Unused { days: usage.watched.as_secs() / 86_400 })
}

impl fmt::Display for Unneeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the index {} is not needed: ", self.collection, self.index)?;
        match &self.reason {
            Redundancy::Covered { by } => write!(f, "{by} begins with its keys")?,
            Redundancy::Unused { days } => write!(f, "no query used it for {days} days; hide it before you drop it")?,
        }
        if self.declared { f.write_str("; its model declares it: remove the attribute, too") } else { Ok(()) }
    }
}
