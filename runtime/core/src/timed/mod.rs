//! Timings: durations and outcomes of calls, cheap enough to leave on.
//!
//! May use: `clock`, `stats`, `sync`.
//!
//! A call reads the cycle counter twice and adds to three numbers that usually only its thread writes. Everything
//! else, except for scaling, happens when the figures are read: by `snapshots()` and by the metrics.
//!
//! Flow: [`TimedSite::start`] -> [`Timer`] (its drop is an outcome) -> [`series::Series`] (one per combination of labels)
//! -> [`histogram::Histogram`] (one per outcome) -> [`Latency`] (its content at one moment).
//!
//! Memory: a site takes 0.8 KiB, and as much again per combination of labels (at most 100). For each outcome that occurs,
//! each thread that records it adds 9.6 KiB, up to 20 times. So a function that succeeds and fails on 8 threads takes
//! 155 KiB.

pub(crate) mod buckets;
mod histogram;
mod label;
mod latency;
mod meta;
mod named;
mod outcome;
mod series;
mod site;
mod slow;
mod stats;
#[cfg(test)]
mod tests;
mod timer;

pub use label::Label;
pub use latency::Latency;
pub use meta::TimedMeta;
pub use named::{Timing, time};
pub use outcome::{CallOutcome, Returned, ReturnedResult, ReturnedValue, call, error_if, ok_if};
#[cfg(feature = "http")]
pub(crate) use series::Series;
pub use site::TimedSite;
pub use slow::LogThrottle;
pub use stats::Snapshot;
pub use timer::Timer;

/// The entry that the macro registers.
// Public only through `__private`.
#[allow(missing_docs)]
#[derive(Debug)]
pub struct TimedEntry(pub &'static TimedSite);

inventory::collect!(TimedEntry);

/// Returns the annotated functions.
pub(crate) fn annotated() -> impl Iterator<Item = &'static TimedSite> {
    inventory::iter::<TimedEntry>().map(|entry| entry.0)
}

/// Returns the figures of every `#[timed]` function and every [`Timing`] so far, sorted by name. Meant for pages and exports: each entry
/// holds whole histograms.
///
/// ```
/// #[fastness::timed(name = "doc.answer")]
/// fn answer() -> u32 { 42 }
///
/// answer();
/// let all = fastness::timing::snapshots();
/// let own = all.iter().find(|stats| stats.name == "doc.answer").unwrap();
/// assert_eq!(own.ok.count(), 1);
/// assert!(own.returned().p95() <= own.ok.max());
/// ```
pub fn snapshots() -> Vec<Snapshot> {
    let mut all: Vec<_> = annotated().chain(named::sites()).flat_map(TimedSite::snapshots).collect();
    all.sort_by(|left, right| {
        (left.name, left.file, left.line, &left.labels).cmp(&(right.name, right.file, right.line, &right.labels))
    });
    all
}
