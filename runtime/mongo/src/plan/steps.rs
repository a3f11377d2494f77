//! What is to be done so that a database has the indexes that its models declare. Decided from two lists, without a server.

use std::collections::BTreeSet;

use serde::Serialize;

use super::index::{Difference, Index};

mod show;
#[cfg(test)]
mod tests;

/// What is to be done, in the order in which it would be.
///
/// Printed, it reads like a plan of Terraform, and leaves out what stays as it is; serialised, it has everything.
///
/// ```
/// # fn show(plan: &fastness::mongo::plan::Plan) {
/// print!("{plan}");
/// std::process::exit(if plan.is_in_sync() { 0 } else { 2 });
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The name of the database.
    pub database: String,
    /// One for each declared index, and one for each that exists and nobody declares.
    pub steps: Vec<Step>,
}

/// What is to be done about one index.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// The name of the collection.
    pub collection: String,
    /// The index as it is declared, or, if nobody declares it, as it exists.
    pub index: Index,
    /// What is to be done.
    #[serde(flatten)]
    pub action: Action,
}

/// What is to be done about an index.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// It does not exist, or is still being built (then to create it is to wait for that).
    Create,
    /// It exists as declared; perhaps under another name, if the declaration gives it none.
    Keep {
        /// The name of the existing index.
        existing: String,
    },
    /// It exists with another time to live, hidden or not, or not unique, which MongoDB can change in place (`collMod`).
    Change {
        /// The existing index.
        existing: Index,
        /// What is to be changed in it.
        differences: Vec<Difference>,
    },
    /// It exists with other keys or options, and has to be built anew.
    Rebuild {
        /// The existing indexes that stand in the way of the declared one.
        existing: Vec<Index>,
        /// What is not the same in the first of them.
        differences: Vec<Difference>,
    },
    /// It exists, and no model declares it. It stays, unless its removal is asked for.
    Unmanaged,
    /// Two declarations contradict each other: nothing is done about either.
    Conflict {
        /// The other declaration.
        with: Index,
        /// Why both cannot be had.
        why: Clash,
    },
}

/// Why two declared indexes cannot both be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Clash {
    /// They have the same name (MongoDB's error 86).
    Name,
    /// They have the same keys, and differ in nothing that tells two indexes apart (MongoDB's error 85).
    Identity,
    /// Both are text indexes (MongoDB's error 85).
    Text,
    /// This is the index over `_id`, which MongoDB makes itself.
    Id,
}

/// One collection: what is declared for it, and what it has.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) name: String,
    pub(crate) declared: Vec<Index>,
    pub(crate) existing: Vec<Index>,
}

impl Plan {
    /// Decides for each collection.
    pub(crate) fn new(database: &str, collections: Vec<Collection>) -> Self {
        let steps = collections.into_iter().flat_map(Collection::steps).collect();
        Self { database: database.to_owned(), steps }
    }

    /// Whether every declared index exists as declared. What nobody declares does not matter.
    pub fn is_in_sync(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.action, Action::Keep { .. } | Action::Unmanaged))
    }

    /// Whether declarations contradict each other.
    pub fn has_conflicts(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.action, Action::Conflict { .. }))
    }
}

impl Collection {
    fn steps(self) -> Vec<Step> {
        let Self { name, declared, mut existing } = self;
        existing.retain(|index| !index.is_of_id());
        let mut steps = Vec::new();
        let mut step = |index, action| steps.push(Step { collection: name.clone(), index, action });

        let (declared, conflicts) = without_conflicts(declared);
        for (index, with, why) in conflicts {
            // It may be one of those that exist, so nobody can call these unmanaged.
            existing.retain(|other| !in_the_way(&index, other) && !in_the_way(&with, other));
            step(index, Action::Conflict { with, why });
        }
        // First those that exist as declared: they stand in nobody's way.
        let mut missing = Vec::new();
        for index in declared {
            match take_serving(&index, &mut existing) {
                // To create it under its name is to wait for it.
                Some(found) if found.is_being_built() => {
                    step(index.called(found.name()).being_built(true), Action::Create);
                }
                Some(found) => step(index, Action::Keep { existing: found.name().to_owned() }),
                None => missing.push(index),
            }
        }
        for index in missing {
            let found: Vec<_> = existing.extract_if(.., |other| in_the_way(&index, other)).collect();
            let action = replace(&index, found);
            step(index, action);
        }
        for index in existing {
            step(index, Action::Unmanaged);
        }
        steps
    }
}

/// The declarations of which each can be had, and those that contradict one another.
fn without_conflicts(declared: Vec<Index>) -> (Vec<Index>, Vec<(Index, Index, Clash)>) {
    let mut distinct: Vec<Index> = Vec::new();
    for index in declared {
        // Two models of one collection may declare the same index.
        if !distinct.iter().any(|other| other.name() == index.name() && other.does_the_same(&index)) {
            distinct.push(index);
        }
    }
    let (mut conflicts, mut bad) = (Vec::new(), BTreeSet::new());
    for (at, index) in distinct.iter().enumerate() {
        // Each pair once; an index of `_id` clashes with itself.
        for (before, other) in distinct[..=at].iter().enumerate() {
            if let Some(why) = clash(index, other, before == at) {
                conflicts.push((index.clone(), other.clone(), why));
                bad.extend([before, at]);
            }
        }
    }
    let good = distinct.into_iter().enumerate().filter(|(at, _)| !bad.contains(at));
    (good.map(|(_, index)| index).collect(), conflicts)
}

fn clash(index: &Index, other: &Index, same: bool) -> Option<Clash> {
    if same {
        return index.is_of_id().then_some(Clash::Id);
    }
    if index.name() == other.name() {
        Some(Clash::Name)
    } else if index.is_text() && other.is_text() {
        Some(Clash::Text)
    } else {
        index.is_identical(other).then_some(Clash::Identity)
    }
}

/// Takes the existing index that is as declared: by name if there is one, else any, if the declaration gives no name.
fn take_serving(index: &Index, existing: &mut Vec<Index>) -> Option<Index> {
    let serves = |other: &Index| index.differences(other).is_empty();
    let at = existing
        .iter()
        .position(|other| other.name() == index.name() && serves(other))
        .or_else(|| existing.iter().position(serves))?;
    Some(existing.remove(at))
}

/// Whether the server refuses to create `index` while `existing` is there.
fn in_the_way(index: &Index, existing: &Index) -> bool {
    existing.name() == index.name() || existing.is_identical(index) || (existing.is_text() && index.is_text())
}

fn replace(index: &Index, existing: Vec<Index>) -> Action {
    let Some(first) = existing.first() else { return Action::Create };
    let differences = index.differences(first);
    if existing.len() == 1 && differences.iter().all(can_change_in_place) && !first.is_being_built() {
        return Action::Change { existing: first.clone(), differences };
    }
    Action::Rebuild { existing, differences }
}

/// What `collMod` can do. It makes no unique index an ordinary one, and no index with a time to live one without.
fn can_change_in_place(difference: &Difference) -> bool {
    match difference.option.as_str() {
        "hidden" | "prepareUnique" => true,
        "unique" | "expireAfterSeconds" => difference.declared.is_some(),
        _ => false,
    }
}
