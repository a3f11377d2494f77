//! What a breaker decides. No clock, no lock, no counter: the time, the counts and the random draw come in as arguments.
//!
//! ```text
//!                 failures in a row, or a rate
//!        Closed ------------------------------> Open <------.
//!           ^                                    | time up  | too many probes failed:
//!           |  all probes ended, enough well     v          | open twice as long
//!           '-------------------------------- HalfOpen -----'
//! ```
//!
//! Invariants:
//! - every change of phase begins a new *generation*; a result of an older one changes nothing;
//! - half-open, `in_flight` and those that ended never exceed `probes`, and each reservation is given back exactly once: by its
//!   result, or by the deadline, which begins a new generation so that a result which comes after all is not taken twice;
//! - half-open never lasts: a call finds room, or the deadline of those under way passes.

use std::fmt;

use crate::clock::nanos;

use super::super::backoff::doubled;
use super::super::percent::Percent;
use super::settings::Settings;

/// The largest part of its time by which a breaker stays open for longer, at random.
const JITTER: f64 = 0.2;

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Calls are made, and counted.
    Closed,
    /// Calls are rejected, for a time.
    Open,
    /// A few calls are made, to see whether they succeed again.
    HalfOpen,
    /// Calls are rejected until somebody says otherwise.
    ForcedOpen,
    /// Calls are made and counted, and nothing opens the breaker until somebody says otherwise.
    ForcedClosed,
    /// Calls are made and nothing is counted, until somebody says otherwise.
    Disabled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Closed, Self::Open, Self::HalfOpen, Self::ForcedOpen, Self::ForcedClosed, Self::Disabled];

    /// Its name in metrics and on pages, such as `"half_open"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
            Self::Disabled => "disabled",
        }
    }
}

/// Why a breaker changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// So many calls in a row failed.
    FailuresInARow(u32),
    /// So many of the calls in the window failed.
    FailureRate {
        /// Calls that failed.
        failures: u64,
        /// Calls in the window.
        calls: u64,
    },
    /// So many of the calls in the window were slow.
    SlowRate {
        /// Calls that were slow.
        slow: u64,
        /// Calls in the window.
        calls: u64,
    },
    /// It was open for its time.
    TimeUp,
    /// The probes did not come back in time, and others take their place.
    ProbesLost,
    /// So many of the probes failed.
    ProbesFailed {
        /// Probes that failed.
        failures: u32,
        /// Probes in all.
        probes: u32,
    },
    /// So many of the probes were slow.
    ProbesSlow {
        /// Probes that were slow.
        slow: u32,
        /// Probes in all.
        probes: u32,
    },
    /// Enough of the probes succeeded.
    ProbesSucceeded,
    /// Somebody asked for it.
    Asked,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailuresInARow(1) => f.write_str("a call failed"),
            Self::FailuresInARow(calls) => write!(f, "{calls} calls in a row failed"),
            Self::FailureRate { failures, calls } => write!(f, "{failures} of the last {calls} calls failed"),
            Self::SlowRate { slow, calls } => write!(f, "{slow} of the last {calls} calls were slow"),
            Self::TimeUp => f.write_str("it was open for its time"),
            Self::ProbesLost => f.write_str("the probes did not end in time"),
            Self::ProbesFailed { failures, probes } => write!(f, "{failures} of {probes} probes failed"),
            Self::ProbesSlow { slow, probes } => write!(f, "{slow} of {probes} probes were slow"),
            Self::ProbesSucceeded => f.write_str("enough probes succeeded"),
            Self::Asked => f.write_str("somebody asked for it"),
        }
    }
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: State,
    pub(super) to: State,
    pub(super) cause: Cause,
}

/// What is known of the calls in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) calls: u64,
    pub(super) failures: u64,
    pub(super) slow: u64,
}

/// How a call ended, as far as the decision goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Success {
        slow: bool,
    },
    Failure {
        slow: bool,
    },
    /// Ignored or cancelled.
    Neither,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may, and its result belongs to this generation.
    Granted { generation: u32 },
    /// It may not; after so many nanoseconds another may, if that is known.
    Refused { retry_after: Option<u64> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Closed { failed_in_a_row: u32 },
    Open { until: u64 },
    HalfOpen { in_flight: u32, ended: Probes, deadline: u64 },
    ForcedOpen,
    ForcedClosed,
    Disabled,
}

/// Probes that ended since the breaker was open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Probes {
    pub(super) calls: u32,
    pub(super) failures: u32,
    pub(super) slow: u32,
}

/// The state of one breaker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Machine {
    pub(super) phase: Phase,
    pub(super) generation: u32,
    /// How often in a row probes failed: the exponent of the time that it stays open.
    reopened: u32,
}

