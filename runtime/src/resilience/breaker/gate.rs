//! What calls need to know of a breaker, in one word.

use super::settings::BreakerSettings;
use super::state::{Machine, Phase};

/// What is published of the machine: the generation above, these flags below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gate(u64);

/// Calls may be made without asking the machine.
pub(super) const ADMITS: u64 = 1;
/// A success changes nothing but the counts.
pub(super) const QUIET: u64 = 2;
/// Calls are rejected until a time that is known.
pub(super) const OPEN: u64 = 4;
/// Nothing is counted.
pub(super) const DISABLED: u64 = 8;
/// How long calls take matters.
pub(super) const TIMED: u64 = 16;

impl Gate {
    pub(super) fn of(machine: &Machine, settings: &BreakerSettings) -> Self {
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

    /// Whether a success only has to be counted.
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
