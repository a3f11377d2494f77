//! Every misuse of an attribute is a compile error on the right token, with what to write instead.
//!
//! The texts are reviewed as prose. They contain the compiler's own words too, so they belong to one toolchain, which
//! `ui/toolchain.txt` names: on another one this test says so, and checks only that every case fails to compile. After a change:
//! `TRYBUILD=overwrite cargo test -p fastness-ui-tests`, and read; on a new toolchain write its version into that file as well.
//!
//! Code that has to compile stands in test crates of its own beside this file. With a single `pass` here, trybuild would generate
//! code for all dependencies, where checking them is enough.

use std::env::{current_exe, var, var_os};
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// The version of rustc, without its last number, that wrote the texts.
const TOOLCHAIN: &str = include_str!("../ui/toolchain.txt");

/// Tells this program, when it runs itself, where the cases are.
const FOLDER: &str = "FASTNESS_UI_CASES";

const GROUPS: [&str; 7] = ["cacheable", "cache_invalidate", "cache_put", "resilience", "timed", "indexed", "types"];

#[test]
fn ui() {
    let version = rustc();
    let (found, wanted) = (version.as_str(), TOOLCHAIN.trim());
    let folder = var(FOLDER);
    if folder.is_err() && var_os("TRYBUILD").is_none() && !found.starts_with(&format!("{wanted}.")) {
        // Past the test harness, which would keep it to itself.
        let _ = writeln!(
            std::io::stderr(),
            "ui: rustc {found} is not {wanted}, to which the texts belong: only that each case fails to compile is checked"
        );
        without_texts();
        return;
    }
    let cases = trybuild::TestCases::new();
    for group in GROUPS {
        cases.compile_fail(format!("{}/{group}/*.rs", folder.as_deref().unwrap_or("ui")));
    }
}

/// The version of the compiler that trybuild runs, such as `1.95.0`.
fn rustc() -> String {
    let rustc = var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("a compiler");
    let text = String::from_utf8(output.stdout).expect("text");
    text.split(' ').nth(1).expect("`rustc 1.95.0 (..)`").to_owned()
}

/// Runs the test once more, on copies of the cases whose texts are written and not compared: a case that compiles still fails.
fn without_texts() {
    let copies = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    for group in GROUPS {
        let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("ui").join(group), copies.join(group));
        let _ = fs::remove_dir_all(&to);
        fs::create_dir_all(&to).expect("a folder");
        let files = fs::read_dir(&from).expect("the cases").map(|entry| entry.expect("an entry").path());
        for file in files.filter(|file| file.extension() == Some(OsStr::new("rs"))) {
            fs::copy(&file, to.join(file.file_name().expect("a name"))).expect("a copy");
        }
    }
    let again = Command::new(current_exe().expect("this program"))
        .args(["--exact", "ui", "--nocapture"])
        .env(FOLDER, &copies)
        .env("TRYBUILD", "overwrite")
        .status();
    assert!(again.expect("it starts").success(), "a case compiles that has to be refused, see above");
}
