//! The shortest retention of all shared tiers of this process, for the audit.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The retention in milliseconds; the largest number while no tier was started.
static SHORTEST: AtomicU64 = AtomicU64::new(u64::MAX);

/// Notes the retention of a tier that starts.
#[cfg(feature = "redis")]
pub(super) fn note(retention: Duration) {
    SHORTEST.fetch_min(u64::try_from(retention.as_millis()).unwrap_or(u64::MAX - 1), Relaxed);
}

/// Returns the shortest retention of a shared tier that was started in this process; `None` if none was.
pub(crate) fn shortest_retention() -> Option<Duration> {
    let millis = SHORTEST.load(Relaxed);
    (millis < u64::MAX).then(|| Duration::from_millis(millis))
}
