//! Logging slow calls, one line a second at most.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Time between two lines of one site.
const PAUSE: u64 = 1_000_000_000;

/// Says which of a site's slow calls are logged.
#[derive(Debug)]
pub struct Gate {
    /// When the next line may be written, in nanoseconds of [`Moment::nanos`](crate::clock::Moment::nanos).
    next: AtomicU64,
    left_out: AtomicU64,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// Lets the first line pass.
    pub const fn new() -> Self {
        Self { next: AtomicU64::new(0), left_out: AtomicU64::new(0) }
    }

    /// Whether to write a line now: if so, how many were left out since the last one.
    pub fn admit(&self, now: u64) -> Option<u64> {
        let next = self.next.load(Relaxed);
        if now < next || self.next.compare_exchange(next, now.saturating_add(PAUSE), Relaxed, Relaxed).is_err() {
            self.left_out.fetch_add(1, Relaxed);
            return None;
        }
        Some(self.left_out.swap(0, Relaxed))
    }
}
