//! Alarms: callbacks at a time, on the clock's own thread, so that they need no runtime.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::{Mutex, lock};

/// A callback at a set time, or up to a tick later. Runs on the clock's thread, so it must be short.
pub(crate) trait Alarm: Send + Sync {
    /// Handles the alarm, and returns the next time in nanoseconds, if any.
    fn ring(&self, now: u64) -> Option<u64>;
}

type AlarmsByNumber = BTreeMap<u64, (u64, Weak<dyn Alarm>)>;

/// The alarms of one process, each with its time, by number.
pub(super) struct Alarms {
    /// The earliest time of an alarm, or a lower bound of it.
    earliest: AtomicU64,
    waiting: Mutex<AlarmsByNumber>,
}

impl Alarms {
    pub(super) fn new() -> Self {
        Self { earliest: AtomicU64::new(u64::MAX), waiting: Mutex::default() }
    }

    pub(super) fn insert(&self, at: u64, alarm: Weak<dyn Alarm>) -> u64 {
        /// Unique across forks: a child that cancels an alarm of its parent must not cancel one of its own.
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let id = NUMBER.fetch_add(1, Relaxed);
        let mut waiting = lock(&self.waiting);
        waiting.insert(id, (at, alarm));
        self.earliest.fetch_min(at, Relaxed);
        id
    }

    pub(super) fn remove(&self, id: u64) {
        lock(&self.waiting).remove(&id);
    }

    /// Rings all alarms that are due, with no lock held.
    pub(super) fn ring(&self, now: u64) {
        if now < self.earliest.load(Relaxed) {
            return;
        }
        for (id, alarm) in self.due(now) {
            let again = alarm.ring(now);
            let mut waiting = lock(&self.waiting);
            match (again, waiting.get_mut(&id)) {
                (Some(again), Some((at, _))) => *at = again.max(now.saturating_add(1)),
                _ => drop(waiting.remove(&id)),
            }
        }
        let waiting = lock(&self.waiting);
        self.earliest.store(waiting.values().map(|(at, _)| *at).min().unwrap_or(u64::MAX), Relaxed);
    }

    /// Returns the alarms that are due, and removes those whose owner is gone.
    fn due(&self, now: u64) -> Vec<(u64, Arc<dyn Alarm>)> {
        let mut due = Vec::new();
        lock(&self.waiting).retain(|id, (at, alarm)| {
            let alarm = (*at <= now).then(|| alarm.upgrade());
            let gone = matches!(alarm, Some(None));
            due.extend(alarm.flatten().map(|alarm| (*id, alarm)));
            !gone
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    /// Rings at the times of a list, and counts.
    struct Bell {
        rung: AtomicU64,
        again: Mutex<Vec<u64>>,
    }

    impl Bell {
        fn new(again: &[u64]) -> Arc<Self> {
            Arc::new(Self { rung: AtomicU64::new(0), again: Mutex::new(again.to_vec()) })
        }

        fn rung(&self) -> u64 {
            self.rung.load(Relaxed)
        }
    }

    impl Alarm for Bell {
        fn ring(&self, _: u64) -> Option<u64> {
            self.rung.fetch_add(1, Relaxed);
            lock(&self.again).pop()
        }
    }

    fn weak(bell: &Arc<Bell>) -> Weak<dyn Alarm> {
        let bell: Arc<dyn Alarm> = bell.clone();
        Arc::downgrade(&bell)
    }

    #[test]
    fn an_alarm_rings_at_its_time_and_as_often_as_it_asks_for() {
        let (alarms, bell) = (Alarms::new(), Bell::new(&[20]));
        alarms.insert(10, weak(&bell));
        for (now, rung) in [(9, 0), (10, 1), (19, 1), (25, 2), (100, 2)] {
            alarms.ring(now);
            assert_eq!(bell.rung(), rung, "at {now}");
        }
        assert!(lock(&alarms.waiting).is_empty());
    }

    #[test]
    fn an_alarm_that_was_cancelled_or_whose_owner_is_gone_does_not_ring() {
        let clock = Clock::manual();
        let (cancelled, gone) = (Bell::new(&[]), Bell::new(&[]));
        let armed = clock.set_alarm(10, weak(&cancelled));
        let _armed = clock.set_alarm(10, weak(&gone));
        drop(armed);
        drop(gone);
        clock.advance(std::time::Duration::from_secs(1));
        assert_eq!(cancelled.rung(), 0);
        assert_eq!(clock.ticker().alarms.earliest.load(Relaxed), u64::MAX, "no alarm is left");
    }

    #[test]
    fn the_system_clock_rings_without_a_runtime() {
        let (clock, bell) = (Clock::system(), Bell::new(&[]));
        let _armed = clock.set_alarm(clock.now(), weak(&bell));
        while bell.rung() == 0 {
            std::thread::yield_now();
        }
    }
}
