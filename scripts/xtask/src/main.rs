//! `cargo xtask`: one entry to the scripts of the repository. Without arguments it lists each task with its purpose and its usual
//! duration; `cargo xtask TASK ARGUMENTS..` runs `scripts/TASK ARGUMENTS..`, or that step of `scripts/test` or `scripts/nightly`.
//!
//! It is a crate of this workspace, because cargo is the one tool that every contributor has.
//!
//! May use: the standard library only, so that it builds in a second.

use std::fmt::Write as _;
use std::io::{Write as _, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// A row of the list: a script, or a step of one.
#[derive(Debug)]
struct Task {
    name: &'static str,
    /// The duration on two processors, with dependencies built.
    time: &'static str,
    does: &'static str,
}

const fn task(name: &'static str, time: &'static str, does: &'static str) -> Task {
    Task { name, time, does }
}

/// Tasks in groups, the most frequent first.
const GROUPS: &[(&str, &[Task])] = &[
    (
        "Before a commit",
        &[
            task("test", "15 min", "every check of a change; CI runs the same"),
            task("services", "1 s", "the servers that the tests start, installed if they are missing (a minute, once)"),
        ],
    ),
    (
        "One step of it",
        &[
            task("fmt", "2 s", "the code is formatted by rustfmt"),
            task("clippy", "3 min", "no lint fires with all features together"),
            task("parts", "2 min", "no lint fires with each large feature alone"),
            task("ui", "3 min", "each compile error has the words that ui-tests expects"),
            task("loom", "2 min", "small cases of the coherence rule and the breaker, in every order of threads"),
            task("doc", "1 min", "the documentation builds without a warning"),
            task("deny", "5 s", "licences, sources, duplicates and advisories of the dependencies"),
            task(
                "lean",
                "1 s",
                "a local cache depends on neither redis nor mongodb nor axum, and `cargo run` on neither driver",
            ),
        ],
    ),
    (
        "Every night",
        &[
            task("nightly", "25 min", "all of this group, with a summary"),
            task("features", "8 min", "every pair of features of fastness builds"),
            task("minimal", "3 min", "the oldest versions of dependencies that Cargo.toml allows are enough"),
            task("semver", "4 min", "the public API has no breaking change since the last tag, or another revision"),
            task("api", "1 min", "the public API is the list in docs/api.txt; `api --write` writes it"),
            task("package", "3 min", "the packages can be published, and a program that uses only them compiles"),
            task(
                "docs",
                "2 min",
                "all public items are documented, and the pages of docs.rs build; prints how many have an example",
            ),
            task(
                "dashboards",
                "1 s",
                "Prometheus' own program accepts the rules and the dashboard of docs/monitoring, and tests the rules",
            ),
            task("embedded", "2 min", "the demo without drivers passes its tests, and refuses a configured server"),
        ],
    ),
    (
        "When you work on it",
        &[
            task(
                "fuzz",
                "4 min",
                "each parser of input of unknown origin, with random input; `fuzz SECONDS` for longer",
            ),
            task("api-fuzz", "5 min", "the demo, with random requests that its OpenAPI document allows or forbids"),
            task(
                "abuse",
                "10 min",
                "attacks on the demo over loopback: its memory, its slowest answer on health, the attacker's throughput",
            ),
            task("versions", "12 min", "the tests of the shared tier on several versions of Redis and on Valkey"),
            task(
                "soak",
                "10 min",
                "several nodes while servers and links fail, judged by the contract; `soak SECONDS`",
            ),
            task("bench", "15 min", "measurements beside other libraries; `bench NAME` for one suite"),
            task("wrk", "3 min", "the cost of the HTTP layers over sockets"),
            task("conformance", "4 min", "the public tests for HTTP caches, against a proxy with the HTTP cache"),
            task("fronts", "1 min", "what nginx, Varnish, Squid and Chromium in front of the HTTP cache see"),
            task("mutants", "2 h", "small changes to the pure core that no unit test notices; `mutants GROUP` for one"),
            task("coverage", "15 min", "the lines that the tests reach"),
        ],
    ),
];

/// Steps of `scripts/test`, which have no script of their own.
const STEPS: [&str; 9] = ["fmt", "clippy", "ui", "parts", "loom", "doc", "deny", "lean", "features"];
/// Steps of `scripts/nightly`, which have no script of their own.
const NIGHTLY: [&str; 1] = ["embedded"];

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(name) = arguments.next().map(|name| name.to_string_lossy().into_owned()) else {
        return print(&list(), ExitCode::SUCCESS);
    };
    if ["-h", "--help", "help"].contains(&&*name) {
        return print(&list(), ExitCode::SUCCESS);
    }
    let known = GROUPS.iter().flat_map(|(_, tasks)| *tasks).any(|task| task.name == name);
    if !known {
        let _ = write!(stderr(), "cargo xtask: there is no task `{name}`: choose one of these\n\n{}", list());
        return ExitCode::from(2);
    }
    let mut command = Command::new("bash");
    match &*name {
        step if STEPS.contains(&step) => command.arg("scripts/test").arg(step),
        step if NIGHTLY.contains(&step) => command.arg("scripts/nightly").arg(step),
        script => command.arg(format!("scripts/{script}")),
    };
    match command.args(arguments).current_dir(root()).status() {
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            let _ =
                writeln!(stderr(), "cargo xtask: bash does not start ({error}): install it, as all scripts need it");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn list() -> String {
    let mut text = "usage: cargo xtask TASK [ARGUMENT...]   (`cargo xtask TASK --help` explains one task)\n".to_owned();
    for (group, tasks) in GROUPS {
        let _ = writeln!(text, "\n{group}:");
        for Task { name, time, does } in *tasks {
            let _ = writeln!(text, "  {name:<9} {time:>6}  {does}");
        }
    }
    text + "\nTimes are for two processors, with dependencies built.\n"
}

fn print(text: &str, code: ExitCode) -> ExitCode {
    match stdout().write_all(text.as_bytes()) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    fn tasks() -> BTreeSet<String> {
        GROUPS.iter().flat_map(|(_, tasks)| *tasks).map(|task| task.name.to_owned()).collect()
    }

    #[test]
    fn every_script_is_a_task_and_every_task_a_script_or_a_step() {
        let entries = fs::read_dir(root().join("scripts")).expect("a folder").map(|entry| entry.expect("an entry"));
        let files = entries.filter(|entry| entry.path().is_file());
        let mut scripts: BTreeSet<_> = files.map(|entry| entry.file_name().into_string().expect("text")).collect();
        scripts.extend(STEPS.into_iter().chain(NIGHTLY).map(str::to_owned));
        assert_eq!(tasks(), scripts);
    }

    #[test]
    fn the_steps_are_those_of_the_scripts() {
        let read = |name: &str| fs::read_to_string(root().join("scripts").join(name)).expect("a script");
        for (script, steps) in [("test", &STEPS[..]), ("nightly", &NIGHTLY)] {
            let text = read(script);
            assert!(steps.iter().all(|step| text.contains(&format!("\nstep_{step}() {{\n"))), "{script}");
        }
    }

    #[test]
    fn the_list_has_a_line_for_each() {
        let list = list();
        assert!(tasks().iter().all(|name| list.contains(&format!("\n  {name} "))), "{list}");
        assert!(list.lines().all(|line| line.chars().count() <= 130), "{list}");
    }
}
