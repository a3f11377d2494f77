//! Events: the changes of a breaker's state, as log lines and for subscribers.
//!
//! Changes of state are rare, so the last ones are stored in order, and subscribers read them from there. A slow subscriber misses
//! the oldest; it never delays a call.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::sync::{Mutex, lock};

use super::state::{Cause, Change, State};

/// The number of events stored per name.
const STORED: usize = 100;

/// A change of a breaker's state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The name of the breaker; with its key, if it is one of many.
    pub name: Arc<str>,
    /// The state before.
    pub from: State,
    /// The state from then on.
    pub to: State,
    /// The cause.
    pub cause: Cause,
    /// The time since the clock of the process began.
    pub at: Duration,
}

#[derive(Debug)]
pub(super) struct EventLog {
    ring: Mutex<Ring>,
    /// Wakes subscribers.
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Ring {
    /// The number of the first stored event.
    first: u64,
    events: VecDeque<Event>,
}

impl EventLog {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { ring: Mutex::default(), news: watch::Sender::new(()) })
    }

    pub(super) fn record(&self, name: &Arc<str>, change: Change, now: u64) {
        let Change { from, to, cause } = change;
        let ring = &mut *lock(&self.ring);
        if ring.events.len() == STORED {
            ring.events.pop_front();
            ring.first += 1;
        }
        ring.events.push_back(Event { name: name.clone(), from, to, cause, at: Duration::from_nanos(now) });
    }

    /// Logs the change and wakes subscribers. Never called under a lock.
    pub(super) fn announce(&self, name: &Arc<str>, change: Change) {
        let Change { from, to, cause } = change;
        if to == State::Open {
            tracing::warn!(breaker = %name, from = from.as_str(), %cause, "circuit breaker opened");
        } else {
            let (from, to) = (from.as_str(), to.as_str());
            tracing::info!(breaker = %name, from, to, %cause, "circuit breaker changed its state");
        }
        self.news.send_replace(());
    }

    pub(super) fn recent(&self) -> Vec<Event> {
        lock(&self.ring).events.iter().cloned().collect()
    }

    pub(super) fn subscribe(self: &Arc<Self>) -> Events {
        let next = {
            let ring = lock(&self.ring);
            ring.first + ring.events.len() as u64
        };
        Events { log: self.clone(), news: self.news.subscribe(), next }
    }

    /// Returns the first stored event from this number on, and the number after it.
    fn from(&self, number: u64) -> Option<(Event, u64)> {
        let ring = lock(&self.ring);
        let skip = usize::try_from(number.saturating_sub(ring.first)).ok()?;
        let event = ring.events.get(skip)?.clone();
        Some((event, number.max(ring.first) + 1))
    }
}

/// The events of a breaker, from the moment of [`Breaker::subscribe`](super::Breaker::subscribe) on.
#[derive(Debug)]
pub struct Events {
    log: Arc<EventLog>,
    news: watch::Receiver<()>,
    next: u64,
}

impl Events {
    /// Waits for the next event. A reader that is more than 100 events behind misses the oldest of them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Event {
        loop {
            self.news.mark_unchanged();
            if let Some((event, next)) = self.log.from(self.next) {
                self.next = next;
                return event;
            }
            // The sender is in the log that `self` holds.
            let _ = self.news.changed().await;
        }
    }
}
