//! The layers of the runtime, as docs/design/modules.md lists them, and the names in the pages for contributors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::{fs, iter};

use fastness_tests::imports::{Circle, Imports};

use crate::markdown::{files, prose, root};

type Uses = BTreeMap<String, BTreeSet<String>>;

/// The names in backticks.
fn ticked(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The packages whose modules have a table.
const PACKAGES: [&str; 2] = ["runtime/core", "runtime/mongo"];

/// The table of a package, and the order of its rows.
fn table(package: &str) -> (Uses, Vec<String>) {
    let page = fs::read_to_string(root().join("docs/design/modules.md")).unwrap();
    let start = page.find(&format!("| module of `{package}` |")).expect("the table of layers");
    let rows = page[start..].lines().skip(2).take_while(|line| line.starts_with('|'));
    let rows: Vec<_> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').collect();
            (ticked(cells[1]).pop_first().expect("a module"), ticked(cells[3]))
        })
        .collect();
    (rows.iter().cloned().collect(), rows.into_iter().map(|(module, _)| module).collect())
}

/// The modules that each module's files use, tests left out, and those that its head lists.
fn found(package: &str) -> (Uses, Uses) {
    let src = root().join(package).join("src");
    let (mut uses, mut heads) = (Uses::new(), Uses::new());
    for file in files(&src, "rs") {
        let path = file.strip_prefix(&src).unwrap();
        let module = path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let is_test = path.iter().any(|part| part == "tests" || part == "tests.rs");
        if is_test || ["lib", "__private"].contains(&module.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        if let Some((_, rest)) = text.split_once("\n//! May use: ") {
            heads.insert(module.clone(), ticked(rest.split(".\n").next().unwrap()));
        }
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let named = code
            .split("crate::")
            .skip(1)
            .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>());
        uses.entry(module.clone()).or_default().extend(named.filter(|name| *name != module));
    }
    (uses, heads)
}

#[test]
fn modules_use_exactly_what_the_table_says() {
    for package in PACKAGES {
        let (table, _) = table(package);
        let (uses, heads) = found(package);
        for (module, used) in &uses {
            let allowed =
                table.get(module).unwrap_or_else(|| panic!("`{module}` has no row in docs/design/modules.md"));
            assert_eq!(used, allowed, "`{module}`: left what its code names, right what docs/design/modules.md allows");
            assert_eq!(heads.get(module), Some(allowed), "the `May use` line of `{module}`");
        }
        assert_eq!(uses.keys().collect::<Vec<_>>(), table.keys().collect::<Vec<_>>());
    }
}

#[test]
fn layers_point_one_way() {
    for package in PACKAGES {
        let (table, order) = table(package);
        for (index, module) in order.iter().enumerate() {
            let below: BTreeSet<_> = order[..index].iter().cloned().collect();
            let above: Vec<_> = table[module].difference(&below).collect();
            assert!(above.is_empty(), "`{module}` uses {above:?}, which stand above it");
        }
    }
}

/// The root files of the crates whose folders must have no circles.
fn roots() -> impl Iterator<Item = PathBuf> {
    let folders = ["runtime", "macros", "demo-app"];
    let sources = folders.into_iter().flat_map(|folder| files(&root().join(folder), "rs"));
    sources.filter(|file| file.ends_with("src/lib.rs"))
}

#[test]
fn files_of_a_folder_form_no_circle() {
    let mut crates = 0;
    for file in roots() {
        crates += 1;
        let circles: String = Imports::read(&file).circles().iter().map(Circle::to_string).collect();
        assert!(circles.is_empty(), "{}: {circles}", file.display());
    }
    assert!(crates >= 5, "of {crates} crates");
}

/// A crate of these files, by their paths below `src`.
struct Source(PathBuf);

impl Source {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        for (path, text) in files {
            let file = folder.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Self(folder)
    }

