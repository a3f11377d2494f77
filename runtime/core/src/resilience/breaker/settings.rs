//! When a breaker opens, for how long, and how it closes again.

use std::num::NonZeroU32;
use std::time::Duration;

use super::super::percent::Percent;

/// Failures in a row where the window holds too few calls for a rate, and where it holds enough: chosen by the simulation in
/// `tests/src/breakers`.
const FEW_CALLS: u32 = 5;
const MANY_CALLS: u32 = 15;
const MIN_CALLS: NonZeroU32 = NonZeroU32::new(80).unwrap();
const PROBES: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// The settings of a circuit breaker. Every method is `const`, so they can be those of a static.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use fastness::resilience::Percent;
/// use fastness::resilience::breaker::{Breaker, Settings, Window};
///
/// const SETTINGS: Settings = Settings::new()
///     .window(Window::Count(NonZeroU32::new(200).unwrap()))
///     .failure_rate(Percent::new(20))
///     .open_for(Duration::from_secs(10));
///
/// let payments = Breaker::named_with("payments", &SETTINGS);
/// assert_eq!(payments.name(), "payments");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    failure_threshold: Threshold,
    pub(super) failure_rate: Option<Percent>,
    pub(super) slow_rate: Option<(Percent, Duration)>,
    min_calls: Option<NonZeroU32>,
    pub(super) window: Window,
    pub(super) open_for: Duration,
    pub(super) max_open: Duration,
    pub(super) probes: NonZeroU32,
    pub(super) probe_timeout: Duration,
    pub(super) cancelled_is_failure: bool,
}

/// How many failures in a row open a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Threshold {
    /// As many as fit the number of calls.
    Fitting,
    Fixed(NonZeroU32),
    Off,
}

/// Which calls the rates are of.
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use fastness::resilience::breaker::{Settings, Window};
///
/// const QUIET: Settings = Settings::new().window(Window::Count(NonZeroU32::new(100).unwrap()));
/// const BUSY: Settings = Settings::new().window(Window::Time(Duration::from_secs(10)));
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

impl Settings {
    /// The defaults: opens on 50 % failures among the calls of the last 30 s, where there are at least 80, and on 15 failures in a
    /// row; on 5 where there are fewer. Stays open for 5 s, doubling up to 60 s. Closes after 3 probes, unless half of
    /// them fail.
    pub const fn new() -> Self {
        Self {
            failure_threshold: Threshold::Fitting,
            failure_rate: Some(Percent::new(50)),
            slow_rate: None,
            min_calls: None,
            window: Window::Time(Duration::from_secs(30)),
            open_for: Duration::from_secs(5),
            max_open: Duration::from_secs(60),
            probes: PROBES,
            probe_timeout: Duration::from_secs(30),
            cancelled_is_failure: false,
        }
    }

    /// Opens after so many failures in a row, however many calls there are (5 while the window holds fewer than
    /// [`min_calls`](Self::min_calls), and 15 otherwise: where calls are many, short rows come up by chance).
    #[must_use]
    pub const fn failure_threshold(mut self, failures: NonZeroU32) -> Self {
        self.failure_threshold = Threshold::Fixed(failures);
        self
    }

    /// However many failures in a row: only the rates open it.
    #[must_use]
    pub const fn no_failure_threshold(mut self) -> Self {
        self.failure_threshold = Threshold::Off;
        self
    }

    /// Opens when so many of the calls in the window failed (50 %), and opens again when so many of the probes did.
    #[must_use]
    pub const fn failure_rate(mut self, rate: Percent) -> Self {
        self.failure_rate = Some(rate);
        self
    }

    /// Whatever share of the calls fails: only failures in a row or slow calls open it, and the first probe that fails.
    #[must_use]
    pub const fn no_failure_rate(mut self) -> Self {
        self.failure_rate = None;
        self
    }

    /// Opens when so many of the calls in the window took at least `slow` (off), and opens again when so many of
    /// the probes did. Costs each call two readings of the precise clock, about 50 ns.
    #[must_use]
    pub const fn slow_rate(mut self, rate: Percent, slow: Duration) -> Self {
        self.slow_rate = Some((rate, slow));
        self
    }

    /// Rates count only among at least so many calls in the window (80, or all of a window of fewer). Below that, failures in
    /// a row decide alone.
    #[must_use]
    pub const fn min_calls(mut self, calls: NonZeroU32) -> Self {
        self.min_calls = Some(calls);
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

    /// How long it stays open at most, before that fifth: the time doubles whenever the probes fail (60 s). If it is less
    /// than `open_for`, the time does not grow.
    #[must_use]
    pub const fn max_open(mut self, time: Duration) -> Self {
        self.max_open = time;
        self
    }

    /// How many calls are made, half-open, to see whether it may close; no more are let through at a time (3). It closes
    /// once all have ended, and opens again as soon as too many of them failed or were slow for their rate.
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

impl Settings {
    /// How many failures in a row open it, where the window holds so many calls.
    pub(super) fn failures_in_a_row(&self, calls: u64) -> Option<u32> {
        match self.failure_threshold {
            Threshold::Fitting if calls < self.enough_calls() => Some(FEW_CALLS),
            Threshold::Fitting => Some(MANY_CALLS),
            Threshold::Fixed(failures) => Some(failures.get()),
            Threshold::Off => None,
        }
    }

    /// How many calls in the window are enough for a rate.
    pub(super) fn enough_calls(&self) -> u64 {
        let calls = self.min_calls.unwrap_or(MIN_CALLS);
        u64::from(match self.window {
            Window::Count(all) => calls.min(all).get(),
            Window::Time(_) => calls.get(),
        })
    }

    /// What cannot be meant, a sentence each: what attributes refuse.
    #[cfg(any(feature = "registry", test))]
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let (Window::Count(window), Some(calls)) = (self.window, self.min_calls)
            && calls > window
        {
            faults.push(format!(
                "a window of {window} calls never holds the {calls} of `min_calls`, so {window} are enough: \
                 write `min_calls({window})` or less"
            ));
        }
        if self.failure_threshold == Threshold::Off && self.failure_rate.is_none() && self.slow_rate.is_none() {
            faults.push(
                "nothing opens it: leave out one of `no_failure_threshold()` and `no_failure_rate()`, or set `slow_rate`".into(),
            );
        }
        faults
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
