//! The steps that make the indexes of a database match the declarations. Decided from two lists, without a server.

use std::collections::BTreeSet;

use serde::Serialize;

use super::collection::{CollectionAction, CollectionStep};
use super::index::{IndexDefinition, IndexDifference, STAND_IN};

mod display;
#[cfg(test)]
mod tests;

/// Steps by collection. [`apply`](crate::IndexManager::apply) orders its work by itself.
///
/// The printed form resembles a plan of Terraform and leaves out unchanged indexes; the serialised form is complete.
///
/// ```
/// # fn show(plan: &fastness::mongo::plan::IndexPlan) {
/// print!("{plan}");
/// std::process::exit(if plan.is_in_sync() { 0 } else { 2 });
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct IndexPlan {
    /// Name of the database.
    pub database: String,
    /// Steps for the collections whose options a model declares.
    pub collections: Vec<CollectionStep>,
    /// Steps: one for each declared index, one for each existing index that no model declares, and one for each pair of declarations that
    /// exclude each other.
    pub steps: Vec<PlanStep>,
}

/// The step for one index.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PlanStep {
    /// Name of the collection.
    pub collection: String,
    /// The index as declared, or as it exists if no model declares it.
    pub index: IndexDefinition,
    /// The action to take.
    #[serde(flatten)]
    pub action: PlanAction,
}

/// Action of one step.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlanAction {
    /// The index does not exist, or is still being built; then creating it waits for the build.
    Create,
    /// The index exists as declared, possibly under another name if the declaration gives none.
    Keep {
        /// Name of the existing index.
        existing: String,
    },
    /// The index exists with differences that MongoDB can change in place (`collMod`): another time to live, hidden or not (MongoDB 4.4
    /// or newer), made unique (6.0 or newer).
    Change {
        /// The existing index.
        existing: IndexDefinition,
        /// The options to change.
        differences: Vec<IndexDifference>,
    },
    /// The index exists with another key or other options, and has to be rebuilt.
    Rebuild {
        /// The existing indexes that conflict with the declared one.
        existing: Vec<IndexDefinition>,
        /// The differences from the first of them.
        differences: Vec<IndexDifference>,
        /// True if queries have no index while it is rebuilt, because the server admits neither both indexes nor one that stands in.
        gap: bool,
    },
    /// The index exists, and no model declares it. It stays unless the settings ask for its removal.
    Unmanaged,
    /// Two declarations conflict: neither is applied.
    Conflict {
        /// The other declaration.
        with: IndexDefinition,
        /// The kind of conflict.
        why: IndexConflict,
    },
}

/// Conflict between two declared indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IndexConflict {
    /// Both have the same name (MongoDB's error 86).
    Name,
    /// Both have the same key, and no option that allows them to coexist (MongoDB's error 85).
    Identity,
    /// Both are text indexes (MongoDB's error 85).
    Text,
    /// The declaration is the index on `_id`, which MongoDB creates itself.
    Id,
}

/// Declared and existing indexes of one collection.
#[derive(Debug)]
pub(crate) struct CollectionIndexes {
    pub(crate) name: String,
    pub(crate) declared: Vec<IndexDefinition>,
    pub(crate) existing: Vec<IndexDefinition>,
}

impl IndexPlan {
    /// Decides the steps of each collection.
    pub(crate) fn new(database: &str, collections: Vec<CollectionIndexes>) -> Self {
        let steps = collections.into_iter().flat_map(CollectionIndexes::steps).collect();
        Self { database: database.to_owned(), collections: Vec::new(), steps }
    }

    /// Adds the steps for collections.
    pub(crate) fn with_collections(self, collections: Vec<CollectionStep>) -> Self {
        Self { collections, ..self }
    }

    /// Returns whether every declared index and collection exists as declared. Undeclared indexes do not count.
    pub fn is_in_sync(&self) -> bool {
        let same = |step: &CollectionStep| matches!(step.action, CollectionAction::Keep);
        self.collections.iter().all(same) && self.indexes_are_in_sync()
    }

