//! The section of the settings for policies.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::at::{At, Faults, list};
use super::kinds;
use crate::nearest::distance;
use crate::resilience::{PolicyChange, PolicyKind, names};

/// The settings of the policies of one name, read.
pub(super) struct PolicyPlan {
    /// The full name.
    pub(super) name: String,
    /// The settings as they were given.
    pub(super) given: Value,
    pub(super) changes: Vec<PolicyChange>,
}

/// The number of names that an error lists.
const LISTED: usize = 3;

type Known = [(PolicyKind, Arc<str>)];

/// Reads the settings of all policies that the section names.
pub(super) fn read(section: &At<'_>, faults: &mut Faults) -> Vec<PolicyPlan> {
    let known: Vec<_> = names().into_iter().filter(|(kind, _)| kinds::name(*kind).is_some()).collect();
    let mut plans: Vec<PolicyPlan> = Vec::new();
    for (name, at) in section.entries(faults) {
        let found = find(name, &known).map_err(|message| faults.add(&at.path, message)).ok();
        if let Some(found) = &found
            && plans.iter().any(|plan| plan.name == **found)
        {
            faults.add(&at.path, format!("`{found}` is named twice: write its settings under one name"));
        }
        plans.push(policies(&at, found.as_deref(), &known, faults));
    }
    plans
}

/// Reads the settings of the policies of one name; `found` is the full one.
fn policies(at: &At<'_>, found: Option<&str>, known: &Known, faults: &mut Faults) -> PolicyPlan {
    let has = |kind| found.is_none_or(|found| known.iter().any(|(of, name)| *of == kind && **name == *found));
    let (mut given, mut changes) = (Map::new(), Vec::new());
    let name = found.unwrap_or(&at.name);
    for (kind_name, value) in at.entries(faults) {
        let Some(kind) = kinds::ALL.iter().find(|(_, known)| *known == kind_name).map(|(kind, _)| *kind) else {
            faults.unknown(&value, "no kind of policy with settings", &kinds::names());
            continue;
        };
        if !has(kind) {
            let has: Vec<_> = kinds::ALL.iter().filter(|(kind, _)| has(*kind)).map(|(_, name)| *name).collect();
            faults.add(&value.path, format!("`{name}` has no `{kind_name}`: write one of {}", list(&has)));
        }
        changes.extend(kinds::read(kind, name, &value, faults));
        given.insert(kind_name.to_owned(), value.given());
    }
    PolicyPlan { name: name.to_owned(), given: given.into(), changes }
}

/// Returns the full name of the policies that a name stands for: the name itself, or as much of its end as is unique.
fn find(wanted: &str, known: &Known) -> Result<Arc<str>, String> {
    let mut all: Vec<_> = known.iter().map(|(_, name)| name).collect();
    all.dedup();
    all.sort();
    all.dedup();
    if let Some(exact) = all.iter().find(|name| ****name == *wanted) {
        return Ok((*exact).clone());
    }
    // With dots, as functions are listed.
    let path = wanted.replace('.', "::");
    let is_end =
        |name: &str| name.strip_suffix(&*path).is_some_and(|before| before.is_empty() || before.ends_with("::"));
    let matching: Vec<_> = all.iter().filter(|name| is_end(name)).map(|name| &***name).collect();
    match &matching[..] {
        [one] => Ok(Arc::from(*one)),
        [] => {
            let end = |name: &str| name.rsplit("::").next().unwrap_or(name).to_owned();
            all.sort_by_cached_key(|name| distance(wanted, name).min(distance(wanted, &end(name))));
            let nearest: Vec<_> = all.iter().take(LISTED).map(|name| &***name).collect();
            let nearest = if nearest.is_empty() {
                "none is known".to_owned()
            } else {
                format!("the nearest are {}", list(&nearest))
            };
            Err(format!(
                "no policy is called `{wanted}`: {nearest} (one that no attribute makes is known from its first use on)"
            ))
        }
        several => Err(format!("`{wanted}` is the name of several policies: write one of {}", list(several))),
    }
}
