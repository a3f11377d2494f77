//! The default rules of the circuit breakers of other libraries, each in a few lines.

use std::collections::VecDeque;
use std::time::Duration;

use super::Rule;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Closed, open until a time, or half-open with the numbers of calls that ended and that failed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Closed,
    Open(Duration),
    HalfOpen(u32, u32),
}

impl Phase {
    fn admits(&mut self, now: Duration) -> bool {
        if matches!(self, Self::Open(until) if *until <= now) {
            *self = Self::HalfOpen(0, 0);
        }
        !matches!(self, Self::Open(_))
    }

    fn open(&mut self, now: Duration, time: Duration) -> bool {
        *self = Self::Open(now + time);
        true
    }

    /// Judges half-open calls by their share of failures, once this many have ended.
    fn probed(&mut self, failed: bool, probes: u32, now: Duration, time: Duration) -> bool {
        let Self::HalfOpen(ended, failures) = self else { return false };
        (*ended, *failures) = (*ended + 1, *failures + u32::from(failed));
        if *ended < probes {
            return false;
        }
        if *failures * 2 >= probes {
            return self.open(now, time);
        }
        *self = Self::Closed;
        false
    }
}

/// Resilience4j: opens when half of the last 100 calls failed, stays open for 60 s, and admits ten calls half-open, of which fewer than
/// half may fail.
#[derive(Debug)]
pub(super) struct Resilience4j {
    phase: Phase,
    last: VecDeque<bool>,
}

impl Default for Resilience4j {
    fn default() -> Self {
        Self { phase: Phase::Closed, last: VecDeque::new() }
    }
}

impl Rule for Resilience4j {
    fn admits(&mut self, now: Duration) -> bool {
        self.phase.admits(now)
    }

    fn ended(&mut self, now: Duration, failed: bool) -> bool {
        if self.phase != Phase::Closed {
            return self.phase.probed(failed, 10, now, seconds(60));
        }
        self.last.push_back(failed);
        if self.last.len() > 100 {
            self.last.pop_front();
        }
        let opens = self.last.len() == 100 && self.last.iter().filter(|failed| **failed).count() >= 50;
        if opens {
            self.last.clear();
            self.phase.open(now, seconds(60));
        }
        opens
    }

    fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }
}

/// Polly: opens when a tenth of at least 100 calls of the last 30 s failed, in ten slices, judged after a failure; stays open for 5 s, and
/// admits one call half-open.
#[derive(Debug)]
pub(super) struct Polly {
    phase: Phase,
    /// Slice, calls, failures.
    slices: VecDeque<(u128, u32, u32)>,
}

impl Default for Polly {
    fn default() -> Self {
        Self { phase: Phase::Closed, slices: VecDeque::new() }
    }
}

impl Rule for Polly {
    fn admits(&mut self, now: Duration) -> bool {
        self.phase.admits(now)
    }

    fn ended(&mut self, now: Duration, failed: bool) -> bool {
        if self.phase != Phase::Closed {
            return self.phase.probed(failed, 1, now, seconds(5));
        }
        let slice = now.as_millis() / 3_000;
        if self.slices.back().is_none_or(|last| last.0 != slice) {
            self.slices.push_back((slice, 0, 0));
        }
        self.slices.retain(|one| one.0 + 10 > slice);
        let last = self.slices.back_mut().expect("it is there");
        (last.1, last.2) = (last.1 + 1, last.2 + u32::from(failed));
        let (calls, failures) = self.slices.iter().fold((0, 0), |sum, one| (sum.0 + one.1, sum.1 + one.2));
        let opens = failed && calls >= 100 && failures * 10 >= calls;
        if opens {
            self.slices.clear();
            self.phase.open(now, seconds(5));
        }
        opens
    }

    fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }
}

/// failsafe-go: opens at one failure, stays open for 60 s, and admits one call half-open.
#[derive(Debug)]
pub(super) struct FailsafeGo {
    phase: Phase,
}

impl Default for FailsafeGo {
    fn default() -> Self {
        Self { phase: Phase::Closed }
    }
}

impl Rule for FailsafeGo {
    fn admits(&mut self, now: Duration) -> bool {
        self.phase.admits(now)
    }

    fn ended(&mut self, now: Duration, failed: bool) -> bool {
        match self.phase {
            Phase::Closed => failed && self.phase.open(now, seconds(60)),
            _ => self.phase.probed(failed, 1, now, seconds(60)),
        }
    }

    fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }
}
