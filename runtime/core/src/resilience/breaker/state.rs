//! The decisions of a breaker, without clock, lock or counter: time, counts and the random draw are arguments.
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
//! - half-open, `in_flight` and the ended probes together never exceed the largest `probes` of that time, and each reservation is released
//!   exactly once: by its result, or by the deadline, which begins a new generation so that a late result is not counted twice;
//! - half-open always ends: a call finds room, or the deadline of the probes in flight passes.

use crate::clock::nanos;

use super::super::backoff::doubled;
use super::super::breaker_state::{Cause, State};
use super::super::percent::Percent;
use super::settings::Settings;

/// The largest random extension of the time open, as a share of it.
const JITTER: f64 = 0.2;

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: State,
    pub(super) to: State,
    pub(super) cause: Cause,
}

/// The counts of the calls in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) calls: u64,
    pub(super) failures: u64,
    pub(super) slow: u64,
}

/// The end of a call, as far as the decision depends on it.
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

/// The decision whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// The call may be made.
    Granted,
    /// The call may not be made. The time after which the next one may is in nanoseconds, if it is known.
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

/// The probes that ended since the breaker was open.
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
    /// The number of times in a row that probes failed: the exponent of the time open.
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

    /// Admits or rejects a call at `now`, in nanoseconds.
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
        (Admission::Granted, change)
    }

    /// Processes the end of a call of this generation. `tally` counts the window with this call in it; `draw` is a random number from 0
    /// to 1.
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
                self.judge_probes(settings, ended, (now, draw))
            }
            Phase::Open { .. } | Phase::ForcedOpen | Phase::ForcedClosed | Phase::Disabled => None,
        }
    }

    /// Judges the probes that have ended by other settings, which may ask for fewer.
    #[cfg(feature = "settings")]
    pub(super) fn judge_again(&mut self, settings: &Settings, (now, draw): (u64, f64)) -> Option<Change> {
        let Phase::HalfOpen { ended, .. } = self.phase else { return None };
        self.judge_probes(settings, ended, (now, draw))
    }

    fn judge_probes(&mut self, settings: &Settings, ended: Probes, (now, draw): (u64, f64)) -> Option<Change> {
        if let Some(cause) = opens_again(settings, ended) {
            self.reopened = self.reopened.saturating_add(1);
            return Some(self.open(settings, cause, now, draw));
        }
        (ended.calls >= settings.probes.get()).then(|| self.close(Cause::ProbesSucceeded))
    }

    /// Forces a phase; [`State::Closed`] means to decide again, from the start.
    pub(super) fn force(&mut self, phase: Phase) -> Option<Change> {
        let is_the_same = phase.state() == self.phase.state();
        if is_the_same && phase.state() != State::Closed {
            return None;
        }
        self.reopened = 0;
        let change = self.enter(phase, Cause::Forced);
        // From closed to closed only the counts change.
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

/// Returns the cause for which a closed breaker has to open, if any.
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

/// Returns the cause for which a half-open breaker has to open again, as soon as the share of all probes is certain.
fn opens_again(settings: &Settings, ended: Probes) -> Option<Cause> {
    let Probes { failures, slow, .. } = ended;
    let probes = settings.probes.get();
    let reached = |rate: Percent, part: u32| part > 0 && rate.reached(part.into(), probes.into());
    // Without a rate, one failed probe is too many.
    if settings.failure_rate.map_or(failures > 0, |rate| reached(rate, failures)) {
        return Some(Cause::ProbesFailed { failures, probes });
    }
    let too_slow = settings.slow_rate.is_some_and(|(rate, _)| reached(rate, slow));
    too_slow.then_some(Cause::ProbesSlow { slow, probes })
}

/// Returns the random time open, in nanoseconds.
fn time_open(settings: &Settings, reopened: u32, draw: f64) -> u64 {
    let longest = settings.max_open.max(settings.open_for);
    let time = nanos(doubled(settings.open_for, reopened, longest));
    // A random part need not be exact.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let extra = (time as f64 * JITTER * draw) as u64;
    time.saturating_add(extra)
}

#[cfg(test)]
mod tests;
