//! The page as it is, for benchmarks that left no figures here: it keeps what they measured elsewhere.

use crate::Budget;

/// A page that was made before.
#[derive(Debug, Default)]
pub(crate) struct Former {
    page: String,
}

impl Former {
    pub(crate) fn new(page: String) -> Self {
        Self { page }
    }

    /// The section under this heading, from its first line to its last; empty if there is none.
    pub(crate) fn section(&self, heading: &str) -> &str {
        let Some(start) = self.page.find(&format!("\n## {heading}\n")) else { return "" };
        let rest = &self.page[start..];
        let end = rest[1..].find("\n## ").map_or(rest.len(), |end| end + 1);
        &rest[..end]
    }

    /// The lines of the budget.
    pub(crate) fn budget(&self) -> Vec<Budget> {
        self.section("The speed budget").lines().filter_map(row).collect()
    }
}

/// A line of the budget's table.
fn row(line: &str) -> Option<Budget> {
    let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let [what, must, measured, quartiles, verdict] = cells[..] else { return None };
    let (bound, limit) = must.split_once(' ')?;
    let (low, high) = quartiles.split_once(" - ").unzip();
    Some(Budget {
        what: what.replace("\\[", "["),
        must: must.to_owned(),
        limit: limit.parse().ok()?,
        at_least: bound == ">=",
        measured: measured.parse().ok()?,
        low: low.and_then(|low| low.trim().parse().ok()),
        high: high.and_then(|high| high.trim().parse().ok()),
        met: verdict == "met",
    })
}

/// Merges the new lines into the former ones: each replaces the one of its name, and lines with new names follow the last of their
/// group, or the end.
pub(crate) fn merged(mut rows: Vec<Budget>, programs: impl IntoIterator<Item = Vec<Budget>>) -> Vec<Budget> {
    for program in programs {
        let mut last = None;
        for row in program {
            // Several lines may have one name, in the order in which they were measured.
            let from = last.map_or(0, |last| last + 1);
            let place = rows[from..].iter().position(|old| old.what == row.what).map(|place| place + from);
            match place {
                Some(place) => rows[place] = row,
                None => rows.insert(last.map_or(rows.len(), |last| last + 1), row),
            }
            last = Some(place.unwrap_or_else(|| last.map_or(rows.len() - 1, |last| last + 1)));
        }
    }
    rows
}
