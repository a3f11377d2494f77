//! Prometheus' text format, version 0.0.4.
//!
//! The format is written by hand, because it is small, and the crates for it bring live metrics and a registry, into which every snapshot
//! would have to be copied first.

use std::fmt::{Display, Write as _};

use super::collect::{Family, Labels, SampleValue, collect};
use super::names::MetricKind;
use crate::handle::Fastness;
use crate::timed::Latency;

/// Upper bounds of the buckets of a histogram, in seconds. A time within 1.6 % of a bound may be counted on its other side.
const BOUNDS: [f64; 18] =
    [1e-6, 1e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Returns all metrics of a handle and of the process in Prometheus' text format: the body of `GET /metrics`, of type
/// `text/plain; version=0.0.4`.
///
/// It reads existing counters, and costs nothing otherwise. `docs/metrics.md` lists the names.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = fastness::Fastness::builder().build()?;
/// let text = fastness::metrics::prometheus(&fast);
/// assert!(text.contains("# TYPE fastness_cache_entries gauge\nfastness_cache_entries 0\n"));
/// # Ok(()) }
/// ```
pub fn prometheus(handle: &Fastness) -> String {
    write(collect(handle))
}

/// Writes metrics in Prometheus' text format.
pub(crate) fn write(families: impl IntoIterator<Item = Family>) -> String {
    let mut text = String::new();
    for family in families {
        let metric = family.metric;
        line(&mut text, format_args!("# HELP {} {}", metric.name, escaped(metric.help, false)));
        line(&mut text, format_args!("# TYPE {} {}", metric.name, metric.kind.as_str()));
        for (labels, value) in &family.samples {
            match value {
                SampleValue::Count(count) => sample(&mut text, metric.name, labels, count),
                SampleValue::Seconds(seconds) => sample(&mut text, metric.name, labels, seconds),
                SampleValue::Latency(latency) => {
                    debug_assert_eq!(metric.kind, MetricKind::Histogram);
                    histogram(&mut text, metric.name, labels, latency);
                }
            }
        }
    }
    text
}

fn histogram(text: &mut String, name: &str, labels: &Labels, latency: &Latency) {
    let bucket = format!("{name}_bucket");
    let with = |bound: String| [labels.clone(), vec![("le", bound)]].concat();
    let mut buckets = latency.buckets().peekable();
    let mut count = 0;
    for bound in BOUNDS {
        while let Some((_, more)) = buckets.next_if(|(time, _)| time.as_secs_f64() <= bound) {
            count += more;
        }
        sample(text, &bucket, &with(bound.to_string()), count);
    }
    sample(text, &bucket, &with("+Inf".to_owned()), latency.count());
    sample(text, &format!("{name}_sum"), labels, latency.total().as_secs_f64());
    sample(text, &format!("{name}_count"), labels, latency.count());
}

fn sample(text: &mut String, name: &str, labels: &Labels, value: impl Display) {
    if labels.is_empty() {
        return line(text, format_args!("{name} {value}"));
    }
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value, true))).collect();
    line(text, format_args!("{name}{{{}}} {value}", labels.join(",")));
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{content}");
}

/// Escapes backslashes and line feeds, and quotes if the text is quoted.
pub(super) fn escaped(text: &str, quoted: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quoted { text.replace('"', "\\\"") } else { text }
}
