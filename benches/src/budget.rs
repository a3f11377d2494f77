//! Lines of the speed budget with a verdict.
//!
//! A line begins with `budget:`, so that a script can collect them from several programs. Where `BENCH_DATA` names a folder, every figure
//! also goes into a file there, a line of JSON each: the program `report` makes tables and plots of them.
//!
//! Programs with an allocator of their own compile this file themselves, because the library brings another one.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::times::Spread;

/// A comparison: its two sides, the required ratio, and the measured one.
#[derive(Clone, Debug)]
pub struct Line {
    what: String,
    must: Must,
    aim: Option<f64>,
    measured: f64,
    noise: Option<(f64, f64)>,
}

#[derive(Clone, Copy, Debug)]
enum Must {
    AtMost(f64),
    AtLeast(f64),
}

impl Line {
    /// A ratio that must not exceed a limit.
    pub fn ratio(what: impl Into<String>, at_most: f64, spread: Spread) -> Self {
        Self {
            what: what.into(),
            must: Must::AtMost(at_most),
            aim: None,
            measured: spread.median,
            noise: Some((spread.low, spread.high)),
        }
    }

    /// A number that must not exceed a limit.
    pub fn at_most(what: impl Into<String>, limit: f64, measured: f64) -> Self {
        Self { what: what.into(), must: Must::AtMost(limit), aim: None, measured, noise: None }
    }

    /// A number that must reach a limit.
    pub fn at_least(what: impl Into<String>, limit: f64, measured: f64) -> Self {
        Self { must: Must::AtLeast(limit), ..Self::at_most(what, limit, measured) }
    }

    /// Sets the ratio that we would like.
    #[must_use]
    pub fn aim(mut self, aim: f64) -> Self {
        self.aim = Some(aim);
        self
    }

    /// True if the ratio is as required.
    pub fn is_met(&self) -> bool {
        match self.must {
            Must::AtMost(limit) => self.measured <= limit,
            Must::AtLeast(limit) => self.measured >= limit,
        }
    }

    fn print(&self) {
        let must = match self.must {
            Must::AtMost(limit) => format!("<= {limit}"),
            Must::AtLeast(limit) => format!(">= {limit}"),
        };
        let aim = self.aim.map(|aim| format!("{aim}")).unwrap_or_default();
        let noise = self.noise.map(|(low, high)| format!("{low:.2}-{high:.2}")).unwrap_or_default();
        let verdict = if self.is_met() { "ok" } else { "short" };
        println!("budget: {:<58} {must:>8} {aim:>5} {:>8.3} {noise:>11}  {verdict}", self.what, self.measured);
        record(&json!({
            "kind": "budget",
            "what": self.what,
            "must": must,
            "limit": match self.must { Must::AtMost(limit) | Must::AtLeast(limit) => limit },
            "at_least": matches!(self.must, Must::AtLeast(_)),
            "measured": self.measured,
            "low": self.noise.map(|(low, _)| low),
            "high": self.noise.map(|(_, high)| high),
            "met": self.is_met(),
        }));
    }
}

/// Adds a line to the file of this program.
pub(crate) fn record(line: &Value) {
    static FILE: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| {
        let folder = PathBuf::from(std::env::var_os("BENCH_DATA")?);
        let program = std::env::current_exe().ok()?;
        // Cargo adds a hash to the name.
        let name = program.file_stem()?.to_str()?.rsplit_once('-')?.0.to_owned();
        std::fs::create_dir_all(&folder).expect("BENCH_DATA names a folder");
        let file = File::create(folder.join(Path::new(&name).with_extension("jsonl"))).expect("a file in BENCH_DATA");
        Some(Mutex::new(file))
    });
    if let Some(file) = &*FILE {
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{line}").expect("room for a line in BENCH_DATA");
    }
}

/// Prints a table of figures that are no times, the columns right-aligned.
pub fn figures(title: &str, columns: &[&str], rows: &[(String, Vec<f64>)]) {
    print!("\n{title}\n{:<44}", "");
    columns.iter().for_each(|column| print!(" {column:>14}"));
    for (name, values) in rows {
        print!("\n{name:<44}");
        values.iter().for_each(|value| print!(" {value:>14.2}"));
    }
    println!();
    record(&json!({ "kind": "figures", "title": title, "columns": columns, "rows": rows }));
}

/// Prints lines of the budget under a heading; whether all of them are as they must be.
pub fn budget(lines: &[Line]) -> bool {
    println!("\n        {:<58} {:>8} {:>5} {:>8} {:>11}", "the speed budget", "must", "aim", "measured", "quartiles");
    lines.iter().for_each(Line::print);
    lines.iter().all(Line::is_met)
}
