//! The last changes of a breaker's state, in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::sync::{Mutex, lock};

use super::super::breaker_state::{Event, State};
use super::super::events;
use super::state::Change;

/// The number of changes stored per name.
const STORED: usize = 100;

/// The last changes of a breaker's state, or of all breakers of one name.
#[derive(Debug, Default)]
pub(super) struct History(Mutex<VecDeque<Event>>);

impl History {
    /// Adds a change, and sends its event. Called under the lock of the breaker, so that both are in the order of the changes.
    pub(super) fn record(&self, name: &Arc<str>, change: Change, now: u64) {
        let Change { from, to, cause } = change;
        let event = Event { name: name.clone(), from, to, cause, at: Duration::from_nanos(now) };
        let changes = &mut *lock(&self.0);
        events::state_changed(&event);
        if changes.len() == STORED {
            changes.pop_front();
        }
        changes.push_back(event);
    }

    pub(super) fn recent(&self) -> Vec<Event> {
        lock(&self.0).iter().cloned().collect()
    }
}

/// Logs a change. Never called under a lock.
pub(super) fn announce(name: &Arc<str>, change: Change) {
    let Change { from, to, cause } = change;
    if to == State::Open {
        tracing::warn!(breaker = %name, from = from.as_str(), %cause, "circuit breaker opened");
    } else {
        let (from, to) = (from.as_str(), to.as_str());
        tracing::info!(breaker = %name, from, to, %cause, "circuit breaker changed its state");
    }
}
