//! Subscriptions to the events of a handle.

use super::Fastness;
use crate::events::{CacheEvent, CacheEventKind, Filter, Subscription};
use crate::key::Scope;
use crate::log::Record;

impl Fastness {
    /// Subscribes to the events of this cache from now on: loads, puts, entries that are stored, evicted, expired or removed, invalidations
    /// by this process and by others, and resets. Policies have [`resilience::subscribe`](crate::resilience::subscribe).
    ///
    /// Without a subscription, an event costs one load of a word where it happens, and a hit has no event. A load that began before any
    /// subscription wanted loads is not told.
    ///
    /// ```
    /// use fastness::events::{CacheEvent, CacheEventKind, Filter};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// let fast = fastness::Fastness::builder().capacity(1).build()?;
    /// let mut evictions = fast.subscribe(Filter::kinds([CacheEventKind::Evicted]));
    /// tokio::spawn(async move {
    ///     while let Some(event) = evictions.next().await {
    ///         match event {
    ///             CacheEvent::Evicted { entry, cause, .. } => println!("{} was evicted: {cause:?}", entry.key),
    ///             CacheEvent::Missed { events, .. } => println!("{events} evictions were missed"),
    ///             _ => {}
    ///         }
    ///     }
    /// });
    /// # Ok(()) }
    /// ```
    pub fn subscribe(&self, filter: Filter<CacheEvent>) -> Subscription<CacheEvent> {
        self.inner.events.subscribe(filter)
    }

    /// Makes the record that invalidates these scopes, with their texts if a subscription wants them.
    pub(crate) fn record(&self, scopes: impl IntoIterator<Item = Scope>) -> Record {
        Record::from_named_scopes(self.names_scopes(), scopes)
    }

    /// Returns whether a subscription wants the texts of invalidated scopes.
    pub(crate) fn names_scopes(&self) -> bool {
        self.log().wants(CacheEventKind::Invalidated)
    }
}
