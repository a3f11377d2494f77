//! The state of one breaker, shared by all its callers.
//!
//! [`Machine`] decides, under a lock together with the counts of calls that were not good. The part that most calls need is
//! published in one word, the [`PublishedState`]: whether calls may be made, the generation that they belong to, and whether a success
//! changes anything. So a good call through a closed breaker is two loads of that word and an addition to a counter of its own
//! thread, and a rejection is two loads and a reading of the clock.
//!
//! Invariants:
//! - the published state is written only under the lock, after `until`, so a thread that sees it open sees the end of that state;
//! - only arithmetic runs under the lock, and events go to their queues: no user code, and no waking of subscribers;
//! - the counts of a generation are never mixed with those of another ([`window`](super::window)).

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use crate::clock::{Clock, nanos};
use crate::stats::Counter;
use crate::sync::atomic::{AtomicBool, AtomicU64};
use crate::sync::{Mutex, lock};

use super::super::breaker_state::State;
use super::super::error::Rejected;
use super::super::reason::Reason;
use super::history::{History, announce};
use super::published::{ADMITS, DISABLED, OPEN, PublishedState, QUIET, TIMED};
use super::settings::Settings;
use super::snapshot::Calls;
use super::state::{Admission, Change, Ending, Machine, Phase, Tally};
use super::verdict::Verdict;
use super::window::{Good, Other, Others, Spread};

#[derive(Debug)]
pub(super) struct Cell {
    pub(super) name: Arc<str>,
    /// The settings that it was made with. Those in force are under the lock.
    pub(super) given: Settings,
    pub(super) history: Arc<History>,
    clock: Clock,
    published: AtomicU64,
    /// The time from which an open breaker may be probed, in nanoseconds. Published with that state.
    until: AtomicU64,
    /// The machine and its counts. The lock orders all changes; only the locks of events may be taken under it.
    core: Mutex<Core>,
    good: Good,
    counts: Counts,
    /// The parts of the settings in force that calls read without the lock: the duration from which a call is slow, in nanoseconds, and
    /// whether a call that is dropped has failed.
    slow: AtomicU64,
    cancelled_is_failure: AtomicBool,
}

#[derive(Debug)]
struct Core {
    machine: Machine,
    settings: Settings,
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

/// The figures of a breaker at one moment.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) state: State,
    pub(super) window: Tally,
    pub(super) retry_after: Option<Duration>,
    pub(super) calls: Calls,
}

impl Cell {
    pub(super) fn new(name: Arc<str>, settings: Settings, clock: Clock, spread: Spread, history: Arc<History>) -> Self {
        // Good calls are counted by the coarse time. Without a ticker, only calls that are not good move it.
        clock.ensure_ticking();
        let machine = Machine::new();
        Self {
            published: AtomicU64::new(PublishedState::new(&machine, &settings).word()),
            until: AtomicU64::new(0),
            good: Good::new(settings.window, spread),
            core: Mutex::new(Core { machine, settings: settings.clone(), others: Others::new(settings.window) }),
            counts: Counts::default(),
            slow: AtomicU64::new(slow_from(&settings)),
            cancelled_is_failure: AtomicBool::new(settings.cancelled_is_failure),
            name,
            given: settings,
            history,
            clock,
        }
    }

    /// Returns whether no call was made, rejected or cancelled, and the state is the first one.
    pub(super) fn is_unused(&self) -> bool {
        self.published() == PublishedState::new(&Machine::new(), &self.settings())
            && self.reading().calls == Calls::default()
    }

    /// Sets the clock of a cell that [is unused](Self::is_unused): counts carry stamps of the clock that they were made by.
    pub(super) fn set_clock(&mut self, clock: Clock) {
        clock.ensure_ticking();
        self.clock = clock;
    }

    #[inline]
    fn published(&self) -> PublishedState {
        PublishedState::from_word(self.published.load(Acquire))
    }

    /// Admits a call or rejects it. Each admitted one must end in [`settle`](Self::settle) or
    /// [`cancel`](Self::cancel).
    #[inline]
    pub(super) fn admit(&self) -> Result<PublishedState, Rejected> {
        let published = self.published();
        if published.is(ADMITS) { Ok(published) } else { self.admit_carefully(published) }
    }

    #[cold]
    fn admit_carefully(&self, published: PublishedState) -> Result<PublishedState, Rejected> {
        let now = self.clock.now();
        let until = self.until.load(Relaxed);
        if published.is(OPEN) && now < until {
            return Err(self.rejected(Some(until - now)));
        }
        let (admission, published) = self.change(now, |core| core.machine.admit(&core.settings, now));
        match admission {
            Admission::Granted => Ok(published),
            Admission::Refused { retry_after } => Err(self.rejected(retry_after)),
        }
    }

    fn rejected(&self, retry_after: Option<u64>) -> Rejected {
        self.counts.rejected.count();
        Rejected::new(&self.name, Reason::Open, retry_after.map(Duration::from_nanos))
    }

