//! The subscriptions to one source of events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use super::filter::{Filter, Subscribable, kind_bit};
use super::queue::EventQueue;
use super::wake;
use crate::clock::ProcessId;
use crate::sync::lock_std as lock;

type Queues<E> = Arc<Vec<Arc<EventQueue<E>>>>;

/// The subscriptions to one source of events.
pub(crate) struct EventBus<E: Subscribable> {
    /// The kinds that any subscription wants, a bit each.
    wanted: AtomicU32,
    /// The process of the last change of the subscriptions. A forked child has copies of its parent's, and perhaps of a lock that is held.
    process: AtomicU32,
    /// `None` for none. Cloned before events are sent, so that the lock is never held meanwhile.
    queues: Mutex<Option<Queues<E>>>,
}

impl<E: Subscribable> EventBus<E> {
    pub(crate) const fn new() -> Self {
        Self { wanted: AtomicU32::new(0), process: AtomicU32::new(0), queues: Mutex::new(None) }
    }

    /// Returns whether any subscription wants this kind of event. Costs one relaxed load.
    #[inline]
    pub(crate) fn wants(&self, kind: E::Kind) -> bool {
        self.wanted.load(Relaxed) & kind_bit::<E>(kind) > 0
    }

    /// Sends an event of this kind and name, which is made only if a subscription wants it.
    #[inline]
    pub(crate) fn send(&self, kind: E::Kind, name: Option<&str>, make: impl FnOnce() -> E) {
        if self.wants(kind) {
            self.send_wanted(kind, name, make);
        }
    }

    #[cold]
    fn send_wanted(&self, kind: E::Kind, name: Option<&str>, make: impl FnOnce() -> E) {
        // Asked of the system, because a child may not have noticed the fork yet.
        let process = ProcessId::default();
        if self.process.load(Relaxed) != process.number() {
            return;
        }
        let Some(queues) = lock(&self.queues).clone() else { return };
        let wants = |queue: &&Arc<EventQueue<E>>| queue.process == process && queue.filter.wants(kind, name);
        let mut wanting: Vec<_> = queues.iter().filter(wants).filter(|queue| queue.admits()).collect();
        let Some(last) = wanting.pop() else { return };
        // It clones arguments, which may panic. The panic hook has reported it, and the call goes on.
        let Ok(event) = catch_unwind(AssertUnwindSafe(make)) else {
            return wanting.into_iter().chain([last]).for_each(EventQueue::miss);
        };
        for queue in wanting {
            queue.push(event.clone());
        }
        // Moved, so that the sender never drops the last copy.
        last.push(event);
    }

    pub(super) fn add(&self, filter: Filter<E>) -> Arc<EventQueue<E>> {
        wake::begin();
        let queue = EventQueue::new(filter);
        self.change(|all| all.push(queue.clone()));
        queue
    }

    pub(super) fn remove(&self, queue: &Arc<EventQueue<E>>) {
        self.change(|all| all.retain(|other| !Arc::ptr_eq(other, queue)));
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<EventQueue<E>>>)) {
        let process = ProcessId::default();
        let mut queues = lock(&self.queues);
        let mut all: Vec<_> = queues.as_ref().map(|all| all.to_vec()).unwrap_or_default();
        // The copies of a parent's.
        all.retain(|queue| queue.process == process);
        change(&mut all);
        self.process.store(process.number(), Relaxed);
        self.wanted.store(all.iter().fold(0, |wanted, queue| wanted | queue.filter.kinds), Relaxed);
        let before = std::mem::replace(&mut *queues, (!all.is_empty()).then(|| Arc::new(all)));
        drop(queues);
        drop(before);
    }
}

impl<E: Subscribable> Drop for EventBus<E> {
    fn drop(&mut self) {
        let process = ProcessId::default();
        if let Some(queues) = self.queues.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            queues.iter().filter(|queue| queue.process == process).for_each(EventQueue::end);
        }
    }
}

impl<E: Subscribable> std::fmt::Debug for EventBus<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventBus").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{CacheEvent, CacheEventKind, EventForm as _, Subscription};

    fn bus() -> &'static EventBus<CacheEvent> {
        Box::leak(Box::new(EventBus::new()))
    }

    /// Makes this process look like a forked child of the one that subscribed.
    fn fork(bus: &EventBus<CacheEvent>) {
        bus.process.store(!ProcessId::default().number(), Relaxed);
    }

    #[test]
    fn an_event_in_a_forked_child_takes_no_lock_and_is_not_made() {
        let bus = bus();
        let mut events = Subscription::to_process(bus, Filter::all());
        let left_locked = lock(&bus.queues);
        fork(bus);
        bus.send(CacheEventKind::Cleared, None, || panic!("no subscriber is in this process"));
        drop(left_locked);
        assert!(events.try_next().is_none());
    }

    #[test]
    fn a_child_that_subscribes_gets_events() {
        let bus = bus();
        drop(Subscription::to_process(bus, Filter::all()));
        fork(bus);
        let mut events = Subscription::to_process(bus, Filter::all());
        bus.send(CacheEventKind::Cleared, None, || CacheEvent::missed(7));
        assert!(matches!(events.try_next(), Some(CacheEvent::Missed { events: 7 })));
    }
}
