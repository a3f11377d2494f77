//! Indexes that cost writes and memory without serving queries.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bson::doc;
use serde::Serialize;

use super::requirements::plain_key;
use super::shell;
use super::usage::IndexUsage;
use crate::plan::IndexDefinition;

/// An index that is not needed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UnneededIndex {
    /// Name of the collection.
    pub collection: String,
    /// Name of the index.
    pub index: String,
    /// The reason.
    #[serde(flatten)]
    pub reason: UnneededReason,
    /// True if a model declares the index; then the next `apply` creates it again.
    pub declared: bool,
    /// Command for MongoDB's shell (`mongosh`) that hides the index: `db.products.hideIndex("business_1")`.
    pub shell: String,
}

/// Reason why an index is not needed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnneededReason {
    /// The key of another index begins with this index's key, and serves the same queries.
    Covered {
        /// Name of the other index.
        by: String,
    },
    /// No server used the index for a query.
    Unused {
        /// Whole days for which all servers have been counting.
        days: u64,
    },
}

/// Default time without a use after which an index counts as unused: longer than the period of a weekly job.
pub(crate) const UNUSED_AFTER: Duration = Duration::from_secs(7 * 86_400);

/// Returns the indexes of a collection that are not needed, except hidden ones. An index that is used, or whose use is unknown, is needed:
/// a hint may name it. `arrays` are the paths of arrays that an index states; `unused` is the time without a use after which an index
/// counts as unused.
pub(crate) fn unneeded(
    collection: &str,
    existing: &[IndexDefinition],
    usages: &[IndexUsage],
    arrays: &BTreeMap<String, Vec<String>>,
    unused: Duration,
) -> Vec<UnneededIndex> {
    let reason = |index: &IndexDefinition| {
        let usage = usages.iter().find(|usage| usage.index == index.name() && usage.operations == 0)?;
        let mut others = existing.iter().filter(|other| other.name() != index.name() && replaces(other, index));
        let covering = others.find(|other| !widens(other, index, arrays));
        covering
            .map(|other| UnneededReason::Covered { by: other.name().to_owned() })
            .or_else(|| unused_reason(index, usage, unused))
    };
    let found = |index: &IndexDefinition| {
        Some(UnneededIndex {
            collection: collection.to_owned(),
            index: index.name().to_owned(),
            reason: reason(index)?,
            declared: false,
            shell: shell::call(collection, "hideIndex", index.name()),
        })
    };
    existing.iter().filter(|index| !index.is_id_index() && !index.is_hidden()).filter_map(found).collect()
}

/// Returns the indexes that begin with another's key, whose arrays have to be known.
pub(crate) fn longer(existing: &[IndexDefinition]) -> impl Iterator<Item = &IndexDefinition> {
    existing.iter().filter(|long| existing.iter().any(|short| short.name() != long.name() && replaces(long, short)))
}

/// Returns whether `long` serves every query that `short` does, which may be hashed.
fn replaces(long: &IndexDefinition, short: &IndexDefinition) -> bool {
    covers(long, short) || unhashed(short).is_some_and(|plain| covers(long, &plain) || plain.is_same_except_name(long))
}

/// Returns an index on one hash as one on the field itself.
fn unhashed(index: &IndexDefinition) -> Option<IndexDefinition> {
    let (field, kind) = index.key().iter().next()?;
    let hashed = index.key().len() == 1 && kind.as_str() == Some("hashed") && index.options_except("").next().is_none();
    hashed.then(|| IndexDefinition::listed(doc! { "name": index.name(), "key": { field: 1 } }))
}

/// Returns whether `long` has an entry for each element of an array that `short` lacks.
fn widens(long: &IndexDefinition, short: &IndexDefinition, arrays: &BTreeMap<String, Vec<String>>) -> bool {
    let within = |path: &String| {
        let below = format!("{path}.");
        short.key().keys().any(|field| field == path || field.starts_with(&below))
    };
    arrays.get(long.name()).is_some_and(|paths| !paths.iter().all(within))
}

/// Returns whether `long` serves every query that `short` does: its key begins with the same fields, in the same directions or all
/// reversed, and `short` has no other purpose.
pub(crate) fn covers(long: &IndexDefinition, short: &IndexDefinition) -> bool {
    let (Some(long_keys), Some(short_keys)) = (plain_key(long), plain_key(short)) else { return false };
    let begins = |reversed: i32| {
        short_keys.iter().zip(&long_keys).all(|(one, other)| one.0 == other.0 && one.1 == other.1 * reversed)
    };
    let same = |option: &str| long.option(option) == short.option(option);
    short_keys.len() < long_keys.len()
        && (begins(1) || begins(-1))
        && !short.has_other_purpose()
        && !short.is_id_index()
        && !long.is_being_built()
        // A sparse index on more fields contains documents that lack some of them, but not those that lack all.
        && ["partialFilterExpression", "collation", "sparse"].iter().all(|option| same(option))
        && ["sparse", "hidden"].iter().all(|option| long.option(option).is_none())
}

fn unused_reason(index: &IndexDefinition, usage: &IndexUsage, unused: Duration) -> Option<UnneededReason> {
    let idle = usage.operations == 0 && usage.watched >= unused;
    (idle && !index.has_other_purpose()).then_some(UnneededReason::Unused { days: usage.watched.as_secs() / 86_400 })
}

impl fmt::Display for UnneededIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the index {} is not needed: ", self.collection, self.index)?;
        match &self.reason {
            UnneededReason::Covered { by } => write!(f, "the key of {by} begins with its key")?,
            UnneededReason::Unused { days } => {
                write!(f, "no query used it for {days} days; hide it before you drop it")?;
            }
        }
        if self.declared { f.write_str("; a model declares it: remove the attribute, too") } else { Ok(()) }
    }
}
