//! The log lines of slow calls, at most one a second.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// The time between two lines of one site, in nanoseconds.
const PAUSE: u64 = 1_000_000_000;

/// A throttle that admits at most one log line a second.
#[derive(Debug)]
pub struct LogThrottle {
    /// The time of the next line, in nanoseconds of [`Moment::nanos`](crate::clock::Moment::nanos).
    next: AtomicU64,
    left_out: AtomicU64,
}

impl Default for LogThrottle {
    fn default() -> Self {
        Self::new()
    }
}

impl LogThrottle {
    /// Creates a throttle that admits the first line.
    pub const fn new() -> Self {
        Self { next: AtomicU64::new(0), left_out: AtomicU64::new(0) }
    }

    /// Returns the number of lines left out since the last one, if a line may be written now.
    pub fn admit(&self, now: u64) -> Option<u64> {
        let next = self.next.load(Relaxed);
        if now < next || self.next.compare_exchange(next, now.saturating_add(PAUSE), Relaxed, Relaxed).is_err() {
            self.left_out.fetch_add(1, Relaxed);
            return None;
        }
        Some(self.left_out.swap(0, Relaxed))
    }
}