impl Phase {
    pub(super) fn state(self) -> State {
        match self {
            Self::Closed { .. } => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
            Self::ForcedOpen => State::ForcedOpen,
            Self::ForcedClosed => State::ForcedClosed,
            Self::Disabled => State::Disabled,
        }
    }
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { phase: Phase::Closed { failed_in_a_row: 0 }, generation: 0, reopened: 0 }
    }

    /// Asks for a call to be made at `now`.
    pub(super) fn admit(&mut self, settings: &Settings, now: u64) -> (Admission, Option<Change>) {
        let deadline = now.saturating_add(nanos(settings.probe_timeout));
        let mut change = None;
        match &mut self.phase {
            Phase::Closed { .. } | Phase::ForcedClosed | Phase::Disabled => {}
            Phase::ForcedOpen => return (Admission::Refused { retry_after: None }, None),
            Phase::Open { until } if now < *until => {
                return (Admission::Refused { retry_after: Some(*until - now) }, None);
            }
            Phase::Open { .. } => {
                change = Some(
                    self.enter(Phase::HalfOpen { in_flight: 1, ended: Probes::default(), deadline }, Cause::TimeUp),
                );
            }
            Phase::HalfOpen { in_flight, ended, deadline: last }
                if in_flight.saturating_add(ended.calls) < settings.probes.get() =>
            {
                *in_flight += 1;
                *last = deadline;
            }
            Phase::HalfOpen { deadline, .. } if now < *deadline => {
                let retry_after = (*deadline - now).min(nanos(settings.open_for));
                return (Admission::Refused { retry_after: Some(retry_after) }, None);
            }
            &mut Phase::HalfOpen { ended, .. } => {
                change = Some(self.enter(Phase::HalfOpen { in_flight: 1, ended, deadline }, Cause::ProbesLost));
            }
        }
        (Admission::Granted { generation: self.generation }, change)
    }

    /// Takes note of how a call of this generation ended. `tally` is of the window with this call in it; `draw` is from 0
    /// to 1, at random.
    pub(super) fn settle(
        &mut self,
        settings: &Settings,
        (generation, ending): (u32, Ending),
        tally: Tally,
        (now, draw): (u64, f64),
    ) -> Option<Change> {
        if generation != self.generation {
            return None;
        }
        match &mut self.phase {
            Phase::Closed { failed_in_a_row } => {
                match ending {
                    Ending::Success { .. } => *failed_in_a_row = 0,
                    Ending::Failure { .. } => *failed_in_a_row = failed_in_a_row.saturating_add(1),
                    Ending::Neither => return None,
                }
                let cause = opens(settings, *failed_in_a_row, tally)?;
                Some(self.open(settings, cause, now, draw))
            }
            Phase::HalfOpen { in_flight, ended, .. } => {
                *in_flight = in_flight.saturating_sub(1);
                let (failed, slow) = match ending {
                    Ending::Neither => return None,
                    Ending::Success { slow } => (false, slow),
                    Ending::Failure { slow } => (true, slow),
                };
                ended.calls += 1;
                ended.failures += u32::from(failed);
                ended.slow += u32::from(slow);
                let ended = *ended;
                if let Some(cause) = opens_again(settings, ended) {
                    self.reopened = self.reopened.saturating_add(1);
                    return Some(self.open(settings, cause, now, draw));
                }
                (ended.calls >= settings.probes.get()).then(|| self.close(Cause::ProbesSucceeded))
            }
            Phase::Open { .. } | Phase::ForcedOpen | Phase::ForcedClosed | Phase::Disabled => None,
        }
    }

    /// Does what somebody asked for; [`State::Closed`] stands for "decide by yourself, from the start".
    pub(super) fn force(&mut self, phase: Phase) -> Option<Change> {
        let is_the_same = phase.state() == self.phase.state();
        if is_the_same && phase.state() != State::Closed {
            return None;
        }
        self.reopened = 0;
        let change = self.enter(phase, Cause::Asked);
        // From closed to closed nothing changes but what was counted.
        (!is_the_same).then_some(change)
    }

    fn open(&mut self, settings: &Settings, cause: Cause, now: u64, draw: f64) -> Change {
        let until = now.saturating_add(time_open(settings, self.reopened, draw));
        self.enter(Phase::Open { until }, cause)
    }

    fn close(&mut self, cause: Cause) -> Change {
        self.reopened = 0;
        self.enter(Phase::Closed { failed_in_a_row: 0 }, cause)
    }

    fn enter(&mut self, phase: Phase, cause: Cause) -> Change {
        let from = self.phase.state();
        self.phase = phase;
        self.generation = self.generation.wrapping_add(1);
        Change { from, to: phase.state(), cause }
    }
}

/// Whether a closed breaker has to open, and why.
fn opens(settings: &Settings, failed_in_a_row: u32, tally: Tally) -> Option<Cause> {
    let Tally { calls, failures, slow } = tally;
    if settings.failures_in_a_row(calls).is_some_and(|threshold| failed_in_a_row >= threshold) {
        return Some(Cause::FailuresInARow(failed_in_a_row));
    }
    if calls < settings.enough_calls() {
        return None;
    }
    if settings.failure_rate.is_some_and(|rate| rate.reached(failures, calls)) {
        return Some(Cause::FailureRate { failures, calls });
    }
    let too_slow = settings.slow_rate.is_some_and(|(rate, _)| rate.reached(slow, calls));
    too_slow.then_some(Cause::SlowRate { slow, calls })
}

/// Returns whether a half-open breaker has to open again, and why: as soon as the share of all probes is certain.
fn opens_again(settings: &Settings, ended: Probes) -> Option<Cause> {
    let Probes { failures, slow, .. } = ended;
    let probes = settings.probes.get();
    let reached = |rate: Percent, part: u32| part > 0 && rate.reached(part.into(), probes.into());
    // Where no rate says what is too many, one is.
    if settings.failure_rate.map_or(failures > 0, |rate| reached(rate, failures)) {
        return Some(Cause::ProbesFailed { failures, probes });
    }
    let too_slow = settings.slow_rate.is_some_and(|(rate, _)| reached(rate, slow));
    too_slow.then_some(Cause::ProbesSlow { slow, probes })
}

/// In nanoseconds.
fn time_open(settings: &Settings, reopened: u32, draw: f64) -> u64 {
    let longest = settings.max_open.max(settings.open_for);
    let time = nanos(doubled(settings.open_for, reopened, longest));
    // Exactness is not the point of a random part.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let extra = (time as f64 * JITTER * draw) as u64;
    time.saturating_add(extra)
}

#[cfg(test)]
mod tests;
