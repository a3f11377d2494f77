//! The published state: the part of a breaker's state that every call reads, in one word.

use super::settings::Settings;
use super::state::{Machine, Phase};

/// The published part of the machine: the generation in the upper 32 bits, flags in the lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PublishedState(u64);

/// Flag: calls may be made without the lock.
pub(super) const ADMITS: u64 = 1;
/// Flag: a success changes only the counts.
pub(super) const QUIET: u64 = 2;
/// Flag: calls are rejected until a known time.
pub(super) const OPEN: u64 = 4;
/// Flag: no call is counted.
pub(super) const DISABLED: u64 = 8;
/// Flag: calls are timed.
pub(super) const TIMED: u64 = 16;

impl PublishedState {
    pub(super) fn new(machine: &Machine, settings: &Settings) -> Self {
        let timed = if settings.slow_rate.is_some() { TIMED } else { 0 };
        let flags = match machine.phase {
            Phase::Closed { failed_in_a_row: 0 } | Phase::ForcedClosed => ADMITS | QUIET,
            Phase::Closed { .. } => ADMITS,
            Phase::Disabled => ADMITS | DISABLED,
            Phase::Open { .. } => OPEN,
            Phase::HalfOpen { .. } | Phase::ForcedOpen => 0,
        };
        Self(u64::from(machine.generation) << 32 | flags | timed)
    }

    /// Returns whether a success only has to be counted.
    pub(super) fn is_plain(self) -> bool {
        self.0 & (QUIET | TIMED) == QUIET
    }

    #[allow(clippy::cast_possible_truncation)] // 64 less 32 bits
    pub(super) fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(super) fn is(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    pub(super) fn from_word(word: u64) -> Self {
        Self(word)
    }

    pub(super) fn word(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::percent::Percent;
    use super::super::state::Probes;
    use super::*;

    fn published(phase: Phase, settings: &Settings) -> PublishedState {
        let mut machine = Machine::new();
        machine.phase = phase;
        PublishedState::new(&machine, settings)
    }

    #[test]
    fn a_success_that_only_counts_is_plain() {
        let plain = Settings::new();
        let timed = Settings::new().slow_rate(Percent::new(50), Duration::ZERO);
        for (phase, expected) in [
            (Phase::Closed { failed_in_a_row: 0 }, true),
            (Phase::ForcedClosed, true),
            (Phase::Closed { failed_in_a_row: 1 }, false),
            (Phase::Disabled, false),
            (Phase::Open { until: 1 }, false),
            (Phase::HalfOpen { in_flight: 0, ended: Probes::default(), deadline: 1 }, false),
            (Phase::ForcedOpen, false),
        ] {
            assert_eq!(published(phase, &plain).is_plain(), expected, "{phase:?}");
            assert!(!published(phase, &timed).is_plain() && published(phase, &timed).is(TIMED), "{phase:?}");
            assert!(!published(phase, &plain).is(TIMED));
        }
    }

    #[test]
    fn a_published_state_has_the_flags_and_the_generation() {
        let settings = Settings::new();
        let flags = |phase| [ADMITS, OPEN, DISABLED].map(|flag| published(phase, &settings).is(flag));
        assert_eq!(flags(Phase::Closed { failed_in_a_row: 1 }), [true, false, false]);
        assert_eq!(flags(Phase::Open { until: 1 }), [false, true, false]);
        assert_eq!(flags(Phase::Disabled), [true, false, true]);
        assert_eq!(flags(Phase::ForcedOpen), [false; 3]);
        let mut machine = Machine::new();
        machine.generation = u32::MAX;
        let late = PublishedState::new(&machine, &settings);
        assert_eq!((late.generation(), PublishedState::from_word(late.word())), (u32::MAX, late));
    }
}
