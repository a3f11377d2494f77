//! A leader that goes unpolled: a future that has begun a load and rests, in a `select!` that looks at another branch or in a stream
//! with back-pressure, or a load that waits for its own key in another task.
//!
//! Each poll of a load says until when the next one has to come. Where others wait, the clock rings then, on a thread of its own, so that
//! sync callers and callers without a runtime are woken too: the flight is given up, and all who waited join anew. One of them
//! leads. All are woken, because a future that waits may be as unpolled as the one that led.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Flight, Leading, LoadOutcome, Permit};
use crate::clock::{Alarm, Clock};
use crate::sync::atomic::Ordering::{Acquire, Release};
use crate::sync::lock;

/// The time for which a leader may go unpolled where no `load_timeout` says how long a load may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

type Sender = oneshot::Sender<LoadOutcome>;

impl Flight {
    /// Adds a waiter. False if the flight was given up.
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

    /// The waiter that has waited longest.
    pub(super) fn pop(&self) -> Option<Sender> {
        lock(&self.waiters).waiting.pop_front()
    }

    /// All waiters.
    pub(super) fn empty(&self) -> VecDeque<Sender> {
        std::mem::take(&mut lock(&self.waiters).waiting)
    }

    /// Whether it is believed to end.
    pub(super) fn goes_on(&self, now: u64) -> bool {
        now < self.alive_until.load(Acquire)
    }

    /// Lets all who wait join anew, which their senders' drop tells them. No lock is held meanwhile: it wakes them.
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
    /// The load goes on for its patience, and so much longer.
    pub(super) fn extend(&self, longer: u64) {
        let until = self.flights.clock.coarse().saturating_add(self.patience).saturating_add(longer);
        self.flight.alive_until.store(until, Release);
    }
}

impl Permit {
    /// The load is polled now.
    pub(super) fn polled(&self) {
        self.expect_wait(Duration::ZERO);
    }

    /// The load is polled now, and waits so long for something that is none of its own time.
    pub(crate) fn expect_wait(&self, time: Duration) {
        if let Some(leading) = &self.leading {
            leading.extend(crate::clock::nanos(time));
        }
    }

    /// Whether its load is in place of one that was given up.
    pub(crate) fn is_instead(&self) -> bool {
        self.instead
    }

    /// Whether its load was given up itself.
    pub(crate) fn is_given_up(&self) -> bool {
        self.leading.as_ref().is_some_and(|leading| lock(&leading.flight.waiters).given_up)
    }
}

#[cfg(test)]
mod tests;
