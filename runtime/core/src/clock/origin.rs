//! The system's monotonic clock, the one that goes on while the machine is suspended.

use std::time::Duration;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
use std::time::Instant;

/// When a clock began.
#[derive(Debug)]
pub(super) struct Origin(Reading);

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
type Reading = Duration;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
type Reading = Instant;

/// `Instant` stands still here while the machine is suspended.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn read() -> Reading {
    use rustix::time::{ClockId, clock_gettime};

    // Apple's CLOCK_MONOTONIC counts a suspension, and std's `Instant` reads another one there.
    #[cfg(target_vendor = "apple")]
    const CLOCK: ClockId = ClockId::Monotonic;
    #[cfg(not(target_vendor = "apple"))]
    const CLOCK: ClockId = ClockId::Boottime;
    let time = clock_gettime(CLOCK);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// On Windows `Instant` counts a suspension; elsewhere it is what there is.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn read() -> Reading {
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

/// The clock that `Clock::system` reads where there is nothing better.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is to read")]
fn instant() -> Instant {
    Instant::now()
}
