//! The events of one subscription, until the subscriber takes them.

use std::collections::VecDeque;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use super::filter::{Filter, Subscribable};
use super::wake;
use crate::clock::ProcessId;
use crate::sync::lock_std as lock;

/// The number of missed events that wait to be dropped, so that not each of them wakes the thread that does it.
const MISSED_AT_A_TIME: usize = 64;

/// The number of missed events that the thread may have left to drop. While there are more, no event is made.
const MOST_UNDROPPED: usize = 4_096;

/// The events of one subscription.
pub(super) struct EventQueue<E: Subscribable> {
    pub(super) filter: Filter<E>,
    /// The process that subscribed. A forked child has a copy, but neither the subscriber nor the thread that would wake it.
    pub(super) process: ProcessId,
    state: Mutex<QueueState<E>>,
}

struct QueueState<E> {
    events: VecDeque<QueuedEvent<E>>,
    /// The number of events that were missed before the first one that waits.
    missed: u64,
    /// The number of events that were missed after the last one that waits.
    missed_last: u64,
    /// Missed events, until they are dropped.
    dropped: Vec<QueuedEvent<E>>,
    /// The number of missed events that the thread has not dropped yet.
    undropped: usize,
    waker: Option<Waker>,
    /// True while the queue waits to be woken.
    is_due: bool,
    has_ended: bool,
}

struct QueuedEvent<E> {
    event: E,
    /// The number of events that were missed between the one before and this one.
    missed_before: u64,
}

/// Missed events on their way to the thread that drops them.
struct UndroppedEvents<E: Subscribable> {
    queue: Arc<EventQueue<E>>,
    events: Vec<QueuedEvent<E>>,
}

impl<E: Subscribable> Drop for UndroppedEvents<E> {
    fn drop(&mut self) {
        lock(&self.queue.state).undropped -= self.events.len();
    }
}

impl<E: Subscribable> EventQueue<E> {
    pub(super) fn new(filter: Filter<E>) -> Arc<Self> {
        let state = QueueState {
            events: VecDeque::new(),
            missed: 0,
            missed_last: 0,
            dropped: Vec::new(),
            undropped: 0,
            waker: None,
            is_due: false,
            has_ended: false,
        };
        Arc::new(Self { filter, process: ProcessId::default(), state: Mutex::new(state) })
    }

    /// Returns whether an event may be made for it. If not, it counts as missed.
    pub(super) fn admits(self: &Arc<Self>) -> bool {
        let is_full = lock(&self.state).undropped > MOST_UNDROPPED;
        if is_full {
            self.miss();
        }
        !is_full
    }

    /// Counts an event that was not made as missed.
    pub(super) fn miss(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        if state.has_ended {
            return;
        }
        state.missed_last += 1;
        self.wake_later(state);
    }

    /// Adds an event. Runs no code of users.
    pub(super) fn push(self: &Arc<Self>, event: E) {
        let mut state = lock(&self.state);
        if state.has_ended {
            drop(state);
            return wake::drop_later(Box::new(event));
        }
        if state.events.len() >= self.filter.room
            && let Some(oldest) = state.events.pop_front()
        {
            state.missed += oldest.missed_before + 1;
            state.dropped.push(oldest);
        }
        let missed_before = take(&mut state.missed_last);
        state.events.push_back(QueuedEvent { event, missed_before });
        let dropped = if state.dropped.len() >= MISSED_AT_A_TIME { take(&mut state.dropped) } else { Vec::new() };
        state.undropped += dropped.len();
        self.wake_later(state);
        if !dropped.is_empty() {
            wake::drop_later(Box::new(UndroppedEvents { queue: self.clone(), events: dropped }));
        }
    }

    /// Unlocks the queue, and has its subscriber woken if it sleeps.
    fn wake_later(self: &Arc<Self>, mut state: MutexGuard<'_, QueueState<E>>) {
        let wakes = state.waker.is_some() && !state.is_due;
        state.is_due |= wakes;
        drop(state);
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
    /// Takes the next event; before it, the number of those that were missed, which were older.
    fn next(&mut self) -> Option<E> {
        let before = self.events.front_mut().map_or(&mut self.missed_last, |next| &mut next.missed_before);
        match take(&mut self.missed) + take(before) {
            0 => self.events.pop_front().map(|next| next.event),
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
