//! Bars, as SVG.

use svg::Document;
use svg::node::element::{Line, Rectangle, Style, Text};

use crate::{Budget, Case};

const ROW: f64 = 22.0;
const TOP: f64 = 36.0;
const LABELS: f64 = 440.0;
const BARS: f64 = 420.0;
const WIDTH: f64 = LABELS + BARS + 70.0;
/// Text takes the colour of light or dark pages.
const STYLE: &str = "text { font: 13px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } \
                     .ours { fill: #1f6feb } .peer { fill: #8c959f } .short { fill: #d1242f } \
                     .limit { stroke: #24292f; stroke-width: 1.5 } \
                     @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .limit { stroke: #e6edf3 } }";

/// The plot of a hit beside other caches, the floor included.
pub(crate) fn hit(cases: &[Case]) -> String {
    let mut cases: Vec<_> = cases.iter().filter(|case| !case.name.contains("counter")).collect();
    cases.sort_by(|one, other| one.nanos.total_cmp(&other.nanos));
    let longest = cases.iter().map(|case| case.nanos).fold(1.0, f64::max);
    let mut plot = start(cases.len(), "A hit in nanoseconds, 64 hot keys, 1 thread");
    for (row, case) in cases.iter().enumerate() {
        let class = if case.name.starts_with("fastness") { "ours" } else { "peer" };
        let width = case.nanos / longest * BARS;
        plot = bar(plot, row, &case.name, class, width, &format!("{:.0}", case.nanos));
    }
    plot.to_string()
}

/// Each ratio as a share of what it may be, as far as twice that.
pub(crate) fn budget(rows: &[Budget]) -> String {
    let mut plot = start(rows.len(), "Measured / allowed: left of the line is met");
    for (row, line) in rows.iter().enumerate() {
        let share = if line.at_least { line.limit / line.measured } else { line.measured / line.limit };
        let class = if line.met { "ours" } else { "short" };
        plot = bar(plot, row, &line.what, class, share.min(2.0) / 2.0 * BARS, &format!("{share:.2}"));
    }
    let (middle, bottom) = (LABELS + BARS / 2.0, TOP + rows.len() as f64 * ROW);
    let line = Line::new().set("class", "limit").set("x1", middle).set("x2", middle);
    plot.add(line.set("y1", TOP - 6.0).set("y2", bottom)).to_string()
}

fn start(rows: usize, title: &str) -> Document {
    let height = TOP + rows as f64 * ROW + 10.0;
    Document::new()
        .set("viewBox", (0.0, 0.0, WIDTH, height))
        .set("role", "img")
        .add(Style::new(STYLE))
        .add(Text::new(title).set("class", "title").set("x", 8.0).set("y", 20.0))
}

fn bar(plot: Document, row: usize, name: &str, class: &str, width: f64, value: &str) -> Document {
    let top = TOP + row as f64 * ROW;
    let label = Text::new(name).set("x", LABELS - 8.0).set("y", top + 14.0).set("text-anchor", "end");
    let bar = Rectangle::new().set("class", class).set("x", LABELS).set("y", top + 3.0);
    let value = Text::new(value).set("x", LABELS + width + 6.0).set("y", top + 14.0);
    plot.add(label).add(bar.set("width", width.max(1.0)).set("height", ROW - 7.0)).add(value)
}
