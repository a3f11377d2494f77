//! What is kept per combination of labels: a chain, because it is short, grows only at its end and is read without a lock.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use once_cell::race::OnceBox;

use super::histogram::Histogram;
use super::latency::Latency;
use super::outcome::CallOutcome;

/// Combinations of labels that one site keeps apart. More than that are not a few known values, whatever their types say;
/// they are counted together under [`OTHER`].
pub(crate) const MOST_SERIES: usize = 100;

/// The value of every label once there are too many combinations.
pub(crate) const OTHER: &str = "other";

/// The times of one site with one combination of labels.
pub(crate) struct Series {
    pub(crate) labels: Vec<&'static str>,
    histograms: [Histogram; CallOutcome::ALL.len()],
    slow: AtomicU64,
    next: OnceBox<Series>,
}

impl Series {
    pub(crate) const fn new(labels: Vec<&'static str>) -> Self {
        Self {
            labels,
            histograms: [const { Histogram::new() }; CallOutcome::ALL.len()],
            slow: AtomicU64::new(0),
            next: OnceBox::new(),
        }
    }

    #[inline]
    pub(crate) fn record(&self, nanos: u64, outcome: CallOutcome) {
        self.histograms[outcome as usize].record(nanos);
    }

    pub(crate) fn count_slow(&self) {
        self.slow.fetch_add(1, Relaxed);
    }

    pub(crate) fn slow(&self) -> u64 {
        self.slow.load(Relaxed)
    }

    pub(crate) fn read(&self, outcome: CallOutcome) -> Latency {
        self.histograms[outcome as usize].read()
    }

    /// The one with these labels, behind this one in the chain.
    pub(crate) fn with(&self, labels: &[&'static str]) -> &Self {
        let mut last = self;
        for _ in 0..MOST_SERIES {
            // Another thread may have appended first, and other labels than ours.
            last = last.next.get_or_init(|| Box::new(Self::new(labels.to_vec())));
            if same(&last.labels, labels) {
                return last;
            }
        }
        last.next.get_or_init(|| Box::new(Self::new(vec![OTHER; labels.len()])))
    }

    /// Those behind this one in the chain.
    pub(crate) fn following(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(self.next.get(), |series| series.next.get())
    }
}

/// Whether two lists hold the same texts. The same static text is at one address as a rule, which is quickly seen.
fn same(left: &[&'static str], right: &[&'static str]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| std::ptr::eq(*left, *right) || left == right)
}
