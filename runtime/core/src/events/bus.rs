//! The subscriptions to one source of events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

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
    /// `None` for none. Cloned before events are sent, so that the lock is never held meanwhile.
    queues: Mutex<Option<Queues<E>>>,
}

impl<E: Subscribable> EventBus<E> {
    pub(crate) const fn new() -> Self {
        Self { wanted: AtomicU32::new(0), queues: Mutex::new(None) }
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
        let Some(queues) = lock(&self.queues).clone() else { return };
        let process = ProcessId::current();
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
        let mut queues = lock(&self.queues);
        let mut all = queues.as_ref().map(|all| all.to_vec()).unwrap_or_default();
        change(&mut all);
        self.wanted.store(all.iter().fold(0, |wanted, queue| wanted | queue.filter.kinds), Relaxed);
        let before = std::mem::replace(&mut *queues, (!all.is_empty()).then(|| Arc::new(all)));
        drop(queues);
        drop(before);
    }
}

impl<E: Subscribable> Drop for EventBus<E> {
    fn drop(&mut self) {
        if let Some(queues) = lock(&self.queues).take() {
            queues.iter().for_each(EventQueue::end);
        }
    }
}

impl<E: Subscribable> std::fmt::Debug for EventBus<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventBus").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}
