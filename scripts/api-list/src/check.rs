//! Counts of names, and names with several meanings.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rustdoc_types::ItemKind;

use crate::crates::FACADE;
use crate::list::Name;

/// Names that several modules may have, because users write them with their module.
pub(crate) const QUALIFIED: [&str; 4] = ["Settings", "Snapshot", "snapshots", "Error"];

/// The numbers of names at the root, in each module and in all. Modules are counted separately.
pub(crate) fn totals(names: &[Name<'_>]) -> String {
    let mut per_module: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names.iter().filter(|name| !name.is_module()) {
        *per_module.entry(name.split().0).or_default() += 1;
    }
    let mut text = String::new();
    for (module, count) in &per_module {
        let _ = writeln!(text, "{count:5}  {module}");
    }
    let all: usize = per_module.values().sum();
    let modules = names.iter().filter(|name| name.is_module());
    let (at_root, below): (Vec<_>, Vec<_>) = modules.partition(|name| name.split().0 == FACADE);
    let _ = writeln!(text, "{all:5}  names in all, {} of them at the root", per_module.get(FACADE).unwrap_or(&0));
    let _ = writeln!(text, "{:5}  modules in all, {} of them at the root", at_root.len() + below.len(), at_root.len());
    text
}

/// Names that several items have, and items that have several paths.
#[derive(Debug, Default)]
pub(crate) struct Duplicates {
    /// A message for each name that different items have: faults.
    pub(crate) meanings: Vec<String>,
    /// A message for each item that has several paths: for information.
    pub(crate) paths: Vec<String>,
}

pub(crate) fn duplicates(names: &[Name<'_>]) -> Duplicates {
    let mut by_name: BTreeMap<(u8, &str), Vec<&Name<'_>>> = BTreeMap::new();
    for name in names {
        by_name.entry((class(name.kind()), name.split().1)).or_default().push(name);
    }
    let mut duplicates = Duplicates::default();
    for ((_, last), names) in by_name {
        let paths = names.iter().map(|name| format!("`{}`", name.path)).collect::<Vec<_>>().join(", ");
        let first = names[0].found.definition();
        let different = names.iter().any(|name| name.found.definition() != first);
        if different && !QUALIFIED.contains(&last) {
            duplicates.meanings.push(format!("`{last}` has several meanings: {paths}: rename all but one"));
        } else if !different && names.len() > 1 {
            duplicates.paths.push(format!("`{last}` has several paths: {paths}"));
        }
    }
    duplicates
}

/// The class of an item. Items of different classes may share a name: a trait and its derive, an attribute and its module.
fn class(kind: ItemKind) -> u8 {
    match kind {
        ItemKind::Module => 0,
        ItemKind::Function => 1,
        ItemKind::ProcDerive => 2,
        ItemKind::ProcAttribute | ItemKind::Macro => 3,
        ItemKind::Constant | ItemKind::Static => 4,
        _ => 5,
    }
}
