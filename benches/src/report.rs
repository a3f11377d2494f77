//! Tables for people, and lines of the speed budget with a verdict.
//!
//! A line of the budget begins with `budget:`, so that a script can collect them from several programs.

use crate::measure::Outcome;
use crate::times::{Spread, Times};

/// What a line compares, what it has to be, and what it is.
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

    /// What we would like it to be.
    #[must_use]
    pub fn aim(mut self, aim: f64) -> Self {
        self.aim = Some(aim);
        self
    }

    /// Whether it is as it must be.
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
    }
}

/// Prints lines of the budget under a heading; whether all of them are as they must be.
pub fn budget(lines: &[Line]) -> bool {
    println!("\n        {:<58} {:>8} {:>5} {:>8} {:>11}", "the speed budget", "must", "aim", "measured", "quartiles");
    lines.iter().for_each(Line::print);
    lines.iter().all(Line::is_met)
}

/// Prints what each case of a suite took, with ratios to a floor.
pub fn table(title: &str, outcome: &Outcome, floor: &str) {
    let threads =
        if outcome.plan.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", outcome.plan.threads) };
    println!(
        "\n{title}, {}, {threads}\n{:<44} {:>9} {:>15} {:>9} {:>7}",
        outcome.plan.traffic.name(),
        "",
        "ns/call",
        "quartiles",
        "x floor",
        "allocs"
    );
    for name in outcome.times.names() {
        let (nanos, ratio) = (outcome.times.nanos(name), outcome.ratio(name, floor));
        println!(
            "{name:<44} {:>9.1} {:>15} {:>9.2} {:>7.2}",
            nanos.median,
            format!("{:.1}-{:.1}", nanos.low, nanos.high),
            ratio.median,
            outcome.allocations(name)
        );
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
    }
}