    fn indexes_are_in_sync(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.action, PlanAction::Keep { .. } | PlanAction::Unmanaged))
    }

    /// Returns whether declarations conflict with each other.
    pub fn has_conflicts(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.action, PlanAction::Conflict { .. }))
            || self.collections.iter().any(|step| matches!(step.action, CollectionAction::Conflict { .. }))
    }
}

impl CollectionIndexes {
    fn steps(self) -> Vec<PlanStep> {
        let Self { name, declared, mut existing } = self;
        existing.retain(|index| !index.is_id_index());
        let mut steps = Vec::new();
        let mut step = |index, action| steps.push(PlanStep { collection: name.clone(), index, action });

        let (declared, conflicts) = split_conflicts(declared);
        for (index, with, why) in conflicts {
            // Either declaration may mean an existing index, so that is not called unmanaged.
            existing.retain(|other| !conflicts_with(&index, other) && !conflicts_with(&with, other));
            step(index, PlanAction::Conflict { with, why });
        }
        // Indexes that exist as declared come first: they conflict with no other declaration.
        let all = existing.clone();
        let (mut missing, mut renamed) = (Vec::new(), Vec::new());
        for index in declared {
            match take_matching(&index, &mut existing) {
                Some(found) if found.has_generated_name(index.name()) => renamed.push((index, found)),
                Some(found) => {
                    let (index, action) = matching_step(index, &found);
                    step(index, action);
                }
                None => missing.push(index),
            }
        }
        for index in missing {
            let found: Vec<_> = existing.extract_if(.., |other| conflicts_with(&index, other)).collect();
            let action = replace_action(&index, found, &all);
            step(index, action);
        }
        for (index, found) in renamed {
            // A rebuild may have built it beside the old index, which has the generated name, and was broken off. An old index that
            // is special may as well be a person's, and is left to a person.
            let is_old = |other: &mut IndexDefinition| {
                other.name() == index.name() && !other.is_server_made() && !is_special(other)
            };
            let existing: Vec<_> = existing.extract_if(.., is_old).collect();
            let (index, action) = match existing.first().map(|old| index.differences(old)) {
                Some(differences) => (index, PlanAction::Rebuild { existing, differences, gap: false }),
                None => matching_step(index, &found),
            };
            step(index, action);
        }
        for index in existing.into_iter().filter(|index| !index.is_server_made()) {
            step(index, PlanAction::Unmanaged);
        }
        steps
    }
}

/// Returns whether an index does more than to serve queries for its keys, or serves only some of them.
fn is_special(index: &IndexDefinition) -> bool {
    let narrows = |option| index.option(option).is_some();
    index.has_other_purpose() || ["partialFilterExpression", "sparse", "collation"].into_iter().any(narrows)
}

/// Splits the declarations into those that can be applied, and conflicting pairs.
fn split_conflicts(
    declared: Vec<IndexDefinition>,
) -> (Vec<IndexDefinition>, Vec<(IndexDefinition, IndexDefinition, IndexConflict)>) {
    let mut distinct: Vec<IndexDefinition> = Vec::new();
    for index in declared {
        // Two models of one collection may declare the same index.
        if !distinct.iter().any(|other| other.name() == index.name() && other.is_same_except_name(&index)) {
            distinct.push(index);
        }
    }
    let (mut conflicts, mut bad) = (Vec::new(), BTreeSet::new());
    for (at, index) in distinct.iter().enumerate() {
        // Compares each pair once; an index on `_id` conflicts with itself.
        for (before, other) in distinct[..=at].iter().enumerate() {
            if let Some(why) = conflict_between(index, other, before == at) {
                conflicts.push((index.clone(), other.clone(), why));
                bad.extend([before, at]);
            }
        }
    }
    let good = distinct.into_iter().enumerate().filter(|(at, _)| !bad.contains(at));
    (good.map(|(_, index)| index).collect(), conflicts)
}

