//! Series: the histograms of one combination of labels. They form a linked list, which is short, grows only at its end and is read without
//! a lock.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use once_cell::race::OnceBox;

use super::histogram::Histogram;
use super::latency::Latency;
use super::outcome::CallOutcome;

/// The maximum number of combinations of labels per site. Further ones are counted together under [`OTHER`].
pub(crate) const MAX_SERIES: usize = 100;

/// The value of every label of the series for further combinations.
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

    /// Returns the series with these labels, from the list after this one.
    pub(crate) fn with_labels(&self, labels: &[&'static str]) -> &Self {
        let mut last = self;
        for _ in 0..MAX_SERIES {
            // Another thread may have appended first, and other labels than ours.
            last = last.next.get_or_init(|| Box::new(Self::new(labels.to_vec())));
            if same(&last.labels, labels) {
                return last;
            }
        }
        last.next.get_or_init(|| Box::new(Self::new(vec![OTHER; labels.len()])))
    }

    /// Returns the series after this one in the list.
    pub(crate) fn following(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(self.next.get(), |series| series.next.get())
    }
}

/// Returns whether two lists hold the same texts. A static text usually has one address, which is compared first.
fn same(left: &[&'static str], right: &[&'static str]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| std::ptr::eq(*left, *right) || left == right)
}
