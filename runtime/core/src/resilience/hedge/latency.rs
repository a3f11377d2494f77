//! The 95th percentile of the durations of the last calls. No clock, no lock.

/// The number of durations stored; six of them are above the percentile.
const STORED: usize = 128;
/// The number of calls after which the percentile is computed again.
const EVERY: usize = 16;
/// The minimum number of calls for a percentile.
const FEWEST: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Latencies {
    /// The durations in nanoseconds; the oldest is overwritten first.
    durations: Vec<u64>,
    added: usize,
    p95: Option<u64>,
}

impl Latencies {
    pub(super) fn add(&mut self, nanos: u64) {
        if self.durations.len() < STORED {
            self.durations.push(nanos);
        } else {
            self.durations[self.added % STORED] = nanos;
        }
        self.added += 1;
        if self.durations.len() >= FEWEST && self.added.is_multiple_of(EVERY) {
            let mut sorted = self.durations.clone();
            let rank = sorted.len() * 95 / 100;
            self.p95 = Some(*sorted.select_nth_unstable(rank).1);
        }
    }

    /// Returns the percentile; `None` while too few calls are known.
    pub(super) fn p95(&self) -> Option<u64> {
        self.p95
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentile_follows_the_calls() {
        let mut latencies = Latencies::default();
        for nanos in 1..=31 {
            latencies.add(nanos);
            assert_eq!(latencies.p95(), None);
        }
        latencies = Latencies::default();
        for nanos in 1..=128 {
            latencies.add(nanos);
        }
        assert_eq!(latencies.p95(), Some(122));
        for _ in 0..128 {
            latencies.add(5);
        }
        assert_eq!(latencies.p95(), Some(5));
    }
}
