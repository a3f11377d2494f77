//! Bars, as SVG, in the style of docs/benchmarks.md.

use std::fmt::Write as _;

const ROW: usize = 22;
const TOP: usize = 36;
const LABELS: u16 = 240;
const BARS: f64 = 520.0;
const STYLE: &str = "text { font: 13px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } \
                     .ours { fill: #1f6feb } .peer { fill: #8c959f } \
                     @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }";

/// A share from 0 to 1, and the rule that it belongs to.
pub(super) struct Bar {
    pub(super) of: String,
    pub(super) name: &'static str,
    pub(super) share: f64,
}

/// Draws one row for each bar.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    let height = TOP + bars.len() * ROW + 10;
    let mut svg = format!("<svg role=\"img\" viewBox=\"0 0 840 {height}\" xmlns=\"http://www.w3.org/2000/svg\">\n");
    let _ = writeln!(svg, "<style>{STYLE}</style>\n<text class=\"title\" x=\"8\" y=\"20\">{title}</text>");
    for (row, Bar { of, name, share }) in bars.iter().enumerate() {
        let (top, label) = (TOP + row * ROW, LABELS - 8);
        let (middle, width) = (top + 14, (share * BARS).max(1.0));
        let class = if *name == "fastness" { "ours" } else { "peer" };
        let value = f64::from(LABELS) + width + 6.0;
        let _ = writeln!(
            svg,
            "<text x=\"{label}\" y=\"{middle}\" text-anchor=\"end\">{of}: {name}</text>\
             <rect class=\"{class}\" x=\"{LABELS}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\"/>\
             <text x=\"{value:.1}\" y=\"{middle}\">{:.1} %</text>",
            top + 3,
            ROW - 7,
            share * 100.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}
