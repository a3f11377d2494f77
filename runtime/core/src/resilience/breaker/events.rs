//! What happened to a breaker, for people and for programs.
//!
//! Changes of state are rare, so the last ones are kept, in their order, and whoever subscribed reads them from there. A
//! subscriber that is slow misses the oldest; it never holds up a call.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::sync::{Mutex, lock};

use super::state::{Cause, Change, State};

/// How many events are kept, of one name.
const KEPT: usize = 100;

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
    /// Wakes whoever listens.
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Ring {
    /// How many there were before the first one that is kept.
    before: u64,
    kept: VecDeque<Event>,
}

impl EventLog {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { ring: Mutex::default(), news: watch::Sender::new(()) })
    }

    pub(super) fn record(&self, name: &Arc<str>, change: Change, now: u64) {
        let Change { from, to, cause } = change;
        let ring = &mut *lock(&self.ring);
        if ring.kept.len() == KEPT {
            ring.kept.pop_front();
            ring.before += 1;
        }
        ring.kept.push_back(Event { name: name.clone(), from, to, cause, at: Duration::from_nanos(now) });
    }

    /// Tells whoever listens; not under a lock.
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
        lock(&self.ring).kept.iter().cloned().collect()
    }

    pub(super) fn subscribe(self: &Arc<Self>) -> Events {
        let next = {
            let ring = lock(&self.ring);
            ring.before + ring.kept.len() as u64
        };
        Events { log: self.clone(), news: self.news.subscribe(), next }
    }

    /// The first event from this number on that is kept, and the number after it.
    fn from(&self, number: u64) -> Option<(Event, u64)> {
        let ring = lock(&self.ring);
        let skip = usize::try_from(number.saturating_sub(ring.before)).ok()?;
        let event = ring.kept.get(skip)?.clone();
        Some((event, number.max(ring.before) + 1))
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
    /// Waits for the next one. A reader that is more than 100 events behind misses the oldest of them.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    pub async fn next(&mut self) -> Event {
        loop {
            self.news.mark_unchanged();
            if let Some((event, next)) = self.log.from(self.next) {
                self.next = next;
                return event;
            }
            // The sender cannot be gone: it is in what we hold.
            let _ = self.news.changed().await;
        }
    }
}
