//! Settings of a circuit breaker: when it opens, for how long, and how it closes again.

use std::num::NonZeroU32;
use std::time::Duration;

use super::super::percent::Percent;

/// Default failures in a row that open a breaker, with too few calls in the window for a rate and with enough. Chosen by the
/// simulation in `tests/src/breakers`.
const FEW_CALLS: u32 = 5;
const MANY_CALLS: u32 = 15;
const MIN_CALLS: NonZeroU32 = NonZeroU32::new(80).unwrap();
const PROBES: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// The settings of a circuit breaker. Every method is `const`, so settings can be constants. Defaults are in parentheses.
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
    failure_threshold: FailureThreshold,
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

/// The failures in a row that open a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FailureThreshold {
    /// A number that depends on the calls in the window.
    ByCalls,
    Fixed(NonZeroU32),
    Off,
}

/// The calls from which rates are computed.
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
    /// The last calls, this many. Each failure among them takes 16 bytes.
    Count(NonZeroU32),
    /// The calls of the last stretch of time, at least 160 ms. It is counted in 8 to 15 slices, each dropped as a whole, so the window
    /// is exact to one slice.
    Time(Duration),
}

impl Settings {
    /// Creates the default settings. The breaker opens at 50 % failures among the calls of the last 30 s if there are at least 80, and
    /// after 15 failures in a row, or 5 with fewer than 80 calls. It stays open for 5 s, doubling up to 60 s, and closes after 3
    /// probes, unless half of them fail.
    pub const fn new() -> Self {
        Self {
            failure_threshold: FailureThreshold::ByCalls,
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

    /// Sets the failures in a row that open the breaker, whatever the number of calls (5 while the window holds fewer than
    /// [`min_calls`](Self::min_calls), and 15 otherwise: with many calls, short rows happen by chance).
    #[must_use]
    pub const fn failure_threshold(mut self, failures: NonZeroU32) -> Self {
        self.failure_threshold = FailureThreshold::Fixed(failures);
        self
    }

    /// Turns off opening by failures in a row: only the rates open the breaker.
    #[must_use]
    pub const fn no_failure_threshold(mut self) -> Self {
        self.failure_threshold = FailureThreshold::Off;
        self
    }

    /// Sets the share of failed calls in the window that opens the breaker (50 %), and the share of failed probes that opens it again.
    #[must_use]
    pub const fn failure_rate(mut self, rate: Percent) -> Self {
        self.failure_rate = Some(rate);
        self
    }

    /// Turns off opening by the failure rate: failures in a row, slow calls, and the first failed probe open the breaker.
    #[must_use]
    pub const fn no_failure_rate(mut self) -> Self {
        self.failure_rate = None;
        self
    }

    /// Sets the share of calls in the window that took at least `slow` that opens the breaker (off), and the same share of probes that
    /// opens it again. Costs each call two readings of the precise clock, about 50 ns.
    #[must_use]
    pub const fn slow_rate(mut self, rate: Percent, slow: Duration) -> Self {
        self.slow_rate = Some((rate, slow));
        self
    }

    /// Sets the calls in the window from which rates count (80, or all of a smaller window). With fewer, failures in a row decide
    /// alone.
    #[must_use]
    pub const fn min_calls(mut self, calls: NonZeroU32) -> Self {
        self.min_calls = Some(calls);
        self
    }

    /// Sets the calls from which rates are computed (those of the last 30 s).
    #[must_use]
    pub const fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// Sets the time that the breaker stays open at first (5 s). Up to a fifth is added at random, so that the processes of a fleet do not
    /// probe at the same time.
    #[must_use]
    pub const fn open_for(mut self, time: Duration) -> Self {
        self.open_for = time;
        self
    }

    /// Sets the longest time that the breaker stays open, before that fifth (60 s). The time doubles whenever the probes fail. If the
    /// maximum is less than `open_for`, the time does not grow.
    #[must_use]
    pub const fn max_open(mut self, time: Duration) -> Self {
        self.max_open = time;
        self
    }

    /// Sets the number of calls that a half-open breaker admits as probes, in all and at a time (3). It closes once all have ended,
    /// and opens again as soon as too many of them failed or were slow for their rate.
    #[must_use]
    pub const fn probes(mut self, probes: NonZeroU32) -> Self {
        self.probes = probes;
        self
    }

    /// Sets the time after which probes that have not ended are replaced by new ones (30 s). Their results no longer count.
    #[must_use]
    pub const fn probe_timeout(mut self, time: Duration) -> Self {
        self.probe_timeout = time;
        self
    }

    /// Counts a call whose future is dropped before its end as a failure (it is ignored).
    #[must_use]
    pub const fn cancelled_is_failure(mut self) -> Self {
        self.cancelled_is_failure = true;
        self
    }
}

#[cfg(feature = "settings")]
impl Settings {
    /// Turns off opening by slow calls.
    pub(crate) fn without_slow_rate(self) -> Self {
        Self { slow_rate: None, ..self }
    }

    /// Counts a call whose future is dropped before its end as a failure, or not at all.
    pub(crate) fn with_cancelled_as_failure(self, is_failure: bool) -> Self {
        Self { cancelled_is_failure: is_failure, ..self }
    }
}

impl Settings {
    /// Returns the failures in a row that open the breaker with this number of calls in the window.
    pub(super) fn failures_in_a_row(&self, calls: u64) -> Option<u32> {
        match self.failure_threshold {
            FailureThreshold::ByCalls if calls < self.enough_calls() => Some(FEW_CALLS),
            FailureThreshold::ByCalls => Some(MANY_CALLS),
            FailureThreshold::Fixed(failures) => Some(failures.get()),
            FailureThreshold::Off => None,
        }
    }

    /// Returns the calls in the window that are enough for a rate.
    pub(super) fn enough_calls(&self) -> u64 {
        let calls = self.min_calls.unwrap_or(MIN_CALLS);
        u64::from(match self.window {
            Window::Count(all) => calls.min(all).get(),
            Window::Time(_) => calls.get(),
        })
    }

    /// Returns a sentence for each contradiction, the same that attributes refuse.
    #[cfg(any(feature = "registry", test))]
    pub(super) fn faults(&self) -> Vec<String> {
        let sentence = |contradiction| match contradiction {
            Contradiction::MinCalls { window, calls } => format!(
                "a window of {window} calls never holds the {calls} of `min_calls`, so {window} are enough: \
                 write `min_calls({window})` or less"
            ),
            Contradiction::NeverOpens => "nothing opens it: leave out one of `no_failure_threshold()` and \
                 `no_failure_rate()`, or set `slow_rate`"
                .to_owned(),
        };
        self.contradictions().map(sentence).collect()
    }

    /// Returns the contradictions.
    #[cfg(any(feature = "registry", test))]
    pub(super) fn contradictions(&self) -> impl Iterator<Item = Contradiction> {
        let min_calls = match (self.window, self.min_calls) {
            (Window::Count(window), Some(calls)) if calls > window => Some(Contradiction::MinCalls { window, calls }),
            _ => None,
        };
        let has_no_cause =
            self.failure_threshold == FailureThreshold::Off && self.failure_rate.is_none() && self.slow_rate.is_none();
        min_calls.into_iter().chain(has_no_cause.then_some(Contradiction::NeverOpens))
    }
}

/// A contradiction in settings.
#[cfg(any(feature = "registry", test))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contradiction {
    /// A window that never holds as many calls as `min_calls` asks for.
    MinCalls { window: NonZeroU32, calls: NonZeroU32 },
    /// Settings by which nothing opens the breaker.
    NeverOpens,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