    /// The members of each circle behind their folder.
    fn circles(&self) -> Vec<String> {
        let circles = Imports::read(&self.0.join("lib.rs")).circles();
        circles.iter().map(|circle| format!("{}: {}", circle.folder, Vec::from_iter(&circle.members).len())).collect()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // A folder that is left behind is in the target folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn circles_are_found_however_the_imports_are_written() {
    let head = "mod a { pub(crate) mod one; pub(crate) mod two; }";
    let circle = |one: &str, two: &str| {
        Source::new("circle", &[("lib.rs", head), ("a/one.rs", one), ("a/two.rs", two)]).circles()
    };
    let two = "pub(crate) struct Two; fn two() -> super::one::One { super::one::One }";
    for one in [
        "use super::two::Two; pub(crate) struct One;",
        "use super::{two::{self, Two as Other}}; pub(crate) struct One;",
        "pub(crate) struct One; fn one() -> crate::a::two::Two { vec![crate::a::two::Two].remove(0) }",
        "pub(crate) struct One; macro_rules! made { () => { $crate::a::two::Two } }",
    ] {
        assert_eq!(circle(one, two), ["a: 2"], "{one}");
    }
    for one in [
        "pub(crate) struct One; /// `super::two::Two`\nfn one(two: u8) -> u8 { two }",
        "pub(crate) struct One; #[cfg(test)] mod tests { use crate::a::two::Two; }",
        "pub(crate) struct One; fn one() { other::two::Two; let two = One; drop(two) }",
    ] {
        assert_eq!(circle(one, two), Vec::<String>::new(), "{one}");
    }
}

#[test]
fn a_parent_that_only_re_exports_is_in_no_circle() {
    let child = "use super::Parent; pub(crate) struct Child;";
    let parent = |text: &str| Source::new("parent", &[("lib.rs", "mod a;"), ("a/mod.rs", text), ("a/child.rs", child)]);
    assert_eq!(
        parent("mod child; pub(crate) use child::Child; pub(crate) struct Parent;").circles(),
        Vec::<String>::new()
    );
    for text in [
        "mod child; use child::Child; pub(crate) struct Parent;",
        "mod child; pub(crate) use child::Child; pub(crate) struct Parent(Child);",
        "mod child; pub(crate) struct Parent(child::Child);",
    ] {
        assert_eq!(parent(text).circles(), ["a: 2"], "{text}");
    }
    let outside = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod c; pub(crate) use c::C;"),
        ("a/c.rs", "pub(crate) struct C(crate::b::B);"),
        ("b.rs", "pub(crate) struct B; fn c() -> Option<crate::a::C> { None }"),
    ];
    assert_eq!(Source::new("outside", &outside).circles(), [": 2"], "of the folders above, too");
}

#[test]
fn only_the_clock_reads_clocks() {
    let banned = ["Instant::now", "SystemTime::now", "thread::sleep", "time::sleep"];
    let folders = ["runtime/core/src", "runtime/mongo/src", "macros/src"];
    let sources = folders.iter().flat_map(|folder| files(&root().join(folder), "rs"));
    let lines = |file: &PathBuf| fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let offenders: Vec<_> = sources
        .filter(|file| !file.ends_with("clock.rs") && !file.iter().any(|part| part == "clock"))
        .flat_map(|file| iter::repeat(file.clone()).zip(lines(&file)))
        .filter(|(_, line)| banned.iter().any(|call| line.contains(call)))
        .collect();
    assert!(offenders.is_empty(), "{offenders:?}");
}

/// The pages for contributors, whose names and paths must exist in the code.
fn pages() -> impl Iterator<Item = (PathBuf, String)> {
    let mut pages = vec![root().join("ARCHITECTURE.md"), root().join("CONTRIBUTING.md")];
    pages.extend(files(&root().join("docs/design"), "md"));
    pages.into_iter().map(|page| (page.clone(), prose(&fs::read_to_string(page).unwrap())))
}

/// A path in a page begins at the root, or in the sources of a crate.
#[test]
fn every_path_in_the_pages_exists() {
    let bases =
        ["", "runtime/core/src", "runtime/mongo/src", "macros/src", "demo-app/src"].map(|base| root().join(base));
    let is_path = |text: &String| {
        text.contains('/') && !text.starts_with('/') && !text.contains(['{', '*', ' ', '`', '\n', '<', ':', '"'])
    };
    let paths: Vec<_> =
        pages().flat_map(|(page, text)| iter::repeat(page).zip(ticked(&text).into_iter().filter(is_path))).collect();
    assert!(paths.len() > 100, "{paths:?}");
    let lost: Vec<_> = paths.iter().filter(|(_, path)| !bases.iter().any(|base| base.join(path).exists())).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// Types in the glossary are defined in the runtime, so that a renamed type is renamed there too.
#[test]
fn every_type_in_the_glossary_is_defined() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let glossary = page.split("## Glossary").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a glossary");
    let rows: Vec<_> = glossary.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 25, "{rows:?}");
    let sources = files(&root().join("runtime"), "rs").into_iter().map(|file| fs::read_to_string(file).unwrap());
    let defined: BTreeSet<String> = sources
        .flat_map(|source| source.lines().filter_map(definition).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let carriers = rows.iter().flat_map(|row| ticked(row.rsplit(" | ").next().unwrap()));
    let types: Vec<_> = carriers.filter(|name| name.starts_with(char::is_uppercase)).collect();
    assert!(types.len() >= 25, "{types:?}");
    let lost: Vec<_> = types.iter().filter(|name| !defined.contains(*name)).collect();
    assert!(lost.is_empty(), "not defined in the runtime: {lost:?}");
}

/// Returns the type that a line defines.
fn definition(line: &str) -> Option<&str> {
    let words = ["struct ", "enum ", "trait ", "type "];
    let rest = words.iter().find_map(|word| Some(line.split_once(word)?.1))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().filter(|name| !name.is_empty())
}

/// One program is a default member: with a second, `cargo run` would ask which one to run.
#[test]
fn cargo_run_starts_the_demo() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let list = |value: &serde_json::Value| value.as_array().expect("a list").clone();
    let defaults = list(&metadata["workspace_default_members"]);
    let packages = list(&metadata["packages"]).into_iter().filter(|package| defaults.contains(&package["id"]));
    let targets = packages.flat_map(|package| list(&package["targets"]));
    let programs: Vec<_> = targets
        .filter(|target| list(&target["kind"]).contains(&"bin".into()))
        .map(|target| target["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(programs, ["demo-app"]);
}
