//! Compile time of 500 annotated functions, against the same with `cached` and against the bare functions.
//!
//! Half of them take and return a number, half return a struct. Only the crate that holds them is compiled: its dependencies are there
//! already. The crates take turns, and the ratio within a turn counts. `COMPILE_ROUNDS` is how many (5).

// How long it takes is what is measured.
#![allow(clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use fastness_benches::measure::setting;
use fastness_benches::report::{Line, budget};
use fastness_benches::times::Times;

const FUNCTIONS: usize = 500;
const BARE: &str = "bare functions";
const OURS: &str = "#[cacheable(ttl = 300)]";
const CACHED: &str = "#[cached(max_size, ttl_secs)]";

struct Subject {
    name: &'static str,
    folder: &'static str,
    dependency: String,
    uses: &'static str,
    attribute: &'static str,
}

fn subjects() -> [Subject; 3] {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime");
    [
        Subject { name: BARE, folder: "bare", dependency: String::new(), uses: "", attribute: "" },
        Subject {
            name: OURS,
            folder: "ours",
            dependency: format!("fastness = {{ path = {:?} }}", runtime.display().to_string()),
            uses: "use fastness::cacheable;",
            attribute: "#[cacheable(ttl = 300)]",
        },
        Subject {
            name: CACHED,
            folder: "cached",
            dependency: "cached = \"4.1.0\"".to_owned(),
            uses: "use cached::cached;",
            attribute: "#[cached(max_size = 10_000, ttl_secs = 300)]",
        },
    ]
}

impl Subject {
    fn source(&self) -> String {
        let mut text = format!("#![allow(dead_code)]\n{}\n", self.uses);
        text += "#[derive(Clone, Debug)] pub struct User { pub id: u64, pub name: String }\n";
        for n in 0..FUNCTIONS / 2 {
            writeln!(text, "{}\npub fn number_{n}(id: u64) -> u64 {{ id.wrapping_mul({n}) }}", self.attribute)
                .expect("room");
            writeln!(
                text,
                "{}\npub fn user_{n}(id: u64) -> User {{ User {{ id, name: id.to_string() }} }}",
                self.attribute
            )
            .expect("room");
        }
        text
    }

    /// Makes the crate, and builds what it depends on.
    fn prepare(&self, folder: &Path) -> PathBuf {
        let own = folder.join(self.folder);
        fs::create_dir_all(own.join("src")).expect("a folder");
        let manifest = format!(
            "[package]\nname = \"compile-{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{}\n\n[workspace]\n",
            self.folder, self.dependency
        );
        fs::write(own.join("Cargo.toml"), manifest).expect("a manifest");
        fs::write(own.join("src/lib.rs"), self.source()).expect("a source");
        for verb in ["check", "build"] {
            cargo(&own, verb);
        }
        own
    }
}

/// Runs cargo in a folder, and tells how long that took in nanoseconds.
fn cargo(folder: &Path, verb: &str) -> f64 {
    let mut command = Command::new(env!("CARGO"));
    command
        .args([verb, "--quiet"])
        .current_dir(folder)
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_TARGET_DIR", folder.join("target"));
    let began = Instant::now();
    assert!(command.status().expect("cargo").success(), "cargo {verb} failed in {}", folder.display());
    began.elapsed().as_secs_f64() * 1e9
}

/// The same after a change that concerns the crate alone.
fn again(folder: &Path, verb: &str, round: usize) -> f64 {
    let file = folder.join("src/lib.rs");
    let source = fs::read_to_string(&file).expect("the source");
    let code = source.split("\n// round").next().expect("the code");
    fs::write(&file, format!("{code}\n// round {verb} {round}\n")).expect("the source");
    cargo(folder, verb)
}

fn measure(verb: &str, folders: &[(&'static str, PathBuf)], rounds: usize) -> Times {
    let mut nanos = vec![Vec::new(); folders.len()];
    for round in 0..rounds {
        for (index, (_, folder)) in folders.iter().enumerate() {
            nanos[index].push(again(folder, verb, round));
        }
    }
    Times::new(folders.iter().map(|(name, _)| *name).collect(), nanos)
}

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/compile");
    let folders: Vec<_> = subjects().iter().map(|subject| (subject.name, subject.prepare(&folder))).collect();
    let rounds = setting("COMPILE_ROUNDS", 5);
    let mut lines = Vec::new();
    for (verb, what) in [("check", "cargo check"), ("build", "cargo build")] {
        let times = measure(verb, &folders, rounds);
        println!("\n{FUNCTIONS} functions, {what}\n{:<34} {:>8}", "", "seconds");
        for name in times.names() {
            println!("{name:<34} {:>8.2}", times.nanos(name).median / 1e9);
        }
        lines.push(Line::ratio(format!("{what} of {FUNCTIONS} functions / cached"), 0.7, times.ratio(OURS, CACHED)));
    }
    budget(&lines);
    ExitCode::SUCCESS
}
