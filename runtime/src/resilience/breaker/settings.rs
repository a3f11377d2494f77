//! When a breaker opens, for how long, and how it closes again.

use std::num::NonZeroU32;
use std::time::Duration;

const FAILURES: NonZeroU32 = NonZeroU32::new(5).unwrap();
const MIN_CALLS: NonZeroU32 = NonZeroU32::new(20).unwrap();
const PROBES: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// The settings of a circuit breaker. Every method is `const`, so they can be those of a static.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use fastness::resilience::{BreakerSettings, Percent, Window, breaker_with};
///
/// const SETTINGS: BreakerSettings = BreakerSettings::new()
///     .window(Window::Count(NonZeroU32::new(200).unwrap()))
///     .failure_rate(Percent::new(20))
///     .open_for(Duration::from_secs(10));
///
/// let payments = breaker_with("payments", &SETTINGS);
/// assert_eq!(payments.name(), "payments");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    pub(super) failure_threshold: Option<NonZeroU32>,
    pub(super) failure_rate: Option<Percent>,
    pub(super) slow_rate: Option<(Percent, Duration)>,
    pub(super) min_calls: NonZeroU32,
    pub(super) window: Window,
    pub(super) open_for: Duration,
    pub(super) max_open: Duration,
    pub(super) probes: NonZeroU32,
    pub(super) probe_timeout: Duration,
    pub(super) cancelled_is_failure: bool,
}

/// Which calls the rates are of.
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use fastness::resilience::{BreakerSettings, Window};
///
/// const QUIET: BreakerSettings = BreakerSettings::new().window(Window::Count(NonZeroU32::new(100).unwrap()));
/// const BUSY: BreakerSettings = BreakerSettings::new().window(Window::Time(Duration::from_secs(10)));
/// # assert_ne!(QUIET, BUSY);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last so many calls. Remembers each failure among them, in 16 bytes.
    Count(NonZeroU32),
    /// The calls of the last so long, at least 150 ms. Counted in 8 to 15 slices, which are forgotten whole, so it is exact
    /// to a slice.
    Time(Duration),
}

/// A share of calls, in percent.
///
/// ```
/// use fastness::resilience::Percent;
///
/// const HALF: Percent = Percent::new(50);
/// assert_eq!((HALF.get(), Percent::new(0).get(), Percent::new(101).get()), (50, 1, 100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    /// So many in a hundred. Less than 1 counts as 1, more than 100 as 100.
    pub const fn new(percent: u8) -> Self {
        Self(match percent {
            0 => 1,
            101.. => 100,
            _ => percent,
        })
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether `part` of `whole` is at least this share.
    pub(super) fn reached(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 100 >= u128::from(whole) * u128::from(self.0)
    }
}

impl BreakerSettings {
    /// The defaults: opens on 5 failures in a row, or on 50 % failures among at least 20 calls of the last 30 s; stays open
    /// for 5 s, doubling up to 60 s; closes after 3 probes.
    pub const fn new() -> Self {
        Self {
            failure_threshold: Some(FAILURES),
            failure_rate: Some(Percent::new(50)),
            slow_rate: None,
            min_calls: MIN_CALLS,
            window: Window::Time(Duration::from_secs(30)),
            open_for: Duration::from_secs(5),
            max_open: Duration::from_secs(60),
            probes: PROBES,
            probe_timeout: Duration::from_secs(30),
            cancelled_is_failure: false,
        }
    }

    /// Opens after so many failures in a row (5).
    #[must_use]
    pub const fn failure_threshold(mut self, failures: NonZeroU32) -> Self {
        self.failure_threshold = Some(failures);
        self
    }

    /// However many failures in a row: only the rates open it.
    #[must_use]
    pub const fn no_failure_threshold(mut self) -> Self {
        self.failure_threshold = None;
        self
    }

    /// Opens when so many of the calls in the window failed (50 %).
    #[must_use]
    pub const fn failure_rate(mut self, rate: Percent) -> Self {
        self.failure_rate = Some(rate);
        self
    }

    /// Whatever share of the calls fails: only failures in a row or slow calls open it.
    #[must_use]
    pub const fn no_failure_rate(mut self) -> Self {
        self.failure_rate = None;
        self
    }

    /// Opens when so many of the calls in the window took at least `slow` (off). A slow probe has failed, too. Costs each
    /// call two readings of the precise clock, about 50 ns.
    #[must_use]
    pub const fn slow_rate(mut self, rate: Percent, slow: Duration) -> Self {
        self.slow_rate = Some((rate, slow));
        self
    }

    /// Rates count only among at least so many calls in the window (20).
    #[must_use]
    pub const fn min_calls(mut self, calls: NonZeroU32) -> Self {
        self.min_calls = calls;
        self
    }

    /// Which calls the rates are of (those of the last 30 s).
    #[must_use]
    pub const fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// How long it stays open at first (5 s). Up to a fifth is added at random, so that a fleet does not probe in step.
    #[must_use]
    pub const fn open_for(mut self, time: Duration) -> Self {
        self.open_for = time;
        self
    }

    /// How long it stays open at most, before that fifth: the time doubles whenever a probe fails (60 s). If it is less
    /// than `open_for`, the time does not grow.
    #[must_use]
    pub const fn max_open(mut self, time: Duration) -> Self {
        self.max_open = time;
        self
    }

    /// How many calls have to succeed, half-open, to close it; no more are let through at a time (3).
    #[must_use]
    pub const fn probes(mut self, probes: NonZeroU32) -> Self {
        self.probes = probes;
        self
    }

    /// When probes that did not come back are given up, and others take their place (30 s). Their results no longer
    /// count.
    #[must_use]
    pub const fn probe_timeout(mut self, time: Duration) -> Self {
        self.probe_timeout = time;
        self
    }

    /// A call whose future is dropped before its end counts as a failure (it counts as nothing).
    #[must_use]
    pub const fn cancelled_is_failure(mut self) -> Self {
        self.cancelled_is_failure = true;
        self
    }
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
