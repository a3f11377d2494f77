//! Absence of unsafe code, in our sources and in the expansions of our macros.

use std::fs;

use super::markdown::{files, root};

/// The folders of the workspace's members; the code of `ui-tests/ui` has to fail.
const MEMBERS: [&str; 14] = [
    "macros",
    "runtime",
    "runtime/core",
    "runtime/mongo",
    "demo-app",
    "demo-app/tools",
    "tests",
    "tests/renamed",
    "ui-tests",
    "model",
    "fuzz",
    "benches",
    "scripts/xtask",
    "scripts/api-list",
];

/// The code of a file, without its comments and texts.
fn code(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines().map(|line| line.split("//").next().unwrap()) {
        // Drops the text between quotes; quotes that are themselves quoted are not recognised.
        code.extend(line.split('"').step_by(2));
        code.push('\n');
    }
    code
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|own| own == word)
}

#[test]
fn every_member_is_forbidden_unsafe_code() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = workspace.lines().find(|line| line.starts_with("members = ")).unwrap();
    assert_eq!(members, format!("members = {MEMBERS:?}"));
    assert!(workspace.lines().any(|line| line == "unsafe_code = \"forbid\""));
    for member in MEMBERS {
        let manifest = fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("\n[lints]\nworkspace = true\n"), "{member}");
    }
}

/// A lint may overlook code that a macro of another crate makes, so this test searches for the word itself: in the quoted code of
/// `macros/src`, in the expansions of `macros/snapshots`, and everywhere else.
#[test]
fn no_file_of_ours_has_unsafe_code() {
    let mut seen = 0;
    for member in MEMBERS {
        for file in files(&root().join(member), "rs") {
            let path = file.strip_prefix(root()).unwrap();
            // Files whose code the macros have to refuse, and the tests of that.
            let refused = path.starts_with("ui-tests/ui") || path.ends_with("macros/src/signature/tests.rs");
            let text = fs::read_to_string(&file).unwrap();
            assert!(refused || !has_word(&code(&text), "unsafe"), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 500, "{seen}");
}

#[test]
fn the_word_unsafe_is_found_in_code_alone() {
    let found = |text: &str| has_word(&code(text), "unsafe");
    assert!(
        found("let x = unsafe { 1 };") && found("quote!(unsafe fn f() {})") && found("pub(crate) unsafe fn f() {}")
    );
    assert!(!found("// unsafe") && !found("fail(\"an `unsafe fn`\")") && !found("#![forbid(unsafe_code)]"));
}
