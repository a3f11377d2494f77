//! The events of one subscription, until the subscriber takes them.

use std::collections::VecDeque;
use std::mem::take;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::filter::{Filter, Subscribable};
use super::{lock, wake};
use crate::clock::ProcessId;

/// The number of missed events that wait to be dropped, so that not each of them wakes the thread that does it.
const MISSED_AT_A_TIME: usize = 64;

/// The events of one subscription.
pub(super) struct EventQueue<E: Subscribable> {
    pub(super) filter: Filter<E>,
    /// The process that subscribed. A forked child has a copy, but neither the subscriber nor the thread that would wake it.
    pub(super) process: ProcessId,
    state: Mutex<QueueState<E>>,
}

struct QueueState<E> {
    events: VecDeque<E>,
    /// The number of events that were missed since the subscriber was told.
    missed: u64,
    /// Missed events, until they are dropped.
    dropped: Vec<E>,
    waker: Option<Waker>,
    /// True while the queue waits to be woken.
    is_due: bool,
    has_ended: bool,
}

impl<E: Subscribable> EventQueue<E> {
    pub(super) fn new(filter: Filter<E>) -> Arc<Self> {
        let state = QueueState {
            events: VecDeque::new(),
            missed: 0,
            dropped: Vec::new(),
            waker: None,
            is_due: false,
            has_ended: false,
        };
        Arc::new(Self { filter, process: ProcessId::current(), state: Mutex::new(state) })
    }

    /// Adds an event. Runs no code of users but the `Drop` of this event, if the subscription has ended.
    pub(super) fn push(self: &Arc<Self>, event: E) {
        let mut state = lock(&self.state);
        if state.has_ended {
            return drop(state);
        }
        if state.events.len() >= self.filter.room
            && let Some(oldest) = state.events.pop_front()
        {
            state.missed += 1;
            state.dropped.push(oldest);
        }
        state.events.push_back(event);
        let dropped = if state.dropped.len() >= MISSED_AT_A_TIME { take(&mut state.dropped) } else { Vec::new() };
        let wakes = state.waker.is_some() && !state.is_due;
        state.is_due |= wakes;
        drop(state);
        if !dropped.is_empty() {
            wake::drop_later(Box::new(dropped));
        }
        if wakes {
            wake::later(self.clone());
        }
    }

    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<E>> {
        // A clone or a drop of a waker runs code of its runtime, so neither happens under the lock.
        let mut waker = Some(cx.waker().clone());
        let (polled, _dropped) = {
            let mut state = lock(&self.state);
            let dropped = take(&mut state.dropped);
            let polled = match state.next() {
                Some(event) => Poll::Ready(Some(event)),
                None if state.has_ended => Poll::Ready(None),
                None => {
                    std::mem::swap(&mut state.waker, &mut waker);
                    Poll::Pending
                }
            };
            (polled, dropped)
        };
        polled
    }

    /// Returns the next event, if there is one.
    pub(super) fn try_next(&self) -> Option<E> {
        let (event, _dropped) = {
            let mut state = lock(&self.state);
            (state.next(), take(&mut state.dropped))
        };
        event
    }

    /// Ends the queue because its source is gone: the subscriber gets the events that wait, and then the end.
    pub(super) fn end(self: &Arc<Self>) {
        lock(&self.state).has_ended = true;
        wake::later(self.clone());
    }

    /// Ends the queue because its subscriber is gone.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.has_ended = true;
        let gone = (take(&mut state.events), take(&mut state.dropped), state.waker.take());
        drop(state);
        drop(gone);
    }
}

impl<E: Subscribable> QueueState<E> {
    /// Takes the next event; first of all the number of those that were missed, which were older.
    fn next(&mut self) -> Option<E> {
        match take(&mut self.missed) {
            0 => self.events.pop_front(),
            missed => Some(E::missed(missed)),
        }
    }
}

impl<E: Subscribable> wake::Sleeper for EventQueue<E> {
    fn wake(&self) {
        let waker = {
            let mut state = lock(&self.state);
            state.is_due = false;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
