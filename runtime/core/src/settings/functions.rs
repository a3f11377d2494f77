//! The section of the settings for cached functions.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::at::{At, Faults, list};
use crate::function::{NamedFunctions, find_all, has_name_of};
use crate::handle::{FunctionControl, FunctionControls};
use crate::key::template::shown;
use crate::l1::{AnyStore, StoreBounds};
use crate::policy::PolicySettings;
use crate::registry::annotated;

/// The settings of one function, read.
pub(super) struct FunctionPlan {
    /// The full path of the function.
    pub(super) path: String,
    /// The settings as they were given.
    pub(super) given: Value,
    /// The name as it was given.
    name: String,
    is_declaration: bool,
    controls: Vec<Arc<FunctionControl>>,
    options: FunctionOptions,
}

#[derive(Debug, Default, PartialEq)]
struct FunctionOptions {
    is_off: bool,
    policy: PolicySettings,
    bounds: StoreBounds,
}

/// The options that every function has which stores what it returns.
const ENABLED: &str = "enabled";
const BOUNDS: [&str; 2] = ["capacity", "max_bytes"];
/// All options, in the order in which errors list them.
const OPTIONS: [&str; 11] = [
    ENABLED,
    "ttl",
    "negative_ttl",
    "err_ttl",
    "stale",
    "stale_if_error",
    "load_timeout",
    "local_ttl",
    "idle",
    BOUNDS[0],
    BOUNDS[1],
];

const OFF: (&str, Duration) = ("off", Duration::ZERO);
const FOREVER: (&str, Duration) = ("forever", Duration::MAX);

/// Reads the settings of all functions that the section names.
pub(super) fn read(section: &At<'_>, controls: &mut FunctionControls, faults: &mut Faults) -> Vec<FunctionPlan> {
    let mut plans: Vec<FunctionPlan> = Vec::new();
    for (name, at) in section.entries(faults) {
        let found = find_all(controls, name).map_err(|message| faults.add(&at.path, message)).ok();
        let available = found.as_ref().map(available);
        let options = options(&at, available.as_deref(), faults);
        let Some(NamedFunctions { path, is_declaration, controls }) = found else { continue };
        let plan = FunctionPlan { path, given: at.given(), name: name.to_owned(), is_declaration, controls, options };
        if let Some(other) = plans.iter().find(|other| other.concerns(&plan.controls)) {
            faults.add(&at.path, named_twice(other, &plan));
        }
        plans.push(plan);
    }
    plans
}

impl FunctionPlan {
    /// Returns whether it sets one of these functions.
    fn concerns(&self, controls: &[Arc<FunctionControl>]) -> bool {
        self.controls.iter().any(|known| controls.iter().any(|control| Arc::ptr_eq(known, control)))
    }
}

/// Says that two names lead to the same function, and which one to write.
fn named_twice(first: &FunctionPlan, second: &FunctionPlan) -> String {
    let path = if second.is_declaration && !first.is_declaration { &second.path } else { &first.path };
    if first.path == second.path && [first, second].iter().all(|plan| has_name_of(path, &plan.name)) {
        return format!("`{path}` is named twice: write its settings under one name");
    }
    format!("`{}` and `{}` are set together: write their settings once, as `{path}`", first.name, second.name)
}

/// Returns the options that functions have: those of the calls that are known, and those of the declarations.
fn available(found: &NamedFunctions) -> Vec<&'static str> {
    let of_calls = found.controls.iter().filter_map(|control| control.settings.options());
    let of_policies: Vec<_> = of_calls.chain(declared_options(&found.path)).collect();
    let has = |name: &&'static str| {
        // The HTTP cache is no call site.
        let has_store = !of_policies.is_empty();
        *name == ENABLED
            || (has_store && BOUNDS.contains(name))
            || of_policies.iter().any(|options| options.contains(name))
    };
    OPTIONS.into_iter().filter(has).collect()
}

