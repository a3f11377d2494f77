//! The imports between the files of a crate, and the circles that they form inside a folder.
//!
//! Each folder is a graph: its nodes are the modules below it, each with all modules below that, and the folder's own file, `self`. An edge
//! is a path in one node that names an item of another. A re-export of a child is no edge, and a module that uses the re-export counts as a
//! user of the child. Tests are left out. Calls of methods are not seen, because they name no module.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use self::circles::circles;
use self::modules::{All, Name, read};

mod circles;
mod modules;
mod tokens;

/// The modules of one crate.
#[derive(Debug)]
pub struct Imports(All);

/// Files of one folder that import each other.
#[derive(Debug)]
pub struct Circle {
    /// The folder as a module; empty for the root of the crate.
    pub folder: String,
    /// The files, or `self` for the folder's own file.
    pub members: BTreeSet<String>,
    /// The imports between the members: from, to, and one place.
    pub imports: Vec<(String, String, String)>,
}

impl Imports {
    /// Reads the modules that this root file (`lib.rs`) declares.
    ///
    /// # Panics
    ///
    /// Panics if a file cannot be read, or is not Rust.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let mut all = All::new();
        read(&mut all, root, root.parent().expect("a folder"), Name::new());
        Self(all)
    }

    /// The circles in all folders.
    #[must_use]
    pub fn circles(&self) -> Vec<Circle> {
        let mut found = Vec::new();
        for (folder, imports) in self.by_folder() {
            for members in circles(&imports.keys().collect::<Vec<_>>()) {
                let inside = |(from, to): &(String, String)| members.contains(from) && members.contains(to);
                let imports = imports.iter().filter(|(edge, _)| inside(edge));
                let imports = imports.map(|((from, to), place)| (from.clone(), to.clone(), place.clone())).collect();
                found.push(Circle { folder: folder.join("::"), members, imports });
            }
        }
        found
    }

    /// The imports between the nodes of each folder, each with one place.
    fn by_folder(&self) -> BTreeMap<Name, BTreeMap<(String, String), String>> {
        let mut folders = BTreeMap::<_, BTreeMap<_, _>>::new();
        for (name, module) in &self.0 {
            let from = self.file_of(name);
            for written in &module.paths {
                let Some(to) = self.resolve(name, &written.segments, 0).map(|to| self.file_of(&to)) else { continue };
                if to == from || (written.is_reexport && to.starts_with(&from)) {
                    continue;
                }
                let common = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
                let node = |name: &Name| name.get(common).cloned().unwrap_or_else(|| "self".to_owned());
                let place = format!("{}: {}", module.file.display(), written.segments.join("::"));
                let imports = folders.entry(from[..common].to_vec()).or_default();
                imports.entry((node(&from), node(&to))).or_insert(place);
            }
        }
        folders
    }

    /// The module that defines the item which this path names in that module; `None` if the item is of another crate, or this is no path at
    /// all.
    fn resolve(&self, from: &Name, path: &[String], depth: usize) -> Option<Name> {
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Name::new(),
            "self" => from.clone(),
            "super" => from.split_last()?.1.to_vec(),
            // A single name is that of a variable or an item.
            _ if rest.is_empty() && !self.0.get(from)?.imports.contains_key(first) => return None,
            _ => return self.step(from, path, depth),
        };
        while let Some((_, after)) = rest.split_first().filter(|(next, _)| *next == "super") {
            (at, rest) = (at.split_last()?.1.to_vec(), after);
        }
        if rest.is_empty() { Some(at) } else { self.step(&at, rest, depth).or(Some(at)) }
    }

    /// Follows a path through children and imports of a module; `None` if its first name is neither.
    fn step(&self, at: &Name, path: &[String], depth: usize) -> Option<Name> {
        let (first, rest) = path.split_first()?;
        let module = self.0.get(at)?;
        if module.children.contains(first) {
            let child = [&at[..], std::slice::from_ref(first)].concat();
            return self.step(&child, rest, depth).or(Some(child));
        }
        // Imports in the code of macros may lead to themselves.
        let import = module.imports.get(first).filter(|import| depth < 8 && import[..] != *path)?;
        self.resolve(at, &[&import[..], rest].concat(), depth + 1)
    }

    /// The module whose file contains this one.
    fn file_of(&self, name: &Name) -> Name {
        let mut name = name.clone();
        while self.0.get(&name).is_some_and(|module| module.is_inline) {
            name.pop();
        }
        name
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<_> = self.members.iter().map(String::as_str).collect();
        writeln!(f, "in `{}`, {} import each other:", self.folder, members.join(", "))?;
        for (from, to, place) in &self.imports {
            writeln!(f, "    {from} -> {to}   {place}")?;
        }
        Ok(())
    }
}
