//! Makes `docs/benchmarks.md` and its plots of what the benchmarks left in the folder that `BENCH_DATA` names.
//!
//! A benchmark that was not run again keeps its figures there, so the page holds the last ones of each. Of one that left none there, as it
//! was run in another checkout, the page keeps what it says.

// Counts of rows are far from where a cast would lose any of them.
#![allow(clippy::cast_precision_loss)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

mod report {
    pub(crate) mod former;
    pub(crate) mod plot;
}
use report::former::{Former, merged};
use report::plot;

/// One line of a benchmark's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Budget(Budget),
    Case(Case),
    Figures(Figures),
}

/// A table of figures that are no times.
#[derive(Clone, Debug, Deserialize)]
struct Figures {
    title: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<f64>)>,
}

/// A line of the speed budget.
#[derive(Clone, Debug, Deserialize)]
struct Budget {
    what: String,
    must: String,
    limit: f64,
    at_least: bool,
    measured: f64,
    low: Option<f64>,
    high: Option<f64>,
    met: bool,
}

/// Times of a case of a suite.
#[derive(Clone, Debug, Deserialize)]
struct Case {
    title: String,
    name: String,
    nanos: f64,
    low: f64,
    high: f64,
    ratio: f64,
    allocations: Option<f64>,
}

/// The benchmarks in the order of the page, each under the heading that it has there.
const PROGRAMS: &[(&str, &str)] = &[
    ("hit", "A hit"),
    ("tags", "Hits while tags are invalidated"),
    ("hit_ratio", "The hit ratio"),
    ("dead", "Dead entries"),
    ("stampede", "A stampede"),
    ("race", "Loads against invalidations"),
    ("shared", "The shared tier"),
    ("codec", "The codec"),
    ("breaker", "A circuit breaker"),
    ("timed", "Timing"),
    ("http", "The HTTP layers, without sockets"),
    ("wrk", "Whole servers, over sockets"),
    ("compile", "Compile time"),
    ("memory", "Memory"),
    ("memory_mimalloc", "Memory, with another allocator"),
    ("scale", "Scale"),
    ("instructions", "Instructions"),
];

/// Peers whose versions the page names.
const PEERS: &[&str] = &[
    "cached",
    "moka",
    "quick_cache",
    "foyer-memory",
    "lru",
    "hitbox",
    "cachet",
    "fred",
    "redis",
    "serde_json",
    "rmp-serde",
    "recloser",
    "failsafe",
    "tower-resilience-circuitbreaker",
    "seatbelt",
    "prometheus",
    "metrics-exporter-prometheus",
    "autometrics",
    "axum",
    "tower-http",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = std::env::var_os("BENCH_DATA").map_or_else(|| root.join("target/bench"), PathBuf::from);
    let mut lines: BTreeMap<&str, Vec<Line>> = BTreeMap::new();
    for (program, _) in PROGRAMS {
        if let Ok(text) = fs::read_to_string(folder.join(program).with_extension("jsonl")) {
            let read: Result<_, _> = text.lines().map(serde_json::from_str).collect();
            lines.insert(program, read.map_err(|error| format!("{program}: {error}"))?);
        }
    }
    if lines.is_empty() {
        return Err(format!("no benchmark left figures in {}: run scripts/bench first", folder.display()).into());
    }
    let docs = root.join("docs");
    let former = Former::new(fs::read_to_string(docs.join("benchmarks.md")).unwrap_or_default());
    let budget = merged(former.budget(), PROGRAMS.iter().filter_map(|(program, _)| Some(rows(lines.get(program)?))));
    fs::write(docs.join("benchmarks.md"), page(&root, &lines, &former, &budget)?)?;
    let hits = cases(&lines, "hit", "sync, hot64, 1 thread");
    if !hits.is_empty() {
        fs::write(docs.join("benchmarks-hit.svg"), plot::hit(&hits))?;
    }
    if lines.values().any(|lines| rows(lines).iter().any(|row| row.low.is_some())) {
        let ratios: Vec<_> = budget.into_iter().filter(|row| row.low.is_some()).collect();
        fs::write(docs.join("benchmarks-budget.svg"), plot::budget(&ratios))?;
    }
    println!("docs/benchmarks.md, of {} benchmarks", lines.len());
    Ok(())
}

fn cases(lines: &BTreeMap<&str, Vec<Line>>, program: &str, title: &str) -> Vec<Case> {
    let of = |line: &Line| match line {
        Line::Case(case) if case.title == title => Some(case.clone()),
        _ => None,
    };
    lines.get(program).into_iter().flatten().filter_map(of).collect()
}

