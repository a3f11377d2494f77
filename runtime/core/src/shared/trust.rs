//! The bound on the age of entries while the log is out of reach.
//!
//! A heartbeat that was answered proves that all records appended before it was *sent* are folded. Once the last such time is longer ago
//! than `max_stale`, entries whose load began more than `max_stale` ago are no longer served. Younger ones may be, because no invalidation
//! can have concerned them for longer than that. So a process that lost its connection keeps a small, young cache and joins young loads
//! instead of overloading the origin, and stays within the bound.
//!
//! The bound is checked on the clock's thread, so that it holds even if the runtime is too busy to notice the silence.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use crate::clock::{Tick, nanos};
use crate::events::{CacheEvent, CacheEventKind, ResetCause};
use crate::log::{Epoch, Log};
use crate::sync::{Mutex, lock};

/// Number of samples within the bound: the more, the fewer entries are dropped too early.
const SAMPLES: u64 = 32;
/// Longest pause between heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The longest time for which a master is used without a confirmation.
const LEASE: Duration = Duration::from_secs(3);
/// Safety margin of two clock ticks, because the bound is checked at ticks only.
const MARGIN: Duration = Duration::from_millis(20);

/// Time of the last answered heartbeat, and the epochs of the recent past.
pub(crate) struct Trust {
    log: Arc<Log>,
    /// The maximum age of a load while heartbeats are not answered, in nanoseconds.
    bound: u64,
    /// The time at which the last answered heartbeat was sent.
    answered: AtomicU64,
    next_sample: AtomicU64,
    samples: Mutex<VecDeque<(u64, Epoch)>>,
    /// True while the bound is exceeded.
    is_silent: AtomicBool,
}

impl Trust {
    /// Starts the bound at `now`. Loads before the first tick count as young.
    pub(crate) fn new(log: Arc<Log>, bound: Duration, now: u64) -> Self {
        let start = (now, log.new_epoch());
        Self {
            log,
            bound: nanos(bound.saturating_sub(MARGIN)),
            answered: AtomicU64::new(0),
            next_sample: AtomicU64::new(0),
            samples: Mutex::new(VecDeque::from([start])),
            is_silent: AtomicBool::new(false),
        }
    }

    /// Returns the pause between heartbeats, short enough that one late or lost answer does not exceed the bound.
    pub(crate) fn heartbeat(&self) -> Duration {
        (Duration::from_nanos(self.bound) / 3).min(HEARTBEAT)
    }

    /// Returns the time for which a master may be used without a new confirmation, in nanoseconds.
    pub(crate) fn lease(&self) -> u64 {
        self.bound.min(nanos(LEASE))
    }

    /// Notes that a heartbeat which was sent at this time was answered.
    pub(crate) fn answered(&self, sent: u64) {
        self.answered.fetch_max(sent, Relaxed);
    }

    /// Returns the time at which the last answered heartbeat was sent; zero before the first.
    pub(crate) fn last_answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }

    /// Returns whether entries of any age may be served.
    pub(crate) fn holds(&self, now: u64) -> bool {
        now.saturating_sub(self.bound) <= self.answered.load(Relaxed)
    }

    /// Sends the event of a silence that begins. It runs no code of users, so the clock's thread may.
    fn announce_silence(&self) {
        if let Some(events) = self.log.events() {
            events.send(CacheEventKind::Reset, |at| CacheEvent::Reset { cause: ResetCause::Silence, at });
        }
    }

    fn sample(&self, now: u64, samples: &mut VecDeque<(u64, Epoch)>) {
        if now >= self.next_sample.load(Relaxed) {
            self.next_sample.store(now.saturating_add((self.bound / SAMPLES).max(1)), Relaxed);
            samples.push_back((now, self.log.new_epoch()));
        }
    }
}

impl Tick for Trust {
    fn tick(&self, now: u64) {
        let samples = &mut *lock(&self.samples);
        self.sample(now, samples);
        let oldest = now.saturating_sub(self.bound);
        // The first sample within the bound stays in front: loads that began before it may be too old.
        while samples.front().is_some_and(|(time, _)| *time < oldest) {
            samples.pop_front();
        }
        let is_silent = oldest > self.answered.load(Acquire);
        if is_silent {
            let epoch = samples.front().map_or_else(|| self.log.new_epoch(), |(_, epoch)| *epoch);
            self.log.forget_before(epoch);
        }
        // Once for each silence, and not at each tick of it.
        if !self.is_silent.swap(is_silent, Relaxed) && is_silent {
            self.announce_silence();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn trust() -> (Arc<Log>, Trust) {
        let log = Arc::new(Log::with_mirror_bytes(1 << 10));
        (log.clone(), Trust::new(log, Duration::from_secs(1) + MARGIN, 0))
    }

    #[test]
    fn loads_before_the_first_tick_are_young() {
        let log = Arc::new(Log::with_mirror_bytes(1 << 10));
        let trust = Trust::new(log.clone(), Duration::from_secs(1) + MARGIN, 10 * SECOND);
        let began = log.position();
        trust.tick(10 * SECOND + SECOND / 100);
        assert!(log.valid(began, &[]));
        trust.tick(12 * SECOND);
        assert!(!log.valid(began, &[]));
    }

    #[test]
    fn no_load_ages_while_heartbeats_are_answered() {
        let (log, trust) = trust();
        let began = log.position();
        for second in 1..100 {
            trust.answered(second * SECOND);
            trust.tick(second * SECOND + SECOND / 2);
        }
        assert!(log.valid(began, &[]));
    }

    #[test]
    fn only_young_loads_are_served_without_heartbeats() {
        let (log, trust) = trust();
        trust.answered(10 * SECOND);
        let old = log.position();
        let mut loads = Vec::new();
        for tenth in 100..150 {
            let now = tenth * SECOND / 10;
            trust.tick(now);
            loads.push((now, log.position()));
            for &(began, epoch) in &loads {
                let valid = log.valid(epoch, &[]);
                let within = now - began <= SECOND || now <= 11 * SECOND;
                assert!(valid <= within, "a load of {began} is served at {now}");
                // Nothing is dropped much earlier than it must be.
                assert!(valid || now - began > SECOND * 8 / 10, "a load of {began} is dropped at {now}");
            }
            assert_eq!(log.valid(old, &[]), now <= 11 * SECOND, "at {now}");
        }
        assert!(!trust.holds(15 * SECOND));
    }
}
