//! Checks of the guide in `docs/guide`: it quotes the macros' errors word by word, and names all settings of builders. A test of the macros
//! writes its tables of options.

use std::collections::BTreeSet;
use std::fs;

use super::markdown::{anchors, examples, files, prose, root};

/// The page that describes the settings of each type of the runtime.
const BUILDERS: &[(&str, &str, &str)] = &[
    ("http-cache", "http/cache/mod.rs", "CacheLayer"),
    ("idempotency", "http/idempotency/mod.rs", "IdempotencyLayer"),
    ("http", "http/coalesce.rs", "CoalesceLayer"),
    ("http", "http/timing/mod.rs", "TimingLayer"),
    ("http", "http/gate.rs", "GateLayer<A>"),
    ("http", "http/breaker.rs", "GateLayer<ByBreaker>"),
    ("http", "http/memory.rs", "GateLayer<ByMemory>"),
    ("monitor", "monitor/builder.rs", "MonitorBuilder"),
    ("monitor", "monitor/probe.rs", "Probe"),
    ("monitor", "monitor/memory_guard/builder.rs", "MemoryGuardBuilder"),
    ("changes", "changes/mod.rs", "ChangeWatcher"),
    ("slow-queries", "slow/profiler.rs", "Settings"),
    ("slow-queries", "advice/selection.rs", "AdviceSelection"),
];

#[test]
fn every_setting_of_a_builder_is_on_its_page() {
    for (page, file, owner) in BUILDERS {
        let text = fs::read_to_string(root().join("docs/guide").join(page).with_extension("md")).unwrap();
        let sources = ["runtime/core/src", "runtime/mongo/src"].map(|folder| root().join(folder).join(file));
        let source = sources.iter().find(|source| source.exists()).unwrap_or_else(|| panic!("there is no {file}"));
        let setters = setters(&fs::read_to_string(source).unwrap(), owner);
        assert!(!setters.is_empty(), "no setting of `{owner}` is found in {file}");
        for name in setters {
            let said = [format!("`{name}("), format!("`{name}`"), format!(".{name}("), format!(".{name}::<")];
            assert!(said.iter().any(|said| text.contains(said)), "docs/guide/{page}.md lacks `{owner}::{name}`");
        }
    }
}

/// The public methods of `owner` that take the value itself, `build` apart.
fn setters(source: &str, owner: &str) -> Vec<String> {
    let blocks = source.split("\nimpl").skip(1).filter_map(|block| {
        let (head, rest) = block.split_once('\n')?;
        let generics = head.strip_suffix(&format!(" {owner} {{"))?;
        (generics.is_empty() || (generics.starts_with('<') && !generics.ends_with(" for")))
            .then(|| rest.split("\n}\n").next())?
    });
    let methods = blocks.flat_map(|block| block.split("    pub fn ").skip(1)).filter_map(|method| {
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
        pub fn build(self) {\n    }\n}\nimpl B {\n    pub fn three(self) {\n    }\n}\n\
        impl<T: X> A {\n    pub fn four(self) {\n    }\n}\nimpl<T> Y for A {\n    pub fn five(self) {\n    }\n}\n";
    assert_eq!(setters(source, "A"), ["one", "two", "four"]);
}

#[test]
fn the_demo_page_has_every_variable_of_the_demo() {
    let page = fs::read_to_string(root().join("docs/guide/demo.md")).unwrap();
    let source = fs::read_to_string(root().join("demo-app/src/config/variables.rs")).unwrap();
    let names: Vec<_> = source.lines().filter_map(|line| Some(line.split_once(" | ")?.0)).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "docs/guide/demo.md lacks `{name}`");
    }
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

/// Readers of a page see the lines that rustdoc would hide, and copy its examples with them.
#[test]
fn examples_hide_no_lines() {
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

/// Every page is listed in `tests/src/guide.rs`, which compiles its examples, in the contents, and in the module `guide` of rustdoc.
#[test]
fn every_page_is_tested_in_the_contents_and_in_rustdoc() {
    let root = root();
    let tested = fs::read_to_string(root.join("tests/src/guide.rs")).unwrap();
    let contents = fs::read_to_string(root.join("docs/guide/README.md")).unwrap();
    let module = fs::read_to_string(root.join("runtime/src/guide.rs")).unwrap();
    for path in files(&root.join("docs"), "md") {
        let name = path.strip_prefix(root.join("docs")).unwrap().display().to_string();
        assert!(tested.contains(&format!("= \"{name}\"")), "docs/{name} is not in tests/src/guide.rs");
        if let Some(page) = name.strip_prefix("guide/").filter(|page| *page != "README.md") {
            assert!(contents.contains(&format!("]({page})")), "docs/{name} is not in docs/guide/README.md");
            assert!(module.contains(&format!("\"{name}\"")), "docs/{name} is not in runtime/src/guide.rs");
        }
    }
}

/// The documentation of the attributes links to pages and headings by their addresses in rustdoc, which rustdoc does not check.
#[test]
fn links_from_the_attributes_lead_to_pages_and_headings() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (lib, tables, modules) =
        (read("macros/src/lib.rs"), read("macros/src/rustdoc.rs"), read("runtime/src/guide.rs"));
    let pages = lib.split("#[doc = guide!(\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned);
    let inside = tables.split("guide_root!(), ").skip(1).filter_map(|rest| rest.split(')').next());
    let inside = inside.map(|address| address.trim_start_matches(['r', '#', '"']).replace("/index.html", ""));
    let links: BTreeSet<_> = pages.chain(inside).collect();
    assert!(links.len() > 12, "{links:?}");
    for link in links {
        let (module, heading) =
            link.split_once('#').map_or((&*link, None), |(module, heading)| (module, Some(heading)));
        let line = modules.lines().find_map(|line| line.trim().strip_prefix(&format!("{module} = \"")));
        let page =
            line.unwrap_or_else(|| panic!("`{link}`: the guide has no module `{module}`")).trim_end_matches("\",");
        let anchors = anchors(&read(&format!("docs/{page}")));
        assert!(
            heading.is_none_or(|heading| anchors.iter().any(|anchor| anchor == heading)),
            "docs/{page} has no heading for `{link}`"
        );
    }
}

/// Anchors that rustdoc uses on each page itself: it renames those of headings with these names, so that links to them lead nowhere.
const RESERVED: [&str; 8] =
    ["help", "search", "settings", "main-content", "rustdoc-toc", "structs", "functions", "modules"];

#[test]
fn headings_have_anchors_that_rustdoc_does_not_use_itself() {
    for path in files(&root().join("docs/guide"), "md") {
        for anchor in anchors(&fs::read_to_string(&path).unwrap()) {
            assert!(!RESERVED.contains(&&*anchor), "{}: rustdoc uses `#{anchor}` itself: rename it", path.display());
        }
    }
}

/// Each page about a single feature has a section that says when not to use it.
#[test]
fn pages_of_features_say_when_not_to_use_the_feature() {
    let others = [
        "README",
        "breaker-defaults",
        "coherence",
        "demo",
        "keys",
        "operations",
        "order",
        "testing",
        "troubleshooting",
    ];
    for path in files(&root().join("docs/guide"), "md") {
        let is_feature = !path.parent().is_some_and(|folder| folder.ends_with("coming-from"))
            && !others.iter().any(|name| path.file_stem().is_some_and(|stem| stem == *name));
        let page = prose(&fs::read_to_string(&path).unwrap());
        let has_section = page.lines().any(|line| line.starts_with("## When not to "));
        assert_eq!(has_section, is_feature, "{}: a section `When not to use it`", path.display());
    }
}
