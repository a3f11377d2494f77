//! How many requests ended in each of the last seconds.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Seconds that a rate is the mean of.
const SECONDS: u64 = 60;
/// More than that, so that the second that is being written is not one of those that are read.
const SLOTS: usize = 64;

/// Each slot has the second that it is about above, and a count below.
#[derive(Debug)]
pub(super) struct Window([AtomicU64; SLOTS]);

impl Window {
    pub(super) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; SLOTS])
    }

    /// Counts one in this second, counted from 1.
    pub(super) fn count(&self, second: u64) {
        let slot = self.slot(second);
        let of = second << 32;
        let mut now = slot.load(Relaxed);
        loop {
            // A thread that was held up for a minute is not to take a slot from those that came after.
            let next = match now >> 32 {
                there if there == second => now + 1,
                there if there < second => of | 1,
                _ => return,
            };
            match slot.compare_exchange_weak(now, next, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
    }

    /// How many a second, in the whole seconds before this one: in 60, or as many as there were since `began`.
    pub(super) fn rate(&self, second: u64, began: u64) -> f64 {
        let first = second.saturating_sub(SECONDS).max(began).max(1);
        if first >= second {
            return 0.0;
        }
        let of = |second: u64| {
            let slot = self.slot(second).load(Relaxed);
            if slot >> 32 == second { slot & u64::from(u32::MAX) } else { 0 }
        };
        let ended: u64 = (first..second).map(of).sum();
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
        let window = Window::new();
        assert_eq!(window.rate(1, 1), 0.0);
        for second in 1..=10 {
            for _ in 0..second {
                window.count(second);
            }
        }
        assert_eq!(window.rate(11, 1), 5.5);
        assert_eq!(window.rate(21, 1), 2.75, "ten seconds of silence");
        assert_eq!(window.rate(70, 1), 10.0 / 60.0, "the tenth second is the first of the last sixty");
        assert_eq!(window.rate(200, 1), 0.0);
    }

    #[test]
    fn a_slot_is_taken_over_by_a_later_second_and_never_by_an_earlier_one() {
        let window = Window::new();
        window.count(5);
        window.count(5 + 64);
        window.count(5);
        assert_eq!(window.rate(70, 69), 1.0);
    }

    #[test]
    fn threads_lose_nothing() {
        let window = Window::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1_000).for_each(|_| window.count(7)));
            }
        });
        assert_eq!(window.rate(8, 7), 8_000.0);
    }
}
