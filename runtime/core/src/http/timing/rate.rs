//! The rate of requests: how many ended in each of the last seconds.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Seconds whose mean is the rate.
const SECONDS: u64 = 60;
/// More slots than seconds, so that the slot of the current second is not among those that are read.
const SLOTS: usize = 64;

/// Counts per second. A slot has its second in the upper 32 bits, and the count in the lower.
#[derive(Debug)]
pub(super) struct CountsPerSecond([AtomicU64; SLOTS]);

impl CountsPerSecond {
    pub(super) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; SLOTS])
    }

    /// Counts one request in this second; seconds begin with 1.
    pub(super) fn count(&self, second: u64) {
        let slot = self.slot(second);
        let empty = second << 32;
        let mut now = slot.load(Relaxed);
        loop {
            // A thread that was suspended for a minute must not reset a slot that is in use for a later second.
            let next = match now >> 32 {
                there if there == second => now + 1,
                there if there < second => empty | 1,
                _ => return,
            };
            match slot.compare_exchange_weak(now, next, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
    }

    /// Returns the mean of the whole seconds before `second`: of 60, or of those since `began`.
    pub(super) fn rate(&self, second: u64, began: u64) -> f64 {
        let first = second.saturating_sub(SECONDS).max(began).max(1);
        if first >= second {
            return 0.0;
        }
        let count = |second: u64| {
            let slot = self.slot(second).load(Relaxed);
            if slot >> 32 == second { slot & u64::from(u32::MAX) } else { 0 }
        };
        let ended: u64 = (first..second).map(count).sum();
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let rate = ended as f64 / (second - first) as f64;
        rate
    }

    fn slot(&self, second: u64) -> &AtomicU64 {
        // Below SLOTS.
        #[allow(clippy::cast_possible_truncation)]
        let index = (second % SLOTS as u64) as usize;
        &self.0[index]
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // exact
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_mean_of_the_last_minute() {
        let counts = CountsPerSecond::new();
        assert_eq!(counts.rate(1, 1), 0.0);
        for second in 1..=10 {
            for _ in 0..second {
                counts.count(second);
            }
        }
        assert_eq!(counts.rate(11, 1), 5.5);
        assert_eq!(counts.rate(21, 1), 2.75, "ten seconds of silence");
        assert_eq!(counts.rate(70, 1), 10.0 / 60.0, "the tenth second is the first of the last sixty");
        assert_eq!(counts.rate(200, 1), 0.0);
    }

    #[test]
    fn a_slot_is_taken_over_by_a_later_second_and_never_by_an_earlier_one() {
        let counts = CountsPerSecond::new();
        counts.count(5);
        counts.count(5 + 64);
        counts.count(5);
        assert_eq!(counts.rate(70, 69), 1.0);
    }

    #[test]
    fn no_request_is_lost_between_threads() {
        let counts = CountsPerSecond::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1_000).for_each(|_| counts.count(7)));
            }
        });
        assert_eq!(counts.rate(8, 7), 8_000.0);
    }
}
