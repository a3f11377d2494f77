//! The events of entries: stored, and removed for some cause.
//!
//! They are sent under the lock of the entry's shard in the index, which orders all changes of a key. The only code of users that runs
//! there is the `Clone` of arguments.

use std::sync::Arc;
use std::time::Duration;

use super::L1;
use super::index::Node;
use super::store_name::{RemovalCause, StoreName};
use crate::events::{CacheEvent, CacheEventKind, CacheEvents, EventEntry, EventKey, Removal};

impl<K: Clone + Send + Sync + 'static, V: 'static> L1<K, V> {
    /// Names the function whose entries these are, for events, and the way in which its keys are rendered as text; unless it is named.
    pub(crate) fn set_name(
        &self,
        function: &Arc<str>,
        is_negative: bool,
        text: impl Fn(&K) -> String + Send + Sync + 'static,
    ) {
        let text = Arc::new(text);
        let key = move |key: &K| {
            let (key, text) = (key.clone(), text.clone());
            EventKey::from_arguments(move || text(&key))
        };
        self.name.get_or_init(|| StoreName { function: function.clone(), is_negative, key: Box::new(key) });
    }
}

impl<K, V: 'static> L1<K, V> {
    /// Sends the events of an entry that is about to be stored, and of the dead one that it replaces.
    pub(super) fn announce_stored(&self, old: Option<&Node<K, V>>, new: &Node<K, V>) {
        let Some(events) = self.room.context.log.events() else { return };
        if let Some(old) = old.filter(|old| wants_dead(events) && self.is_dead(&old.entry)) {
            self.announce_dead(events, old);
        }
        self.send(events, CacheEventKind::Stored, new, |entry, at| CacheEvent::Stored { entry, at });
    }

    /// Sends the event of an entry that is being removed.
    pub(super) fn announce_removed(&self, node: &Node<K, V>, cause: RemovalCause) {
        let Some(events) = self.room.context.log.events() else { return };
        match cause {
            // A result that removes a dead entry comes before the sweep.
            RemovalCause::Dead | RemovalCause::Superseded if wants_dead(events) && self.is_dead(&node.entry) => {
                self.announce_dead(events, node);
            }
            RemovalCause::Evicted(cause) => {
                self.send(events, CacheEventKind::Evicted, node, |entry, at| CacheEvent::Evicted { entry, cause, at });
            }
            RemovalCause::Superseded => self.send_removal(events, node, Removal::Superseded),
            RemovalCause::Dead => {}
        }
    }

    #[cold]
    fn announce_dead(&self, events: &CacheEvents, node: &Node<K, V>) {
        let context = &self.room.context;
        if context.clock.coarse() >= node.entry.meta().served_until(self.room.grace()) {
            self.send(events, CacheEventKind::Expired, node, |entry, at| CacheEvent::Expired { entry, at });
        } else {
            self.send_removal(events, node, Removal::Invalidated);
        }
    }

    fn send_removal(&self, events: &CacheEvents, node: &Node<K, V>, cause: Removal) {
        self.send(events, CacheEventKind::Removed, node, |entry, at| CacheEvent::Removed { entry, cause, at });
    }

    fn send(
        &self,
        events: &CacheEvents,
        kind: CacheEventKind,
        node: &Node<K, V>,
        make: impl FnOnce(EventEntry, Duration) -> CacheEvent,
    ) {
        if let Some(name) = self.name.get().filter(|_| events.wants(kind)) {
            let entry = || EventEntry {
                function: name.function.clone(),
                key: (name.key)(&node.args),
                is_negative: name.is_negative,
                bytes: node.entry.meta().weight(),
            };
            events.send_of(&name.function, kind, |at| make(entry(), at));
        }
    }
}

/// Returns whether a subscription wants to know of dead entries.
fn wants_dead(events: &CacheEvents) -> bool {
    events.wants(CacheEventKind::Expired) || events.wants(CacheEventKind::Removed)
}
