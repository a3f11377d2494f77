//! The plan as people read it.

use std::fmt;

use super::{Action, Clash, Plan, Step};
use crate::plan::index::Difference;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut collection = None;
        for step in self.steps.iter().filter(|step| !matches!(step.action, Action::Keep { .. })) {
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

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = self.action.verb();
        writeln!(f, "  {:>3} {verb:<9} {}", self.action.sign(), self.index)?;
        let mut detail = |text: String| writeln!(f, "{:16}{text}", "");
        match &self.action {
            Action::Create if self.index.is_being_built() => detail("is being built".to_owned()),
            Action::Create | Action::Keep { .. } => Ok(()),
            Action::Change { existing, differences } => {
                if existing.name() != self.index.name() {
                    detail(format!("exists as {existing}"))?;
                }
                differences.iter().try_for_each(|difference| detail(difference.to_string()))
            }
            Action::Rebuild { existing, differences } => {
                existing.iter().try_for_each(|index| detail(format!("in place of {index}")))?;
                differences.iter().try_for_each(|difference: &Difference| detail(difference.to_string()))
            }
            Action::Unmanaged => detail("exists, and no model declares it".to_owned()),
            Action::Conflict { with, why } => {
                if *why != Clash::Id {
                    detail(format!("against {with}"))?;
                }
                detail(why.to_string())
            }
        }
    }
}

impl Action {
    /// As in the serialised form.
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

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "both have this name (IndexKeySpecsConflict, 86): give one of them another, or remove it",
            Self::Identity => {
                "both have these keys, and differ in nothing that lets two indexes exist (IndexOptionsConflict, 85): remove one"
            }
            Self::Text => {
                "a collection can have one text index (IndexOptionsConflict, 85): declare one over the fields of both"
            }
            Self::Id => "MongoDB itself makes the index over `_id`: remove this declaration",
        })
    }
}
