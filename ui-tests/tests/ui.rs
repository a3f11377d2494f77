//! Every misuse of an attribute is a compile error at the right token, which says what to write instead.
//!
//! The texts are reviewed as prose. They contain text of the compiler too, so they belong to one toolchain, which `ui/toolchain.txt`
//! names. On another toolchain this test prints that, and checks only that every case fails to compile. After a change, run
//! `TRYBUILD=overwrite cargo test -p fastness-ui-tests` and read the difference; on a new toolchain, write its version into that file.
//!
//! Code that has to compile is in other test crates beside this file. With a single `pass` here, trybuild would generate code for
//! all dependencies instead of only checking them.

use std::env::{current_exe, var, var_os};
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// The version of rustc that wrote the texts, without its last number.
const TOOLCHAIN: &str = include_str!("../ui/toolchain.txt");

/// The variable with the folder of the cases, for the run that this program starts.
const FOLDER: &str = "FASTNESS_UI_CASES";

const GROUPS: [&str; 8] =
    ["cacheable", "cache_invalidate", "cache_put", "cache_refresh", "resilience", "timed", "indexed", "types"];

#[test]
fn ui() {
    let version = rustc();
    let (found, wanted) = (version.as_str(), TOOLCHAIN.trim());
    let folder = var(FOLDER);
    if folder.is_err() && var_os("TRYBUILD").is_none() && !found.starts_with(&format!("{wanted}.")) {
        // Written directly, because the test harness shows the output of failed tests only.
        let _ = writeln!(
            std::io::stderr(),
            "ui: the texts belong to rustc {wanted} and this is {found}: this run checks only that each case fails to compile"
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

/// Runs the test again on copies of the cases, whose texts are written and not compared. A case that compiles is still a failure.
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
    assert!(again.expect("it starts").success(), "a case compiles that must be refused: see above");
}
