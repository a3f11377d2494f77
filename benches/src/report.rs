//! Tables for people.

use serde_json::json;

use crate::budget::record;
pub use crate::budget::{Line, budget, figures};
use crate::measure::Outcome;
use crate::times::{Spread, Times};

fn record_case(title: &str, name: &str, nanos: Spread, ratio: Spread, allocations: Option<f64>) {
    record(&json!({
        "kind": "case",
        "title": title,
        "name": name,
        "nanos": nanos.median,
        "low": nanos.low,
        "high": nanos.high,
        "ratio": ratio.median,
        "allocations": allocations,
    }));
}

/// Prints what each case of a suite took, with ratios to a floor.
pub fn table(title: &str, outcome: &Outcome, floor: &str) {
    let threads =
        if outcome.plan.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", outcome.plan.threads) };
    let title = format!("{title}, {}, {threads}", outcome.plan.traffic.name());
    println!("\n{title}\n{:<44} {:>9} {:>15} {:>9} {:>7}", "", "ns/call", "quartiles", "x floor", "allocs");
    for name in outcome.times.names() {
        let (nanos, ratio) = (outcome.times.nanos(name), outcome.ratio(name, floor));
        println!(
            "{name:<44} {:>9.1} {:>15} {:>9.2} {:>7.2}",
            nanos.median,
            format!("{:.1}-{:.1}", nanos.low, nanos.high),
            ratio.median,
            outcome.allocations(name)
        );
        record_case(&title, name, nanos, ratio, Some(outcome.allocations(name)));
    }
}

/// Prints what each case of a suite of round trips took, with ratios to a floor.
pub fn round_trips(title: &str, times: &Times, floor: &str) {
    println!("\n{title}\n{:<44} {:>9} {:>15} {:>9} {:>9}", "", "us/call", "quartiles", "k calls/s", "x floor");
    for name in times.names() {
        let (nanos, ratio) = (times.nanos(name), times.ratio(name, floor));
        println!(
            "{name:<44} {:>9.2} {:>15} {:>9.1} {:>9.2}",
            nanos.median / 1e3,
            format!("{:.2}-{:.2}", nanos.low / 1e3, nanos.high / 1e3),
            1e6 / nanos.median,
            ratio.median,
        );
        record_case(title, name, nanos, ratio, None);
    }
}
