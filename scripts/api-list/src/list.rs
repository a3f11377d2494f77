//! The list of the public API: every public item under the path that users write, also if it is re-exported from another package.
//!
//! Hidden items are missing, because rustdoc leaves them out. Bounds and implementations of traits are missing too: they would
//! make lines too long to review, and `scripts/semver` compares them.

use std::collections::BTreeMap;

use rustdoc_types::{Attribute, Id, Item, ItemEnum, ItemKind, Module, StructKind, VariantKind, Visibility};

use crate::crates::{Crates, Definition, FACADE, Found, Package, Target};
use crate::signature::Signatures;

/// The module of the guide, which only rustdoc compiles.
const GUIDE: &str = "fastness::guide";

/// A module or an item, with its public path.
#[derive(Clone, Debug)]
pub(crate) struct Name<'a> {
    pub(crate) path: String,
    pub(crate) found: Found<'a>,
}

impl Name<'_> {
    pub(crate) fn kind(&self) -> ItemKind {
        self.found.item.inner.item_kind()
    }

    pub(crate) fn is_module(&self) -> bool {
        self.kind() == ItemKind::Module
    }

    /// The path of the module around it, and its own name.
    pub(crate) fn split(&self) -> (&str, &str) {
        self.path.rsplit_once("::").unwrap_or(("", &self.path))
    }
}

/// All names of the facade, sorted by path.
///
/// # Errors
/// Names a re-export of an item that rustdoc does not document.
pub(crate) fn names(crates: &Crates) -> Result<Vec<Name<'_>>, String> {
    let facade = crates.facade();
    let mut names = Vec::new();
    if let Some(ItemEnum::Module(root)) = facade.json.index.get(&facade.json.root).map(|item| &item.inner) {
        walk(crates, facade, root, FACADE, &mut names)?;
    }
    names.sort_by(|a, b| (&a.path, a.kind() as u8).cmp(&(&b.path, b.kind() as u8)));
    Ok(names)
}

fn walk<'a>(
    crates: &'a Crates,
    package: &'a Package,
    module: &'a Module,
    path: &str,
    names: &mut Vec<Name<'a>>,
) -> Result<(), String> {
    for item in items(package, &module.items) {
        let (name, found) = match &item.inner {
            ItemEnum::Use(import) => {
                let Some(Target::Ours(found)) = import.id.and_then(|id| crates.target(package, id)) else {
                    return Err(format!("{path}: `pub use {}` names an item that is not documented", import.source));
                };
                if import.is_glob {
                    let ItemEnum::Module(module) = &found.item.inner else {
                        return Err(format!("{path}: `pub use {}::*` is not a module's", import.source));
                    };
                    walk(crates, found.package, module, path, names)?;
                    continue;
                }
                (&import.name, found)
            }
            _ => match &item.name {
                Some(name) => (name, Found { package, item }),
                None => continue,
            },
        };
        let path = format!("{path}::{name}");
        if path == GUIDE {
            continue;
        }
        if let ItemEnum::Module(module) = &found.item.inner {
            walk(crates, found.package, module, &path, names)?;
        }
        names.push(Name { path, found });
    }
    Ok(())
}

/// The lines of the list: a line per name, and one per public field, variant, method and associated item of it.
pub(crate) fn lines(crates: &Crates, names: &[Name<'_>]) -> Vec<String> {
    let public: BTreeMap<Definition, &str> =
        names.iter().rev().map(|name| (name.found.definition(), &*name.path)).collect();
    let mut lines = Vec::new();
    for name in names {
        let signatures = Signatures { crates, package: name.found.package, public: &public };
        let item = name.found.item;
        lines.push((name.path.clone(), signatures.item(item) + mark(item)));
        for member in members(name.found) {
            let path = format!("{}::{}", name.path, member.name.as_deref().unwrap_or("_"));
            lines.push((path, signatures.item(member) + mark(member)));
        }
    }
    // By path, so that a member stands below what it belongs to.
    lines.sort();
    lines.dedup();
    lines.into_iter().map(|(path, text)| format!("{path} {text}")).collect()
}

fn mark(item: &Item) -> &'static str {
    if item.attrs.contains(&Attribute::NonExhaustive) { ", non-exhaustive" } else { "" }
}

/// Public fields, variants, methods and associated items, without those of implemented traits.
pub(crate) fn members(found: Found<'_>) -> Vec<&Item> {
    let package = found.package;
    let mut members = match &found.item.inner {
        ItemEnum::Struct(of) => match &of.kind {
            StructKind::Unit => Vec::new(),
            StructKind::Tuple(fields) => fields.iter().flatten().copied().collect(),
            StructKind::Plain { fields, .. } => fields.clone(),
        },
        ItemEnum::Union(of) => of.fields.clone(),
        ItemEnum::Enum(of) => of.variants.clone(),
        ItemEnum::Trait(of) => of.items.clone(),
        _ => Vec::new(),
    };
    for item in items(package, impls(found)) {
        if let ItemEnum::Impl(of) = &item.inner
            && of.trait_.is_none()
        {
            members.extend(&of.items);
        }
    }
    let is_trait = matches!(found.item.inner, ItemEnum::Trait(_) | ItemEnum::Enum(_));
    items(package, &members).filter(|item| is_trait || item.visibility == Visibility::Public).collect()
}

/// Blocks that implement anything for the item.
pub(crate) fn impls(found: Found<'_>) -> &[Id] {
    match &found.item.inner {
        ItemEnum::Struct(of) => &of.impls,
        ItemEnum::Union(of) => &of.impls,
        ItemEnum::Enum(of) => &of.impls,
        ItemEnum::Trait(of) => &of.implementations,
        _ => &[],
    }
}

/// Fields of a variant.
pub(crate) fn fields(kind: &VariantKind) -> Vec<Id> {
    match kind {
        VariantKind::Plain => Vec::new(),
        VariantKind::Tuple(fields) => fields.iter().flatten().copied().collect(),
        VariantKind::Struct { fields, .. } => fields.clone(),
    }
}

/// Items of `ids` that are documented.
pub(crate) fn items<'a>(package: &'a Package, ids: &[Id]) -> impl Iterator<Item = &'a Item> {
    ids.iter().filter_map(|id| package.json.index.get(id))
}
