//! The receiving end of a subscription.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use super::bus::EventBus;
use super::filter::{Filter, Subscribable};
use super::queue::EventQueue;
use super::wake;
use crate::clock::ProcessId;

/// The events of a source from the moment of `subscribe` on, in the order in which they happened for each key and each policy.
/// From [`Fastness::subscribe`](crate::Fastness::subscribe) and [`resilience::subscribe`](crate::resilience::subscribe).
///
/// Dropping it ends the subscription. A subscriber that is slow misses the oldest events, and learns their number from an event in their
/// place; no call ever waits for it.
///
/// ```
/// use fastness::cacheable;
/// use fastness::events::{CacheEvent, CacheEventKind, Filter, LoadEnding};
///
/// #[cacheable(ttl = 60, key = "area:{side}")]
/// async fn area(side: u32) -> u32 { side * side }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = fastness::Fastness::builder().build()?;
/// let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Loaded]));
/// fastness::with_cache(&fast, area(3)).await;
/// let Some(CacheEvent::Loaded { key: Some(key), ending, .. }) = events.next().await else { panic!("it was loaded") };
/// assert_eq!((key.to_string(), ending), ("area:3".to_owned(), LoadEnding::Value));
/// # Ok(()) }
/// ```
pub struct Subscription<E: Subscribable> {
    queue: Arc<EventQueue<E>>,
    source: EventSource<E>,
}

/// The source of a subscription.
enum EventSource<E: Subscribable> {
    Handle(Weak<EventBus<E>>),
    Process(&'static EventBus<E>),
}

impl<E: Subscribable> Subscription<E> {
    /// Subscribes to the events of a source that ends.
    pub(super) fn to_handle(source: &Arc<EventBus<E>>, filter: Filter<E>) -> Self {
        Self { queue: source.add(filter), source: EventSource::Handle(Arc::downgrade(source)) }
    }

    /// Subscribes to the events of a source that never ends.
    pub(crate) fn to_process(source: &'static EventBus<E>, filter: Filter<E>) -> Self {
        Self { queue: source.add(filter), source: EventSource::Process(source) }
    }

    /// Waits for the next event; `None` once the source is gone, which is the handle of a cache's events with all its clones. Needs no
    /// runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<E> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Polls for the next event, as a `Stream` does.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<E>> {
        self.queue.poll_next(cx)
    }

    /// Returns the next event, if there is one already.
    pub fn try_next(&mut self) -> Option<E> {
        self.queue.try_next()
    }
}

impl<E: Subscribable> Drop for Subscription<E> {
    fn drop(&mut self) {
        // A forked child leaves its copy alone: another thread of its parent may have held a lock of it at the fork.
        if self.queue.process != ProcessId::default() {
            return;
        }
        match &self.source {
            EventSource::Handle(source) => {
                if let Some(source) = source.upgrade() {
                    source.remove(&self.queue);
                }
            }
            EventSource::Process(source) => source.remove(&self.queue),
        }
        wake::finish();
        self.queue.close();
    }
}

impl<E: Subscribable> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("filter", &self.queue.filter).finish_non_exhaustive()
    }
}