/// The lines of the budget that a program measured.
fn rows(lines: &[Line]) -> Vec<Budget> {
    lines.iter().filter_map(|line| if let Line::Budget(row) = line { Some(row.clone()) } else { None }).collect()
}

fn page(
    root: &Path,
    lines: &BTreeMap<&str, Vec<Line>>,
    former: &Former,
    budget: &[Budget],
) -> Result<String, Box<dyn Error>> {
    let mut page = format!(
        "# Benchmarks\n\n\
         `scripts/bench --write` writes this page. The cases of a suite run in one process, in rounds that take turns, and a ratio is the median\n\
         of the ratios of all rounds, because times of two runs or of two machines cannot be compared. The page on\n\
         [performance](design/performance.md#the-budget) has the reason for each bound, and for each row that misses it.\n\n\
         {}\n\n\
         Run there: {}. The others were run before, on another machine, and their figures are as they were.\n\n\
         ![The duration of a hit in nanoseconds, beside other caches](benchmarks-hit.svg)\n\n\
         ## The speed budget\n\n\
         ![Each row as a multiple of its bound](benchmarks-budget.svg)\n\n\
         | ratio or figure | bound | measured | quartiles | |\n|---|---|---|---|---|\n",
        machine(root)?,
        PROGRAMS
            .iter()
            .map(|(program, _)| *program)
            .filter(|program| lines.contains_key(program))
            .collect::<Vec<_>>()
            .join(", ")
    );
    for row in budget {
        let quartiles = row.low.zip(row.high).map(|(low, high)| format!("{low:.2} - {high:.2}")).unwrap_or_default();
        let verdict = if row.met { "met" } else { "**short**" };
        writeln!(page, "| {} | {} | {} | {quartiles} | {verdict} |", text(&row.what), row.must, short(row.measured))?;
    }
    for (program, heading) in PROGRAMS {
        let Some(lines) = lines.get(program) else {
            page.push_str(former.section(heading));
            continue;
        };
        let mut title = "";
        for line in lines {
            let Line::Case(case) = line else { continue };
            if title.is_empty() {
                write!(page, "\n## {heading}\n")?;
            }
            if case.title != title {
                title = &case.title;
                write!(
                    page,
                    "\n**{title}**\n\n| | ns/call | quartiles | x the first | allocations |\n|---|---:|---:|---:|---:|\n"
                )?;
            }
            let allocations = case.allocations.map(short).unwrap_or_default();
            let quartiles = format!("{} - {}", short(case.low), short(case.high));
            writeln!(
                page,
                "| {} | {} | {quartiles} | {:.2} | {allocations} |",
                text(&case.name),
                short(case.nanos),
                case.ratio
            )?;
        }
        let tables = lines.iter().filter_map(|line| if let Line::Figures(table) = line { Some(table) } else { None });
        for (at, table) in tables.enumerate() {
            if at == 0 && title.is_empty() {
                write!(page, "\n## {heading}\n")?;
            }
            write!(
                page,
                "\n**{}**\n\n| | {} |\n|---|{}\n",
                table.title,
                table.columns.join(" | "),
                "---:|".repeat(table.columns.len())
            )?;
            for (name, values) in &table.rows {
                let cells: Vec<_> = values.iter().map(|value| short(*value)).collect();
                writeln!(page, "| {} | {} |", text(name), cells.join(" | "))?;
            }
        }
    }
    Ok(page)
}

/// The name as text of a page, in which `#[cached]` would be a link.
fn text(name: &str) -> String {
    name.replace('[', "\\[")
}

/// Three digits that count.
fn short(number: f64) -> String {
    match number.abs() {
        small if small < 0.0005 => "0".to_owned(),
        small if small < 1.0 => format!("{number:.3}"),
        small if small < 10.0 => format!("{number:.2}"),
        small if small < 100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// The machine, and the versions of the peers.
fn machine(root: &Path) -> Result<String, Box<dyn Error>> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, name)| name);
    let cores = std::thread::available_parallelism()?;
    let lock = fs::read_to_string(root.join("Cargo.lock"))?;
    let version = |name: &&str| {
        let (_, after) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(format!("{name} {}", after.split_once('"')?.0))
    };
    let peers: Vec<String> = PEERS.iter().filter_map(version).collect();
    Ok(format!(
        "{cores} cores of {model}, {}, {}, built with link-time optimisation. Versions: {}.",
        output("rustc", &["--version"]),
        output("uname", &["-sr"]),
        peers.join(", ")
    ))
}

fn output(program: &str, arguments: &[&str]) -> String {
    let run = Command::new(program).args(arguments).output();
    run.map_or_else(|_| program.to_owned(), |run| String::from_utf8_lossy(&run.stdout).trim().to_owned())
}
