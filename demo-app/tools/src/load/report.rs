//! The measured figures, against the promised ones.

use std::fmt;

use serde::Serialize;

use super::LoadArguments;
use super::compare::Compared;
use super::figures::{EndpointFigures, Figures, Latencies};
use crate::print::grouped;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    server: String,
    /// Open or closed, and what that means.
    arrivals: String,
    connections: u64,
    zipf: f64,
    /// The phase without a cache; none where the server runs elsewhere.
    before: Option<Phase>,
    after: Phase,
    queries: Vec<Compared>,
    targets: Vec<Target>,
}

/// One run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Phase {
    pub(super) name: &'static str,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

/// A promise, and whether it is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Target {
    name: &'static str,
    wanted: String,
    found: String,
    met: bool,
}

impl Report {
    pub(super) fn new(arguments: &LoadArguments, before: Option<Phase>, after: Phase, queries: Vec<Compared>) -> Self {
        let arrivals = match arguments.rate {
            Some(rate) => format!("open: {rate} requests a second, latencies count from when a request was due"),
            None => "closed: a connection sends its next request when it has the answer to the last; stalls are under-counted"
                .to_owned(),
        };
        let server = arguments.url.as_ref().map(ToString::to_string);
        let server = server.unwrap_or_else(|| "in this process, sharing its processors".to_owned());
        let targets = targets(&after.figures, &queries);
        let (connections, zipf) = (arguments.connections, arguments.zipf);
        Self { server, arrivals, connections, zipf, before, after, queries, targets }
    }
}

fn targets(figures: &Figures, queries: &[Compared]) -> Vec<Target> {
    let below = |name, bound: f64, unit: &str, found: f64| Target {
        name,
        wanted: format!("< {bound}{unit}"),
        found: format!("{found:.2}{unit}"),
        met: found < bound,
    };
    let above = |name, bound: f64, unit: &str, found: f64| Target {
        name,
        wanted: format!("> {bound}{unit}"),
        found: format!("{found:.1}{unit}"),
        met: found > bound,
    };
    let slowest =
        |of: &dyn Fn(&EndpointFigures) -> Option<f64>| figures.endpoints.iter().filter_map(of).fold(0.0, f64::max);
    let mut targets = Vec::new();
    if let Some(hits) = figures.hits {
        targets.push(below("cached responses, p99", 50.0, " ms", hits.p99));
    }
    if queries.is_empty() {
        if let Some(misses) = figures.misses {
            targets.push(below("uncached responses, p95", 100.0, " ms", misses.p95));
        }
    } else {
        let slowest = queries.iter().map(|query| query.with_index.p50).fold(0.0, f64::max);
        targets.push(below("slowest query with its index, p50", 100.0, " ms", slowest));
        let least = queries.iter().map(|query| query.ratio).fold(f64::INFINITY, f64::min);
        targets.push(Target {
            name: "queries with their index, times as fast, least",
            wanted: ">= 10".to_owned(),
            found: format!("{least:.1}"),
            met: least >= 10.0,
        });
    }
    targets.push(below("slowest endpoint, mean", 200.0, " ms", slowest(&|found| Some(found.latencies.mean))));
    let large = slowest(&|found| found.endpoint.is_large().then_some(found.latencies.p99));
    targets.push(below("large operations, p99", 500.0, " ms", large));
    targets.push(above("requests", 1_000.0, "/s", figures.requests_per_second));
    targets.push(above("hit rate", 85.0, " %", figures.hit_rate));
    targets.push(below("error rate", 0.1, " %", figures.error_rate));
    targets
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Server: {}", self.server)?;
        writeln!(f, "{} connections; {}", self.connections, self.arrivals)?;
        writeln!(f, "Documents by Zipf's law, exponent {}\n", self.zipf)?;
        for phase in self.before.iter().chain([&self.after]) {
            writeln!(f, "{phase}")?;
        }
        if let Some(before) = &self.before {
            let (before, after) = (&before.figures, &self.after.figures);
            writeln!(
                f,
                "With the cache: {:.1} times the requests a second, p50 {:.2} ms instead of {:.2} ms\n",
                after.requests_per_second / before.requests_per_second.max(1e-9),
                after.overall.p50,
                before.overall.p50
            )?;
        }
        if !self.queries.is_empty() {
            queries(f, &self.queries)?;
        }
        writeln!(f, "Targets")?;
        for Target { name, wanted, found, met } in &self.targets {
            let mark = if *met { '✓' } else { '✗' };
            writeln!(f, "  {mark} {name:<48} {wanted:>10}  {found:>12}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = &self.figures;
        writeln!(
            f,
            "{}: {:.0} requests/s, {} requests, {} failed ({:.3} %), hit rate {:.1} %",
            self.name,
            figures.requests_per_second,
            grouped(figures.requests),
            figures.failed,
            figures.error_rate,
            figures.hit_rate
        )?;
        if let Some(error) = &figures.first_error {
            writeln!(f, "  first error: {error}")?;
        }
        let heads = ["count", "mean", "p50", "p90", "p95", "p99", "max"];
        write!(f, "  {:<36}", "latencies in ms")?;
        heads.iter().try_for_each(|head| write!(f, "{head:>10}"))?;
        writeln!(f)?;
        for found in &figures.endpoints {
            row(f, found.route, &found.latencies)?;
        }
        let parts = [("answers from the cache", figures.hits), ("answers with a load", figures.misses)];
        for (name, latencies) in parts {
            latencies.iter().try_for_each(|latencies| row(f, name, latencies))?;
        }
        row(f, "all", &figures.overall)
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, latencies: &Latencies) -> fmt::Result {
    let Latencies { count, mean, p50, p90, p95, p99, max } = latencies;
    write!(f, "  {name:<36}{count:>10}")?;
    [mean, p50, p90, p95, p99, max].iter().try_for_each(|time| write!(f, "{time:>10.2}"))?;
    writeln!(f)
}

fn queries(f: &mut fmt::Formatter<'_>, queries: &[Compared]) -> fmt::Result {
    writeln!(f, "Queries on MongoDB: p50 in ms, and documents examined, with and without the index")?;
    for Compared { collection, query, with_index, without, ratio } in queries {
        let mark = if *ratio >= 10.0 { '✓' } else { '✗' };
        writeln!(
            f,
            "  {mark} {collection:<18}{query:<46}{:>9.2}{:>8}{:>11.2}{:>9}{ratio:>9.1}x",
            with_index.p50, with_index.documents_examined, without.p50, without.documents_examined
        )?;
    }
    writeln!(f)
}
