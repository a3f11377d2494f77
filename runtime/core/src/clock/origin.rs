//! The system's monotonic clock that continues while the machine is suspended.

use std::time::Duration;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
use std::time::Instant;

/// The origin of a clock.
#[derive(Debug)]
pub(super) struct Origin(RawTime);

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
type RawTime = Duration;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
type RawTime = Instant;

/// Reads the clock that continues during a suspension, unlike `Instant` on these systems.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn read() -> RawTime {
    use rustix::time::{ClockId, clock_gettime};

    // Apple's CLOCK_MONOTONIC counts a suspension, and std's `Instant` reads another one there.
    #[cfg(target_vendor = "apple")]
    const CLOCK: ClockId = ClockId::Monotonic;
    #[cfg(not(target_vendor = "apple"))]
    const CLOCK: ClockId = ClockId::Boottime;
    let time = clock_gettime(CLOCK);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Reads `Instant`, which counts a suspension on Windows and is the only choice elsewhere.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn read() -> RawTime {
    instant()
}

impl Origin {
    pub(super) fn now() -> Self {
        Self(read())
    }

    pub(super) fn elapsed(&self) -> Duration {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        return read().saturating_sub(self.0);
        #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
        read().saturating_duration_since(self.0)
    }
}

/// Reads the clock of `Clock::system` on systems without a better one.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
#[expect(clippy::disallowed_methods, reason = "the only reading of this clock")]
fn instant() -> Instant {
    Instant::now()
}
