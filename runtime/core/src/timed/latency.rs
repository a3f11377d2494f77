//! Latencies: the content of a histogram at one moment.

use std::ops::AddAssign;
use std::time::Duration;

use super::buckets;

/// The durations of calls at one moment; by outcome in [`Snapshot`](super::Snapshot).
///
/// Count, mean and maximum are exact. Quantiles come from a log-linear histogram with 32 buckets per power of two, and differ from the
/// recorded time by at most 1.6 %; times over 73 minutes share a bucket, so only the maximum separates them.
///
/// ```
/// use std::time::Duration;
/// use fastness::timing::{CallOutcome, Timing};
///
/// let timing = Timing::new("doc.latency");
/// for millis in 1..=100 {
///     timing.record(Duration::from_millis(millis), CallOutcome::Ok);
/// }
/// let latency = timing.snapshot().ok;
/// assert_eq!(latency.count(), 100);
/// assert_eq!(latency.mean(), Some(Duration::from_micros(50_500)));
/// assert_eq!(latency.max(), Some(Duration::from_millis(100)));
/// let p95 = latency.quantile(0.95).unwrap();
/// assert!((93.5..96.5).contains(&(p95.as_secs_f64() * 1e3)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The count of each bucket; empty without records.
    counts: Vec<u64>,
    count: u64,
    sum: u64,
    max: u64,
}

impl Latency {
    pub(crate) fn new(counts: Vec<u64>, sum: u64, max: u64) -> Self {
        let count = counts.iter().sum();
        Self { counts, count, sum, max }
    }

    /// Creates the latency of calls with these durations.
    #[cfg(all(test, feature = "monitor"))]
    pub(crate) fn from_times(times: &[Duration]) -> Self {
        let mut counts = vec![0; buckets::COUNT];
        let nanos = times.iter().map(|time| crate::clock::nanos(*time));
        nanos.clone().for_each(|nanos| counts[buckets::index(nanos)] += 1);
        Self::new(counts, nanos.clone().sum(), nanos.max().unwrap_or(0))
    }

    /// Returns the number of calls.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the time of all calls together.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.sum)
    }

    /// Returns the mean time; `None` before the first call.
    pub fn mean(&self) -> Option<Duration> {
        self.sum.checked_div(self.count).map(Duration::from_nanos)
    }

    /// Returns the longest time; `None` before the first call.
    pub fn max(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_nanos(self.max))
    }

    /// Returns the least time that a share `q` of the calls did not exceed (nearest rank): `quantile(0.5)` is the median. `q` is
    /// clamped to 0 to 1; `None` before the first call.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rank = ((q.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        // The last bucket has no upper end, so the maximum stands for it.
        let nanos = if bucket + 1 == buckets::COUNT { self.max } else { buckets::middle(bucket).min(self.max) };
        Some(Duration::from_nanos(nanos))
    }

    /// Returns the median.
    pub fn p50(&self) -> Option<Duration> {
        self.quantile(0.5)
    }

    /// Returns the time that 95 % of the calls did not exceed.
    pub fn p95(&self) -> Option<Duration> {
        self.quantile(0.95)
    }

    /// Returns the time that 99 % of the calls did not exceed.
    pub fn p99(&self) -> Option<Duration> {
        self.quantile(0.99)
    }

    /// Returns the buckets that are not empty, from the shortest: the time that each is read as, and its count.
    #[cfg(any(feature = "metrics", feature = "monitor", feature = "prometheus"))]
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let filled = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        filled.map(|(index, count)| (Duration::from_nanos(buckets::middle(index)), *count))
    }

    /// Returns the records since an earlier state, in the form of [`buckets`](Self::buckets).
    #[cfg(any(feature = "metrics", feature = "monitor"))]
    pub(crate) fn since(&self, earlier: &Self) -> impl Iterator<Item = (Duration, u64)> {
        let counted = |index: usize| earlier.counts.get(index).copied().unwrap_or(0);
        let counts = self.counts.iter().enumerate().map(|(index, count)| count.saturating_sub(counted(index)));
        Self { counts: counts.collect(), ..Self::default() }.buckets().collect::<Vec<_>>().into_iter()
    }
}

impl AddAssign for Latency {
    fn add_assign(&mut self, other: Self) {
        if self.counts.is_empty() {
            self.counts = other.counts;
        } else {
            self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        }
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }
}
