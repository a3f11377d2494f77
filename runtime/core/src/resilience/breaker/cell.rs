//! One breaker's state, shared by all its callers.
//!
//! The decisions are [`Machine`]'s, which stands under a lock together with the counts of calls that were not good. What
//! most calls need of it is published in one word, the [`Gate`]: whether calls may be made, the generation that they belong
//! to, and whether a success changes anything. So a good call through a closed breaker is two loads of that word and an
//! addition to a counter of its own thread, and a rejection is two loads and a clock.
//!
//! Invariants:
//! - the gate is written under the lock only, after `until`, so who sees it open sees until when;
//! - nothing but numbers is under the lock: no code of the user's runs there, and nobody is told of an event;
//! - the counts of a generation are never mixed with another's ([`window`](super::window)).

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use crate::clock::{Clock, nanos};
use crate::stats::Counter;
use crate::sync::atomic::AtomicU64;
use crate::sync::{Mutex, lock};

use super::super::error::{Reason, Rejected};
use super::events::EventLog;
use super::gate::{ADMITS, DISABLED, Gate, OPEN, QUIET, TIMED};
use super::settings::Settings;
use super::snapshot::Calls;
use super::state::{Admission, Change, Ending, Machine, Phase, State, Tally};
use super::verdict::Verdict;
use super::window::{Good, Other, Others, Spread};

#[derive(Debug)]
pub(super) struct Cell {
    pub(super) name: Arc<str>,
    pub(super) settings: Settings,
    pub(super) events: Arc<EventLog>,
    clock: Clock,
    gate: AtomicU64,
    /// When an open breaker may be probed. Published with the gate.
    until: AtomicU64,
    /// Its lock orders all changes. The events' lock may be taken under it, and no other.
    core: Mutex<Core>,
    good: Good,
    counts: Counts,
}

#[derive(Debug)]
struct Core {
    machine: Machine,
    others: Others,
}

#[derive(Debug, Default)]
struct Counts {
    slow: Counter,
    slow_successes: Counter,
    failures: Counter,
    ignored: Counter,
    cancelled: Counter,
    rejected: Counter,
}

/// What is known of a breaker at one moment.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) state: State,
    pub(super) window: Tally,
    pub(super) retry_after: Option<Duration>,
    pub(super) calls: Calls,
}

impl Cell {
    pub(super) fn new(name: Arc<str>, settings: Settings, clock: Clock, spread: Spread, events: Arc<EventLog>) -> Self {
        // Good calls are counted by the coarse time. Without a ticker it still moves with every other call.
        clock.ensure_ticking();
        let machine = Machine::new();
        Self {
            gate: AtomicU64::new(Gate::new(&machine, &settings).word()),
            until: AtomicU64::new(0),
            good: Good::new(settings.window, spread),
            core: Mutex::new(Core { machine, others: Others::new(settings.window) }),
            counts: Counts::default(),
            name,
            settings,
            events,
            clock,
        }
    }

    /// Returns whether no call was made, rejected or cancelled, and the state is the first one.
    pub(super) fn is_unused(&self) -> bool {
        self.gate() == Gate::new(&Machine::new(), &self.settings) && self.reading().calls == Calls::default()
    }

    /// Sets the clock of a cell that [is unused](Self::is_unused): counts carry stamps of the clock that they were made by.
    pub(super) fn set_clock(&mut self, clock: Clock) {
        clock.ensure_ticking();
        self.clock = clock;
    }

    #[inline]
    fn gate(&self) -> Gate {
        Gate::from_word(self.gate.load(Acquire))
    }

    /// Asks for a call to be made; each one that is granted must end in [`settle`](Self::settle) or
    /// [`cancel`](Self::cancel).
    #[inline]
    pub(super) fn admit(&self) -> Result<Gate, Rejected> {
        let gate = self.gate();
        if gate.is(ADMITS) { Ok(gate) } else { self.admit_carefully(gate) }
    }

    #[cold]
    fn admit_carefully(&self, gate: Gate) -> Result<Gate, Rejected> {
        let now = self.clock.now();
        let until = self.until.load(Relaxed);
        if gate.is(OPEN) && now < until {
            return Err(self.rejected(Some(until - now)));
        }
        let (admission, gate) = self.change(now, |core| core.machine.admit(&self.settings, now));
        match admission {
            Admission::Granted { .. } => Ok(gate),
            Admission::Refused { retry_after } => Err(self.rejected(retry_after)),
        }
    }

    fn rejected(&self, retry_after: Option<u64>) -> Rejected {
        self.counts.rejected.count();
        Rejected::new(&self.name, Reason::Open, retry_after.map(Duration::from_nanos))
    }

    /// When a call begins, if anybody is going to ask.
    #[inline]
    pub(super) fn started(&self, admitted: Gate) -> u64 {
        if admitted.is(TIMED) { self.precise() } else { 0 }
    }

    /// Out of line, to keep the way of most calls short.
    #[inline(never)]
    fn precise(&self) -> u64 {
        self.clock.now()
    }

    /// Takes note of how a call ended.
    #[inline]
    pub(super) fn settle(&self, admitted: Gate, started: u64, verdict: Verdict) {
        if verdict == Verdict::Success && admitted.is_plain() && admitted == self.gate() {
            self.good.add(admitted.generation(), self.clock.coarse());
        } else {
            self.settle_timed(admitted, started, verdict);
        }
    }

