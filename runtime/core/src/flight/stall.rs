//! Stalled loads: a load is given up when its leader is no longer polled. That happens to a future when a `select!` polls another branch,
//! when a stream has back-pressure, or when the future waits for its own key in another task.
//!
//! Each poll of a load sets the time by which the next poll has to come. While there are waiters, the clock's thread checks that time, so
//! that sync callers and callers without a runtime are woken too. When it has passed, the load is given up and all waiters join again; one
//! of them leads. All are woken, because any single waiter may be as unpolled as the leader was.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Flight, Leading, LoadOutcome, LoadPermit};
use crate::clock::{Alarm, Clock};
use crate::sync::atomic::Ordering::{Acquire, Release};
use crate::sync::lock;

/// The longest time between two polls of a leader without a `load_timeout`.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The time after the end of a `load_timeout` until a load counts as stalled. A load that is polled reports its timeout itself before.
pub(crate) const GRACE: Duration = Duration::from_millis(50);

type Sender = oneshot::Sender<LoadOutcome>;

impl Flight {
    /// Adds a waiter. Returns false if the load was given up.
    pub(super) fn push(self: &Arc<Self>, sender: Sender, clock: &Clock) -> bool {
        let mut waiters = lock(&self.waiters);
        if waiters.given_up {
            return false;
        }
        waiters.waiting.push_back(sender);
        if waiters.alarm.is_none() {
            let alarm: Arc<dyn Alarm> = self.clone();
            let alarm: Weak<dyn Alarm> = Arc::downgrade(&alarm);
            waiters.alarm = Some(clock.set_alarm(self.alive_until.load(Acquire), alarm));
        }
        true
    }

    /// Removes and returns the waiter that has waited longest.
    pub(super) fn pop(&self) -> Option<Sender> {
        lock(&self.waiters).waiting.pop_front()
    }

    /// Removes and returns all waiters.
    pub(super) fn empty(&self) -> VecDeque<Sender> {
        std::mem::take(&mut lock(&self.waiters).waiting)
    }

    /// Returns whether the leader has been polled recently enough.
    pub(super) fn is_polled(&self, now: u64) -> bool {
        now < self.alive_until.load(Acquire)
    }

    /// Gives the load up: dropping the senders makes all waiters join again. The senders are dropped outside the lock, because a drop wakes
    /// a task.
    pub(super) fn give_up(&self) {
        let waiting = {
            let mut waiters = lock(&self.waiters);
            waiters.given_up = true;
            std::mem::take(&mut waiters.waiting)
        };
        drop(waiting);
    }
}

impl Alarm for Flight {
    fn ring(&self, now: u64) -> Option<u64> {
        let until = self.alive_until.load(Acquire);
        if now < until {
            return Some(until);
        }
        self.give_up();
        None
    }
}

impl Leading {
    /// Sets the time of the next poll to the patience plus `longer` nanoseconds from now.
    pub(super) fn extend(&self, longer: u64) {
        let until = self.flights.clock.coarse().saturating_add(self.patience).saturating_add(longer);
        self.flight.alive_until.store(until, Release);
    }
}

impl LoadPermit {
    /// Notes a poll of the load.
    pub(crate) fn polled(&self) {
        self.expect_wait(Duration::ZERO);
    }

    /// Notes a poll of the load, which then waits this long for something else, such as another process's load.
    pub(crate) fn expect_wait(&self, time: Duration) {
        if let Some(leading) = &self.leading {
            leading.extend(crate::clock::nanos(time));
        }
    }

    /// Returns whether this load replaces one that was given up.
    pub(crate) fn is_replacement(&self) -> bool {
        self.is_replacement
    }

    /// Returns whether this load itself was given up.
    pub(crate) fn is_given_up(&self) -> bool {
        self.leading.as_ref().is_some_and(|leading| lock(&leading.flight.waiters).given_up)
    }
}

#[cfg(test)]
mod tests;
