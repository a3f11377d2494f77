//! Events for the program: what the entries of a cache and the policies of a process did, one by one and in order.
//!
//! May use: `clock`, `key`, `sync`.
//!
//! A part that has an event asks its `EventBus` whether any subscription wants that kind, which is one relaxed load, and makes the event
//! only then. The event goes into the queue of each subscription that wants it, so a slow subscriber misses its own oldest events and
//! delays no call.
//!
//! | part | purpose |
//! |---|---|
//! | `bus` | the subscriptions to one source, and the kinds that they want |
//! | `filter`, `queue` | the choice of a subscriber; its events until it takes them |
//! | `wake` | the thread that wakes subscribers and drops the events that they missed |
//! | `subscription` | the receiving end |
//! | `cache` | the events of a cache |
//!
//! Invariants: events of one key, or of one policy, are sent under the lock that orders the changes, so every queue has them in the order
//! in which they happened; under such a lock nothing runs but the `Clone` of arguments: wakers and the `Drop` of missed events run on the
//! thread of `wake`, and key texts are rendered by the subscriber. In a forked child no event takes a lock before the child itself has
//! subscribed, because another thread of its parent may have held the lock at the fork.

mod bus;
mod cache;
mod filter;
mod queue;
mod subscription;
mod wake;

pub(crate) use bus::EventBus;
pub use cache::{
    CacheEvent, CacheEventKind, EventEntry, EventKey, EventScopes, Eviction, LoadEnding, RecordSource, Removal,
    ResetCause,
};
pub(crate) use cache::{CacheEvents, LoadEvent};
pub(crate) use filter::EventForm;
pub use filter::{Filter, Subscribable};
pub use subscription::Subscription;

#[cfg(test)]
mod tests;