    #[inline(never)]
    fn settle_timed(&self, admitted: Gate, started: u64, verdict: Verdict) {
        let slow = match self.settings.slow_rate {
            None => false,
            Some((_, slow)) => self.clock.now().saturating_sub(started) >= nanos(slow),
        };
        if verdict == Verdict::Success && !slow && admitted.is(QUIET) && admitted == self.gate() {
            self.good.add(admitted.generation(), self.clock.coarse());
        } else {
            self.settle_carefully(admitted, slow, verdict);
        }
    }

    /// A call was dropped before its end.
    #[cold]
    pub(super) fn cancel(&self, admitted: Gate, started: u64) {
        if self.settings.cancelled_is_failure {
            self.settle(admitted, started, Verdict::Failure);
        } else {
            self.cancel_unmade(admitted);
        }
    }

    /// A call was dropped while it waited to be made, which is no failure whatever the settings say.
    #[cold]
    pub(super) fn cancel_unmade(&self, admitted: Gate) {
        if !admitted.is(DISABLED) {
            self.counts.cancelled.count();
            self.conclude(admitted.generation(), Ending::Neither);
        }
    }

    #[cold]
    fn settle_carefully(&self, admitted: Gate, slow: bool, verdict: Verdict) {
        if admitted.is(DISABLED) {
            return;
        }
        self.counts.slow.add(u64::from(slow));
        let ending = match verdict {
            Verdict::Success => Ending::Success { slow },
            Verdict::Failure => {
                self.counts.failures.count();
                Ending::Failure { slow }
            }
            Verdict::Ignored => {
                self.counts.ignored.count();
                Ending::Neither
            }
        };
        self.conclude(admitted.generation(), ending);
    }

    fn conclude(&self, generation: u32, ending: Ending) {
        let now = self.clock.now();
        let draw = fastrand::f64();
        self.change(now, |core| {
            let tally = self.count(core, generation, ending, now);
            ((), core.machine.settle(&self.settings, (generation, ending), tally, (now, draw)))
        });
    }

    /// Counts a call that takes the long way, and says what is then known of the window, where that matters.
    fn count(&self, core: &mut Core, generation: u32, ending: Ending, now: u64) -> Tally {
        let current = generation == core.machine.generation;
        let other = match ending {
            Ending::Neither => return Tally::default(),
            Ending::Success { slow: false } => {
                // Counted there also if it is too late to matter, because the total is kept there.
                self.good.add(generation, now);
                return Tally::default();
            }
            Ending::Success { slow: true } => {
                self.counts.slow_successes.count();
                Other { failed: false, slow: true }
            }
            Ending::Failure { slow } => Other { failed: true, slow },
        };
        if !current {
            return Tally::default();
        }
        core.others.add(&self.good, generation, now, other);
        core.others.tally(&self.good, generation, now)
    }

    /// Changes the state under the lock, publishes it, and tells who listens.
    fn change<T>(&self, now: u64, step: impl FnOnce(&mut Core) -> (T, Option<Change>)) -> (T, Gate) {
        let mut core = lock(&self.core);
        let (outcome, change) = step(&mut core);
        if let Phase::Open { until } = core.machine.phase {
            self.until.store(until, Relaxed);
        }
        let gate = Gate::new(&core.machine, &self.settings);
        self.gate.store(gate.word(), Release);
        if let Some(change) = change {
            // Under the lock, so that events have the order of the changes.
            self.events.record(&self.name, change, now);
        }
        drop(core);
        if let Some(change) = change {
            self.events.announce(&self.name, change);
        }
        (outcome, gate)
    }

    pub(super) fn force(&self, phase: Phase) {
        let now = self.clock.now();
        self.change(now, |core| ((), core.machine.force(phase)));
    }

    /// Whether it can be forgotten without forgetting that something does not work.
    pub(super) fn is_closed(&self) -> bool {
        self.gate().is(ADMITS)
    }

    /// Tells whether nothing is lost with it: it is closed, or its time to be open or to probe is up.
    pub(super) fn may_be_forgotten(&self) -> bool {
        let now = self.clock.now();
        match lock(&self.core).machine.phase {
            Phase::Closed { .. } => true,
            Phase::Open { until } => until <= now,
            Phase::HalfOpen { deadline, .. } => deadline <= now,
            Phase::ForcedOpen | Phase::ForcedClosed | Phase::Disabled => false,
        }
    }

    pub(super) fn state(&self) -> State {
        lock(&self.core).machine.phase.state()
    }

    /// Whether what is published is the state, while nobody changes it.
    #[cfg(all(test, fastness_loom))]
    pub(super) fn agrees(&self) -> bool {
        let machine = lock(&self.core).machine;
        self.gate() == Gate::new(&machine, &self.settings)
            && !matches!(machine.phase, Phase::Open { until } if until != self.until.load(Relaxed))
    }

    pub(super) fn reading(&self) -> Reading {
        let now = self.clock.now();
        let (machine, window) = {
            let core = &mut *lock(&self.core);
            (core.machine, core.others.tally(&self.good, core.machine.generation, now))
        };
        let counts = &self.counts;
        Reading {
            state: machine.phase.state(),
            window,
            retry_after: match machine.phase {
                Phase::Open { until } => Some(Duration::from_nanos(until.saturating_sub(now))),
                _ => None,
            },
            calls: Calls {
                successes: self.good.total() + counts.slow_successes.get(),
                failures: counts.failures.get(),
                slow: counts.slow.get(),
                ignored: counts.ignored.get(),
                cancelled: counts.cancelled.get(),
                rejected: counts.rejected.get(),
            },
        }
    }
}
