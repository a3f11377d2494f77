//! The public API of `fastness` as a list: `scripts/api` runs rustdoc, and this program with the folder of its JSON.
//!
//! `cargo public-api` reads the JSON of one package, in which the facade's re-exports are names without items; this program
//! follows them into the packages that define them.

mod check;
mod crates;
mod foreign;
mod list;
mod signature;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Write as _, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use check::Duplicates;
use crates::Crates;
use foreign::Exposed;
use list::Name;

/// The list in the repository.
const LIST: &str = "docs/api.txt";
/// Crates that public signatures may name.
const ALLOWED: &str = "docs/api-crates.txt";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (folder, write) = match &*arguments {
        [folder] => (folder, false),
        [folder, flag] if flag == "--write" => (folder, true),
        _ => {
            let _ = writeln!(stderr(), "usage: api-list FOLDER-OF-JSON [--write]; `scripts/api` calls it");
            return ExitCode::from(2);
        }
    };
    match run(Path::new(folder), write) {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(faults) => {
            let _ = writeln!(stderr(), "\n{}", faults.join("\n"));
            ExitCode::FAILURE
        }
        Err(error) => {
            let _ = writeln!(stderr(), "scripts/api: {error}");
            ExitCode::from(2)
        }
    }
}

/// Prints the report; writes the list or compares with it. Returns the faults that were found.
fn run(folder: &Path, write: bool) -> Result<Vec<String>, String> {
    let crates = Crates::read(folder)?;
    let names = list::names(&crates)?;
    let text = list::lines(&crates, &names).join("\n") + "\n";
    let exposed = foreign::exposed(&crates, &names);
    let duplicates = check::duplicates(&names);
    let _ = stdout().write_all(report(&names, &exposed, &duplicates).as_bytes());

    let mut faults = duplicates.meanings;
    faults.extend(foreign::violations(&exposed, &foreign::allowed(&read(ALLOWED)?)?));
    if write {
        fs::write(root().join(LIST), &text).map_err(|error| format!("{LIST}: {error}"))?;
    } else if let Some(difference) = difference(&read(LIST)?, &text) {
        faults.push(format!(
            "{LIST} differs from the public API: write it again with `scripts/api --write`\n{difference}"
        ));
    }
    Ok(faults)
}

/// The counts, and findings that are not faults.
fn report(names: &[Name<'_>], exposed: &Exposed, duplicates: &Duplicates) -> String {
    let mut text = check::totals(names);
    text.push_str("\nTypes of other crates in public signatures:\n");
    for (name, types) in &exposed.foreign {
        let _ = writeln!(text, "{:5}  {name}", types.len());
    }
    text.push_str("\nTypes in public signatures that no user can name:\n");
    for (name, users) in &exposed.unnameable {
        let _ = writeln!(text, "       {name} (in {})", foreign::joined(users));
    }
    text.push_str("\nItems with several paths:\n");
    for message in &duplicates.paths {
        let _ = writeln!(text, "       {message}");
    }
    text
}

/// The lines that only one of two sorted lists has, in the form of a diff; `None` if the lists are equal.
fn difference(committed: &str, now: &str) -> Option<String> {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (committed.lines().collect(), now.lines().collect());
    let lines =
        old.symmetric_difference(&new).map(|line| format!("{}{line}", if new.contains(line) { '+' } else { '-' }));
    let lines = lines.collect::<Vec<_>>().join("\n");
    (!lines.is_empty()).then_some(lines)
}

fn read(file: &str) -> Result<String, String> {
    fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
