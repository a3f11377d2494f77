//! The JSON that rustdoc writes for the facade and the packages behind it, and lookups of an item across packages.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use rustdoc_types::{Crate, FORMAT_VERSION, Id, Item, ItemEnum, ItemKind, ItemSummary};
use serde_json::Value;

/// The facade, whose root module the list begins with.
pub(crate) const FACADE: &str = "fastness";
/// Packages whose items the facade re-exports.
const PACKAGES: [&str; 4] = [FACADE, "fastness_core", "fastness_mongo", "fastness_macros"];

/// A package: its name, its items, and its definitions by path and kind.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) json: Crate,
    definitions: HashMap<(Vec<String>, ItemKind), Id>,
}

/// An item, with the package that it is defined in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) package: &'a Package,
    pub(crate) item: &'a Item,
}

/// The identity of a definition among all packages.
pub(crate) type Definition = (&'static str, Id);

impl Found<'_> {
    pub(crate) fn definition(&self) -> Definition {
        (self.package.name, self.item.id)
    }
}

/// The item behind an id of rustdoc in one package.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// An item of one of the packages, documented there.
    Ours(Found<'a>),
    /// An item of one of the packages that is hidden or private there.
    Hidden(&'a ItemSummary),
    /// An item of another crate.
    Foreign { name: &'a str, summary: &'a ItemSummary },
}

/// All packages.
#[derive(Debug)]
pub(crate) struct Crates(Vec<Package>);

impl Crates {
    /// Reads `NAME.json` of each package in `folder`.
    ///
    /// # Errors
    /// Names the file if it cannot be read, or if its format is not the one that this program reads.
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        PACKAGES.into_iter().map(|name| Package::read(folder, name)).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn facade(&self) -> &Package {
        &self.0[0]
    }

    /// The meaning of `id` in `package`; `None` for an id that rustdoc names nowhere.
    pub(crate) fn target<'a>(&'a self, package: &'a Package, id: Id) -> Option<Target<'a>> {
        if let Some(item) = package.json.index.get(&id) {
            return Some(Target::Ours(Found { package, item }));
        }
        let summary = package.json.paths.get(&id)?;
        let name = match summary.crate_id {
            0 => package.name,
            other => &package.json.external_crates.get(&other)?.name,
        };
        let Some(home) = self.0.iter().find(|home| home.name == name) else {
            return Some(Target::Foreign { name, summary });
        };
        let item = home.definitions.get(&(summary.path.clone(), summary.kind)).and_then(|id| home.json.index.get(id));
        Some(item.map_or(Target::Hidden(summary), |item| Target::Ours(Found { package: home, item })))
    }
}

impl Package {
    fn read(folder: &Path, name: &'static str) -> Result<Self, String> {
        let file = folder.join(format!("{name}.json"));
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let json: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        let format = json["format_version"].as_u64();
        if format != Some(FORMAT_VERSION.into()) {
            return Err(format!(
                "rustdoc of this toolchain writes format {}, `scripts/api-list` reads {FORMAT_VERSION}: use the toolchain that \
                 `ui-tests/ui/toolchain.txt` names, or the version of `rustdoc-types` for yours",
                format.unwrap_or_default()
            ));
        }
        let json: Crate = serde_json::from_value(json).map_err(|error| format!("{}: {error}", file.display()))?;
        let local = json.paths.iter().filter(|(_, summary)| summary.crate_id == 0);
        let mut definitions: HashMap<_, _> =
            local.map(|(id, summary)| ((summary.path.clone(), summary.kind), *id)).collect();
        // rustdoc lists derives in the paths under ids that no item has.
        for (id, item) in &json.index {
            if let (ItemEnum::ProcMacro(_), Some(last)) = (&item.inner, &item.name) {
                definitions.insert((vec![name.to_owned(), last.clone()], item.inner.item_kind()), *id);
            }
        }
        Ok(Self { name, json, definitions })
    }
}