fn conflict_between(index: &IndexDefinition, other: &IndexDefinition, same: bool) -> Option<IndexConflict> {
    if same {
        return index.is_id_index().then_some(IndexConflict::Id);
    }
    if index.name() == other.name() {
        Some(IndexConflict::Name)
    } else if index.is_text() && other.is_text() {
        Some(IndexConflict::Text)
    } else {
        index.is_identical(other).then_some(IndexConflict::Identity)
    }
}

/// Takes the existing index that is as declared: the one with the same name, else any if the declaration gives no name.
fn take_matching(index: &IndexDefinition, existing: &mut Vec<IndexDefinition>) -> Option<IndexDefinition> {
    let serves = |other: &IndexDefinition| index.differences(other).is_empty();
    let at = existing
        .iter()
        .position(|other| other.name() == index.name() && serves(other))
        .or_else(|| existing.iter().position(serves))?;
    Some(existing.remove(at))
}

/// Returns whether the server refuses to create `index` while `existing` exists.
fn conflicts_with(index: &IndexDefinition, existing: &IndexDefinition) -> bool {
    existing.name() == index.name() || existing.is_identical(index) || (existing.is_text() && index.is_text())
}

/// Returns the step for a declared index that exists, or is being built: creating it under its existing name waits for the build.
fn matching_step(index: IndexDefinition, found: &IndexDefinition) -> (IndexDefinition, PlanAction) {
    if found.is_being_built() {
        return (index.with_name(found.name()).with_building(true), PlanAction::Create);
    }
    (index, PlanAction::Keep { existing: found.name().to_owned() })
}

fn replace_action(index: &IndexDefinition, existing: Vec<IndexDefinition>, all: &[IndexDefinition]) -> PlanAction {
    let Some(first) = existing.first() else { return PlanAction::Create };
    let differences = index.differences(first);
    if existing.len() == 1 && differences.iter().all(can_change_in_place) && !first.is_being_built() {
        return PlanAction::Change { existing: first.clone(), differences };
    }
    let gap = !can_coexist(index, &existing) && stand_in(index, &existing, all).is_none();
    PlanAction::Rebuild { existing, differences, gap }
}

/// Returns whether the new index can be built under another name while the old ones exist.
pub(crate) fn can_coexist(index: &IndexDefinition, existing: &[IndexDefinition]) -> bool {
    let excludes = |old: &IndexDefinition| old.is_identical(index) || (old.is_text() && index.is_text());
    !index.is_named() && !existing.iter().any(excludes)
}

/// Returns the index that an earlier rebuild, which was broken off, built beside the old one, or began to build.
pub(crate) fn generated_twin<'a>(index: &IndexDefinition, all: &'a [IndexDefinition]) -> Option<&'a IndexDefinition> {
    all.iter().find(|other| other.has_generated_name(index.name()) && other.is_identical(index))
}

/// Returns the index that serves queries while `index` replaces `old`: a new one, or one over the same fields that exists already. `None`
/// if there can be none, or if the existing one is hidden or will be dropped as well.
pub(crate) fn stand_in(
    index: &IndexDefinition,
    old: &[IndexDefinition],
    all: &[IndexDefinition],
) -> Option<IndexDefinition> {
    let new = index.stand_in(&free_name(&format!("{}{STAND_IN}", index.name()), all))?;
    let Some(twin) = all.iter().find(|other| other.is_identical(&new)) else { return Some(new) };
    let stays = !old.iter().any(|old| old.name() == twin.name());
    (stays && !twin.is_hidden()).then(|| twin.clone())
}

/// Returns the name, with a number if an index has it already.
pub(crate) fn free_name(name: &str, taken: &[IndexDefinition]) -> String {
    let free = |name: &String| !taken.iter().any(|index| index.name() == name);
    let mut names = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}_{number}")));
    names.find(free).unwrap_or_else(|| name.to_owned())
}

/// Returns whether `collMod` can make the change. It cannot make an index not unique, nor remove a time to live.
fn can_change_in_place(difference: &IndexDifference) -> bool {
    match difference.option.as_str() {
        "hidden" => true,
        "unique" | "expireAfterSeconds" => difference.declared.is_some(),
        _ => false,
    }
}
