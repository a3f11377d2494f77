//! The guide in `docs/guide` says what the macros do: their options, all of them, and their errors, word by word.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::markdown::{examples, files, prose, root};

/// Which page describes the options of which attributes.
const PAGES: &[(&str, &[&str])] = &[
    ("cacheable", &["cacheable"]),
    ("cache_invalidate", &["cache_invalidate"]),
    ("cache_put", &["cache_put"]),
    ("circuit_breaker", &["circuit_breaker"]),
    ("retry", &["retry"]),
    ("timeout", &["timeout"]),
    ("bulkhead", &["bulkhead"]),
    ("rate_limit", &["rate_limit"]),
    ("hedge", &["hedge"]),
    ("fallback", &["fallback"]),
    ("timed", &["timed", "label"]),
    ("indexed", &["indexed", "index", "collation"]),
];

#[test]
fn every_page_lists_the_options_that_its_attributes_take_and_no_others() {
    let accepted = accepted();
    let described: BTreeSet<_> =
        PAGES.iter().flat_map(|(_, attributes)| *attributes).map(|name| (*name).into()).collect();
    assert_eq!(accepted.keys().cloned().collect::<BTreeSet<_>>(), described, "left: macros/src, right: this test");
    for (page, attributes) in PAGES {
        let text = fs::read_to_string(root().join("docs/guide").join(page).with_extension("md")).unwrap();
        let wanted: BTreeSet<_> = attributes.iter().flat_map(|name| accepted[*name].clone()).collect();
        assert_eq!(wanted, listed(&text), "left: the macro, right: docs/guide/{page}.md");
    }
}

/// The options of each attribute, as `options! { struct .. for ".." { ".." => .., } }` declares them.
fn accepted() -> BTreeMap<String, BTreeSet<String>> {
    let sources = files(&root().join("macros/src"), "rs");
    // Tests declare attributes of their own.
    let sources = sources.iter().filter(|path| !path.ends_with("tests.rs"));
    sources.flat_map(|path| declared(&fs::read_to_string(path).unwrap())).collect()
}

fn declared(source: &str) -> Vec<(String, BTreeSet<String>)> {
    let blocks = source.split("options! {").skip(1).filter_map(|block| block.split_once(" for \""));
    let blocks = blocks.filter_map(|(_, block)| Some((block.split_once("\" {")?.0, block.split_once('}')?.0)));
    let name = |line: &str| Some(line.trim().strip_prefix('"')?.split_once("\" =>")?.0.to_owned());
    blocks.map(|(attribute, block)| (attribute.to_owned(), block.lines().filter_map(name).collect())).collect()
}

/// The options in the first column of the tables under the heading `Options`.
fn listed(page: &str) -> BTreeSet<String> {
    let text = prose(page);
    let section = text.split_once("\n## Options\n").map_or("", |(_, rest)| rest);
    let section = section.split("\n## ").next().unwrap_or_default();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let codes = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    codes.filter_map(option).collect()
}

/// The name in `name`, `name = ..` or `name(..)`; targets such as `"user:{id}"`, `USERS(id)` and `Self::other` have none.
fn option(code: &str) -> Option<String> {
    let end = code
        .find(|letter: char| !letter.is_ascii_lowercase() && !letter.is_ascii_digit() && letter != '_')
        .unwrap_or(code.len());
    let (name, rest) = code.split_at(end);
    let is_option = name.starts_with(|first: char| first.is_ascii_lowercase())
        && (rest.is_empty() || rest.starts_with(" =") || rest.starts_with('('));
    is_option.then(|| name.to_owned())
}

/// Which page describes the settings of which type of the runtime.
const BUILDERS: &[(&str, &str, &str)] = &[
    ("http-cache", "http/cache/mod.rs", "CacheLayer"),
    ("idempotency", "http/idempotency/mod.rs", "IdempotencyLayer"),
    ("http", "http/coalesce.rs", "CoalesceLayer"),
    ("http", "http/timing/mod.rs", "TimingLayer"),
    ("http", "http/limit.rs", "ConcurrencyLimitLayer"),
    ("http", "http/breaker.rs", "BreakerLayer"),
    ("monitor", "monitor/builder.rs", "MonitorBuilder"),
    ("monitor", "monitor/probe.rs", "Probe"),
    ("monitor", "monitor/guard/builder.rs", "MemoryGuardBuilder"),
    ("changes", "changes/mod.rs", "Changes"),
    ("slow-queries", "index/profiler.rs", "Profile"),
    ("slow-queries", "index/optimize.rs", "Chosen"),
];

