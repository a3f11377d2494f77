//! The printed form of a plan.

use std::fmt;

use super::{IndexConflict, IndexPlan, PlanAction, PlanStep};
use crate::conversions::format_bson;
use crate::plan::collection::{CollectionAction, CollectionStep, conflict_advice};
use crate::plan::index::IndexDifference;

impl fmt::Display for IndexPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changed = |step: &&CollectionStep| !matches!(step.action, CollectionAction::Keep);
        for step in self.collections.iter().filter(changed) {
            writeln!(f, "{}.{}", self.database, step.collection)?;
            write!(f, "{step}")?;
        }
        let mut collection = None;
        for step in self.steps.iter().filter(|step| !matches!(step.action, PlanAction::Keep { .. })) {
            if collection != Some(&step.collection) {
                writeln!(f, "{}.{}", self.database, step.collection)?;
                collection = Some(&step.collection);
            }
            write!(f, "{step}")?;
        }
        let counts = [
            ("create", "to create"),
            ("change", "to change"),
            ("rebuild", "to rebuild"),
            ("keep", "in sync"),
            ("unmanaged", "unmanaged"),
            ("conflict", "in conflict"),
        ];
        let counts = counts.map(|(verb, words)| {
            let count = self.steps.iter().filter(|step| step.action.verb() == verb).count();
            format!("{count} {words}")
        });
        writeln!(f, "Plan: {}", counts.join(", "))
    }
}

impl fmt::Display for CollectionStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            CollectionAction::Keep => writeln!(f, "    = keep      the collection"),
            CollectionAction::Create { options } => {
                writeln!(f, "    + create    the collection {}", format_bson(&options.clone().into()))
            }
            CollectionAction::Change { differences } => {
                writeln!(f, "    ~ change    the collection")?;
                differences.iter().try_for_each(|difference| writeln!(f, "{:16}{}", "", difference.in_collection()))
            }
            CollectionAction::Fixed { differences } => {
                writeln!(f, "    ! fixed     the collection cannot be changed: copy its documents into a new one")?;
                differences.iter().try_for_each(|difference| writeln!(f, "{:16}{}", "", difference.in_collection()))
            }
            CollectionAction::Conflict { options, .. } => {
                writeln!(f, "    ! conflict  the collection: {}", conflict_advice(options))
            }
        }
    }
}

impl fmt::Display for PlanStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = self.action.verb();
        writeln!(f, "  {:>3} {verb:<9} {}", self.action.sign(), self.index)?;
        let mut detail = |text: String| writeln!(f, "{:16}{text}", "");
        match &self.action {
            PlanAction::Create if self.index.is_being_built() => detail("is being built".to_owned()),
            PlanAction::Create | PlanAction::Keep { .. } => Ok(()),
            PlanAction::Change { existing, differences } => {
                if existing.name() != self.index.name() {
                    detail(format!("exists as {existing}"))?;
                }
                differences.iter().try_for_each(|difference| detail(difference.to_string()))
            }
            PlanAction::Rebuild { existing, differences, gap } => {
                existing.iter().try_for_each(|index| detail(format!("replaces {index}")))?;
                differences.iter().try_for_each(|difference: &IndexDifference| detail(difference.to_string()))?;
                let gap =
                    gap.then(|| "queries have no index while it is rebuilt: the server does not admit both".to_owned());
                gap.map_or(Ok(()), detail)
            }
            PlanAction::Unmanaged => {
                detail("exists, but no model declares it".to_owned())?;
                self.index.left_over().map_or(Ok(()), detail)
            }
            PlanAction::Conflict { with, why } => {
                if *why != IndexConflict::Id {
                    detail(format!("conflicts with {with}"))?;
                }
                detail(why.to_string())
            }
        }
    }
}

impl PlanAction {
    /// Returns the name of the action in the serialised form.
    fn verb(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Keep { .. } => "keep",
            Self::Change { .. } => "change",
            Self::Rebuild { .. } => "rebuild",
            Self::Unmanaged => "unmanaged",
            Self::Conflict { .. } => "conflict",
        }
    }

    fn sign(&self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Keep { .. } => "=",
            Self::Change { .. } => "~",
            Self::Rebuild { .. } => "-/+",
            Self::Unmanaged => "?",
            Self::Conflict { .. } => "!",
        }
    }
}

impl fmt::Display for IndexConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "both have this name (IndexKeySpecsConflict, 86): rename or remove one",
            Self::Identity => {
                "both have this key, and no option that allows both (IndexOptionsConflict, 85): remove one"
            }
            Self::Text => {
                "a collection can have one text index (IndexOptionsConflict, 85): declare one over the fields of both"
            }
            Self::Id => "MongoDB itself creates the index on `_id`: remove this declaration",
        })
    }
}
