//! `timed`: how long calls take and how they end, cheaply enough to leave on.
//!
//! May use: `clock`, `stats`, `sync`.
//!
//! A call reads the cycle counter twice and adds to three numbers that, as a rule, its thread alone writes to. Everything
//! else, scaling aside, is work of whoever reads: `snapshots()`, the metrics.
//!
//! Flow: [`TimedSite::start`] -> [`Timer`] (its drop is an outcome) -> [`series::Series`] (one per combination of labels)
//! -> [`histogram::Histogram`] (one per outcome) -> [`Latency`] (what it held when it was asked).
//!
//! Memory: a site takes 0.8 KiB, and as much again per combination of labels (100 at most). For each outcome that occurs,
//! each thread that sees it adds 9.6 KiB, up to 20 of them. So a function that succeeds and fails on 8 threads takes
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
pub use slow::Gate;
pub use stats::Snapshot;
pub use timer::Timer;

/// What the macro registers.
// Public only through `__private`, where the names have to speak for themselves.
#[allow(missing_docs)]
#[derive(Debug)]
pub struct TimedEntry(pub &'static TimedSite);

inventory::collect!(TimedEntry);

/// The annotated functions.
pub(crate) fn annotated() -> impl Iterator<Item = &'static TimedSite> {
    inventory::iter::<TimedEntry>().map(|entry| entry.0)
}

/// What every `#[timed]` function and every [`Timing`] recorded so far, by name. Made for a page that shows it: each entry
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