#[test]
fn every_setting_of_a_builder_is_on_its_page() {
    for (page, file, owner) in BUILDERS {
        let text = fs::read_to_string(root().join("docs/guide").join(page).with_extension("md")).unwrap();
        let setters = setters(&fs::read_to_string(root().join("runtime/core/src").join(file)).unwrap(), owner);
        assert!(!setters.is_empty(), "no setting of `{owner}` is found in {file}");
        for name in setters {
            let said = [format!("`{name}("), format!("`{name}`"), format!(".{name}("), format!(".{name}::<")];
            assert!(said.iter().any(|said| text.contains(said)), "docs/guide/{page}.md lacks `{owner}::{name}`");
        }
    }
}

/// The public methods that take the value itself, `build` apart.
fn setters(source: &str, owner: &str) -> Vec<String> {
    let block = source.split_once(&format!("\nimpl {owner} {{\n")).map_or("", |(_, rest)| rest);
    let block = block.split("\n}\n").next().unwrap_or_default();
    let methods = block.split("    pub fn ").skip(1).filter_map(|method| {
        let (name, _) = method.split_once(['<', '('])?;
        let parameters: String = method.split('{').next()?.split_whitespace().collect();
        (parameters.contains("(self") || parameters.contains("(mutself")).then(|| name.to_owned())
    });
    methods.filter(|name| name != "build").collect()
}

#[test]
fn setters_are_found_in_sources() {
    let source = "\nimpl A {\n    pub fn new() -> Self {\n    }\n    pub fn one(self) -> Self {\n    }\n    fn own(self) {\n    }\n    \
        pub fn two<T>(\n        mut self,\n        t: T,\n    ) -> Self {\n    }\n    pub fn read(&self) {\n    }\n    \
        pub fn build(self) {\n    }\n}\nimpl B {\n    pub fn three(self) {\n    }\n}\n";
    assert_eq!(setters(source, "A"), ["one", "two"]);
}

#[test]
fn the_demo_page_has_every_variable_of_the_demo() {
    let page = fs::read_to_string(root().join("docs/guide/demo.md")).unwrap();
    let source = fs::read_to_string(root().join("demo-app/src/config/variables.rs")).unwrap();
    let names: Vec<_> = source.lines().filter_map(|line| line.strip_prefix("    (\"")?.split('"').next()).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "docs/guide/demo.md lacks `{name}`");
    }
}

#[test]
fn options_are_found_in_sources_and_on_pages() {
    let source = "options! {\n  /// Doc.\n  struct Args for \"x\" {\n    \"ttl\" => ttl: Expr,\n    \"crate\" => krate: Expr,\n  }\n}";
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(declared(source), [("x".to_owned(), names(&["ttl", "crate"]))]);
    let page = "# X\n\n| `before` | |\n\n## Options\n\n| option | |\n|---|---|\n| `ttl = 1`, `skip(a)` | `no` |\n\
        | `\"a:*\"` | |\n| `adaptive` | |\n\n## Next\n\n| `after` | |\n";
    assert_eq!(listed(page), names(&["ttl", "skip", "adaptive"]));
}

#[test]
fn every_error_that_a_page_shows_is_one_that_the_compiler_gives() {
    let known: String =
        files(&root().join("ui-tests/ui"), "stderr").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let known: BTreeSet<_> = known.lines().collect();
    for path in files(&root().join("docs"), "md") {
        let page = fs::read_to_string(&path).unwrap();
        for line in page.lines().filter(|line| line.starts_with("error: ") || line.starts_with("error[")) {
            assert!(known.contains(line), "{}: no compiler says `{line}`", path.display());
        }
    }
}

/// Who reads a page where it lies sees each line of an example, those too that rustdoc hides, and copies them.
#[test]
fn examples_hide_nothing() {
    let root = root();
    for path in files(&root.join("docs"), "md").into_iter().chain([root.join("README.md")]) {
        let page = fs::read_to_string(&path).unwrap();
        for line in examples(&page).lines() {
            assert!(
                line != "#" && !line.starts_with("# "),
                "{}: `{line}` does not compile as it is seen",
                path.display()
            );
        }
    }
}

/// Whoever adds a page adds it to `tests/src/guide.rs`, which compiles its examples, and to the contents.
#[test]
fn every_page_is_tested_and_in_the_contents() {
    let root = root();
    let tested = fs::read_to_string(root.join("tests/src/guide.rs")).unwrap();
    let contents = fs::read_to_string(root.join("docs/guide/README.md")).unwrap();
    for path in files(&root.join("docs"), "md") {
        let name = path.strip_prefix(root.join("docs")).unwrap().display().to_string();
        assert!(tested.contains(&format!("= \"{name}\"")), "docs/{name} is not in tests/src/guide.rs");
        if let Some(page) = name.strip_prefix("guide/").filter(|page| *page != "README.md") {
            assert!(contents.contains(&format!("]({page})")), "docs/{name} is not in docs/guide/README.md");
        }
    }
}
