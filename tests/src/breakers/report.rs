//! The tables and the plot of docs/guide/breaker-defaults.md.

use std::fmt::Write as _;
use std::time::Duration;

use super::plot::{Bar, bars};
use super::{Outage, RULES, failing, outage, rule};

/// Calls a second, and the number of hours for which they are simulated.
const VOLUMES: [(f64, f64); 7] =
    [(0.5, 40.0), (1.9, 20.0), (2.5, 20.0), (5.0, 10.0), (10.0, 8.0), (100.0, 2.0), (1_000.0, 0.25)];
/// Calls a second in the plot.
const PLOTTED: f64 = 100.0;
/// Hundredths of the calls that fail.
const SHARES: [u8; 6] = [5, 10, 20, 30, 40, 45];
const OUTAGES: [u8; 3] = [100, 80, 60];
/// Outages of each kind; the table has their median.
const SEEDS: u64 = 15;

/// Returns the generated part of the page, and the plot.
pub fn report() -> (String, String) {
    let mut page = String::new();
    let mut plot = Vec::new();
    page.push_str("| of the calls fail | calls a second |");
    for name in RULES {
        let _ = write!(page, " {name} |");
    }
    page.push_str("\n|---|---|---|---|---|---|\n");
    for share in SHARES {
        for (a_second, hours) in VOLUMES {
            let _ = write!(page, "| {share} % | {a_second} |");
            for name in RULES {
                let time = Duration::from_secs_f64(hours * 3_600.0);
                let seen = failing(&mut *rule(name), f64::from(share) / 100.0, a_second, time, 1);
                let _ = write!(page, " {}; {} |", percent(seen.rejected), rounded(seen.openings));
                if (a_second - PLOTTED).abs() < 0.1 && share <= 40 {
                    plot.push(Bar { of: format!("{share} % fail"), name, share: seen.rejected });
                }
            }
            page.push('\n');
        }
    }
    page.push_str("\nThe share of the calls that are rejected; openings in an hour.\n");
    let mut closing = String::new();
    for table in [&mut page, &mut closing] {
        table.push_str("\n| of the calls fail for 30 s | calls a second |");
        for name in RULES {
            let _ = write!(table, " {name} |");
        }
        table.push_str("\n|---|---|---|---|---|---|\n");
    }
    for share in OUTAGES {
        for (a_second, _) in VOLUMES {
            let _ = write!(page, "| {share} % | {a_second} |");
            let _ = write!(closing, "| {share} % | {a_second} |");
            for name in RULES {
                let (opens, closes) = middle(name, f64::from(share) / 100.0, a_second);
                let _ = write!(page, " {opens} |");
                let _ = write!(closing, " {closes} |");
            }
            page.push('\n');
            closing.push('\n');
        }
    }
    let _ = write!(
        page,
        "\n**Time to open**: from the beginning of the outage, and the calls made until then. `-`: the breaker did not open in most of the outages.\n\
         {closing}\n**Time to close**: from the end of the outage; the median and the longest, of the outages in which the breaker opened.\n"
    );
    (page, bars("Calls that are rejected where a part of 100 calls a second fails at random", &plot))
}

/// The median times until the breaker opens, and until it is closed.
fn middle(name: &str, share: f64, a_second: f64) -> (String, String) {
    let mut seen: Vec<_> = (0..SEEDS).map(|seed| outage(&mut *rule(name), share, a_second, seed)).collect();
    seen.sort_by_key(|one| one.map_or(Duration::MAX, |outage| outage.until_open));
    let Some(Outage { until_open, calls, .. }) = seen[seen.len() / 2] else {
        return ("-".into(), "-".into());
    };
    let mut closed: Vec<_> = seen.iter().flatten().map(|outage| outage.until_closed).collect();
    closed.sort_unstable();
    let (until_closed, longest) = (closed[closed.len() / 2].as_secs_f64(), closed[closed.len() - 1].as_secs_f64());
    (format!("{:.2} s, {calls}", until_open.as_secs_f64()), format!("{until_closed:.0} s; {longest:.0} s"))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn rounded(openings: f64) -> String {
    if openings > 0.0 && openings < 9.95 { format!("{openings:.1}") } else { format!("{openings:.0}") }
}