    /// Returns the time when a call begins, or 0 if durations do not matter.
    #[inline]
    pub(super) fn started(&self, admitted: PublishedState) -> u64 {
        if admitted.is(TIMED) { self.precise() } else { 0 }
    }

    /// Returns the precise time. It is not inlined, to keep the path of most calls short.
    #[inline(never)]
    fn precise(&self) -> u64 {
        self.clock.now()
    }

    /// Counts the end of a call.
    #[inline]
    pub(super) fn settle(&self, admitted: PublishedState, started: u64, verdict: Verdict) {
        if verdict == Verdict::Success && admitted.is_plain() && admitted == self.published() {
            self.good.add(admitted.generation(), self.clock.coarse());
        } else {
            self.settle_timed(admitted, started, verdict);
        }
    }

    #[inline(never)]
    fn settle_timed(&self, admitted: PublishedState, started: u64, verdict: Verdict) {
        // A call that began before settings asked for its duration has none.
        let slow = admitted.is(TIMED) && self.clock.now().saturating_sub(started) >= self.slow.load(Relaxed);
        if verdict == Verdict::Success && !slow && admitted.is(QUIET) && admitted == self.published() {
            self.good.add(admitted.generation(), self.clock.coarse());
        } else {
            self.settle_carefully(admitted, slow, verdict);
        }
    }

    /// Counts a call that was dropped before its end.
    #[cold]
    pub(super) fn cancel(&self, admitted: PublishedState, started: u64) {
        if self.cancelled_is_failure.load(Relaxed) {
            self.settle(admitted, started, Verdict::Failure);
        } else {
            self.cancel_unmade(admitted);
        }
    }

    /// Counts a call that was dropped while it waited to be made. It is never a failure, whatever the settings are.
    #[cold]
    pub(super) fn cancel_unmade(&self, admitted: PublishedState) {
        if !admitted.is(DISABLED) {
            self.counts.cancelled.count();
            self.conclude(admitted.generation(), Ending::Neither);
        }
    }

    #[cold]
    fn settle_carefully(&self, admitted: PublishedState, slow: bool, verdict: Verdict) {
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
            ((), core.machine.settle(&core.settings, (generation, ending), tally, (now, draw)))
        });
    }

    /// Counts a call under the lock, and returns the tally of the window if the decision needs it.
    fn count(&self, core: &mut Core, generation: u32, ending: Ending, now: u64) -> Tally {
        let current = generation == core.machine.generation;
        let other = match ending {
            Ending::Neither => return Tally::default(),
            Ending::Success { slow: false } => {
                // A late call is counted too, because the total is computed from these counts.
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

    /// Changes the state under the lock, publishes it, and notifies subscribers.
    fn change<T>(&self, now: u64, step: impl FnOnce(&mut Core) -> (T, Option<Change>)) -> (T, PublishedState) {
        let mut core = lock(&self.core);
        let (outcome, change) = step(&mut core);
        if let Phase::Open { until } = core.machine.phase {
            self.until.store(until, Relaxed);
        }
        let published = PublishedState::new(&core.machine, &core.settings);
        self.published.store(published.word(), Release);
        if let Some(change) = change {
            // Under the lock, so that events are in the order of the changes.
            self.history.record(&self.name, change, now);
        }
        drop(core);
        if let Some(change) = change {
            announce(&self.name, change);
        }
        (outcome, published)
    }

    /// Returns the settings in force.
    pub(super) fn settings(&self) -> Settings {
        lock(&self.core).settings.clone()
    }

    /// Puts other settings in force. The state and all counts stay, and so does the end of a time open; but probes that have ended may be
    /// enough now.
    #[cfg(feature = "settings")]
    pub(super) fn set_settings(&self, settings: Settings) {
        let now = self.clock.now();
        let draw = fastrand::f64();
        self.change(now, |core| {
            self.slow.store(slow_from(&settings), Relaxed);
            self.cancelled_is_failure.store(settings.cancelled_is_failure, Relaxed);
            let change = core.machine.judge_again(&settings, (now, draw));
            core.settings = settings;
            ((), change)
        });
    }

    pub(super) fn force(&self, phase: Phase) {
        let now = self.clock.now();
        self.change(now, |core| ((), core.machine.force(phase)));
    }

    /// Returns whether the breaker is closed by its own decision, so that neither a known fault nor an operator's setting is lost with it.
    pub(super) fn is_closed(&self) -> bool {
        self.state() == State::Closed
    }

    /// Returns whether the breaker can be dropped without loss: it is closed, or its time to be open or to probe is up.
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

    /// Returns whether the published state is that of the machine. Call it while no thread changes the state.
    #[cfg(all(test, fastness_loom))]
    pub(super) fn agrees(&self) -> bool {
        let core = lock(&self.core);
        let machine = core.machine;
        self.published() == PublishedState::new(&machine, &core.settings)
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

/// Returns the duration from which a call is slow, in nanoseconds; the largest number where none is.
fn slow_from(settings: &Settings) -> u64 {
    settings.slow_rate.map_or(u64::MAX, |(_, slow)| nanos(slow))
}