/// Returns the options of the policies of all functions that the registry has by this path.
fn declared_options(path: &str) -> Option<Vec<&'static str>> {
    let functions = annotated().into_iter().filter(|function| function.role.stores());
    let declared = functions.filter(|function| format!("{}.{}", shown(function.module), function.name) == path);
    let options: Vec<_> = declared.map(|function| function.settable).collect();
    (!options.is_empty()).then(|| options.concat())
}

/// Reads the settings of one function; `available` are the options that it has, if it is known.
fn options(at: &At<'_>, available: Option<&[&str]>, faults: &mut Faults) -> FunctionOptions {
    let mut read = FunctionOptions::default();
    for (name, value) in at.entries(faults) {
        if !OPTIONS.contains(&name) {
            faults.unknown(&value, "no setting of a function", available.unwrap_or(&OPTIONS));
            continue;
        }
        match available.filter(|available| !available.contains(&name)) {
            None => option(name, &value, &mut read, faults),
            Some(available) => faults.add(
                &value.path,
                format!(
                    "the attribute of this function has no `{name}`, which settings can only change: add it there, or write one of {}",
                    list(available)
                ),
            ),
        }
    }
    contradiction(at, &read.policy, available.unwrap_or_default(), faults);
    read
}

fn option(name: &str, at: &At<'_>, read: &mut FunctionOptions, faults: &mut Faults) {
    let FunctionOptions { is_off, policy, bounds } = read;
    match name {
        "enabled" => *is_off = at.boolean(faults) == Some(false),
        "ttl" => policy.ttl = at.duration(&[FOREVER], faults),
        "negative_ttl" => policy.negative_ttl = at.duration(&[FOREVER, OFF], faults),
        "err_ttl" => policy.err_ttl = at.duration(&[OFF], faults),
        "stale" => policy.stale = at.duration(&[OFF], faults),
        "stale_if_error" => policy.stale_if_error = at.duration(&[OFF], faults),
        "load_timeout" => policy.load_timeout = at.duration(&[OFF], faults),
        "local_ttl" => policy.local_ttl = at.duration(&[OFF], faults),
        "idle" => policy.idle = at.duration(&[OFF], faults),
        "capacity" => bounds.capacity = at.count(faults),
        _ => bounds.max_bytes = at.bytes(faults),
    }
}

/// Adds the fault of options that attributes refuse side by side.
fn contradiction(at: &At<'_>, policy: &PolicySettings, available: &[&str], faults: &mut Faults) {
    if policy.ttl != Some(Duration::MAX) {
        return;
    }
    for (name, set) in [("stale", policy.stale), ("stale_if_error", policy.stale_if_error)] {
        if set.map_or(available.contains(&name), |time| !time.is_zero()) {
            let message = format!(
                "`{name}` counts from the end of the ttl, and `ttl = \"forever\"` has none: write `{name} = \"off\"` beside it"
            );
            faults.add(&at.path, message);
        }
    }
}

/// Sets the options of all functions, those that no plan names to nothing, and returns the stores that may have to evict entries.
pub(super) fn set_all(controls: &FunctionControls, plans: Vec<FunctionPlan>) -> Vec<Arc<dyn AnyStore>> {
    let is_named =
        |control: &Arc<FunctionControl>| plans.iter().any(|plan| plan.concerns(std::slice::from_ref(control)));
    let mut smaller: Vec<_> = controls
        .all()
        .filter(|control| !is_named(control))
        .flat_map(|control| set(control, &FunctionOptions::default()))
        .collect();
    for plan in plans {
        smaller.extend(plan.controls.iter().flat_map(|control| set(control, &plan.options)));
    }
    smaller
}

fn set(control: &FunctionControl, options: &FunctionOptions) -> Vec<Arc<dyn AnyStore>> {
    control.switch.set_off_by_settings(options.is_off);
    control.settings.set(options.policy, options.bounds)
}
