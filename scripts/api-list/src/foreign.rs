//! Finds types and traits of other crates in public signatures, because a breaking release of such a crate breaks `fastness` too.
//!
//! Implementations of traits count, with their associated types; the standard library does not. `docs/api-crates.txt` has the crates
//! that may be named, each with its reason.

use std::collections::{BTreeMap, BTreeSet};

use rustdoc_types::{Id, ItemEnum};
use serde_json::Value;

use crate::crates::{Crates, Definition, Package, Target};
use crate::list::{self, Name, fields, impls, items, members};

/// Types in public signatures that are not in the list.
#[derive(Debug, Default)]
pub(crate) struct Exposed {
    /// Types by their crate.
    pub(crate) foreign: BTreeMap<String, BTreeSet<String>>,
    /// Types of the packages that users cannot name (sealed traits, markers), with the items whose signatures have them.
    pub(crate) unnameable: BTreeMap<String, BTreeSet<String>>,
}

/// Reads the signatures of all names.
pub(crate) fn exposed(crates: &Crates, names: &[Name<'_>]) -> Exposed {
    let public: BTreeSet<Definition> = names.iter().map(|name| name.found.definition()).collect();
    let mut exposed = Exposed::default();
    for name in names.iter().filter(|name| !name.is_module()) {
        let package = name.found.package;
        let mut ids = Vec::new();
        paths(&name.found.item.inner, &mut ids);
        for member in members(name.found) {
            paths(&member.inner, &mut ids);
            if let ItemEnum::Variant(of) = &member.inner {
                items(package, &fields(&of.kind)).for_each(|field| paths(&field.inner, &mut ids));
            }
        }
        implementations(package, impls(name.found), &mut ids);
        for id in ids {
            exposed.add(crates, package, id, &public, &name.path);
        }
    }
    exposed
}

/// Adds the ids in the headers of implementations, and in the associated types of traits.
fn implementations(package: &Package, impls: &[Id], ids: &mut Vec<Id>) {
    for item in items(package, impls) {
        let ItemEnum::Impl(of) = &item.inner else { continue };
        // Automatic and blanket implementations follow from others.
        if of.is_synthetic || of.blanket_impl.is_some() {
            continue;
        }
        paths(&item.inner, ids);
        for associated in list::items(package, &of.items) {
            if matches!(associated.inner, ItemEnum::AssocType { .. }) {
                paths(&associated.inner, ids);
            }
        }
    }
}

/// Adds the ids of all paths in an item's signature. In rustdoc's JSON, only paths are objects with `path`, `id` and `args`.
fn paths(item: &ItemEnum, ids: &mut Vec<Id>) {
    fn visit(value: &Value, ids: &mut Vec<Id>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| visit(value, ids)),
            Value::Object(fields) => {
                if let (Some(_), Some(id), Some(_)) = (fields.get("path"), fields.get("id"), fields.get("args")) {
                    ids.extend(id.as_u64().and_then(|id| id.try_into().ok()).map(Id));
                }
                fields.values().for_each(|value| visit(value, ids));
            }
            _ => (),
        }
    }
    visit(&serde_json::to_value(item).unwrap_or_default(), ids);
}

impl Exposed {
    fn add(&mut self, crates: &Crates, package: &Package, id: Id, public: &BTreeSet<Definition>, by: &str) {
        match crates.target(package, id) {
            Some(Target::Foreign { name: "std" | "core" | "alloc", .. }) | None => (),
            Some(Target::Foreign { name, summary }) => {
                self.foreign.entry(name.to_owned()).or_default().insert(summary.path.join("::"));
            }
            Some(Target::Ours(found)) if public.contains(&found.definition()) => (),
            Some(Target::Ours(found)) => {
                let name = found.item.name.as_deref().unwrap_or("_");
                self.unnameable.entry(format!("{}::{name}", found.package.name)).or_default().insert(by.to_owned());
            }
            Some(Target::Hidden(summary)) => {
                self.unnameable.entry(summary.path.join("::")).or_default().insert(by.to_owned());
            }
        }
    }
}

/// Reads lines of the form `crate: reason`. Empty lines and lines that begin with `#` are skipped.
///
/// # Errors
/// Names a line of another form.
pub(crate) fn allowed(text: &str) -> Result<BTreeMap<&str, &str>, String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let rows = lines.map(|line| match line.split_once(": ") {
        Some((name, reason)) if !reason.trim().is_empty() => Ok((name, reason)),
        _ => Err(format!("`{line}` has no reason: write `crate: reason`")),
    });
    rows.collect()
}

/// A message for each crate that is exposed and not allowed, and for each that is allowed and not exposed.
pub(crate) fn violations(exposed: &Exposed, allowed: &BTreeMap<&str, &str>) -> Vec<String> {
    let missing = exposed.foreign.iter().filter(|(name, _)| !allowed.contains_key(&***name)).map(|(name, types)| {
        let types = joined(types);
        format!("public signatures name types of `{name}` ({types}): hide them, or give the crate a line with a reason")
    });
    let unused = allowed.keys().filter(|name| !exposed.foreign.contains_key(**name));
    missing.chain(unused.map(|name| format!("no public signature names `{name}`: remove its line"))).collect()
}

/// Names with commas between them.
pub(crate) fn joined(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
