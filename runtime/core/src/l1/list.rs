//! The keys of a store, for an inspector: ranked by hash, then described one by one.
//!
//! Two steps, so that a list of few keys of a large store copies few keys. Neither takes a lock, counts a hit or promotes an entry.

use std::time::Duration;

use scc::Guard;

use super::{KeyQuery, L1};
use crate::key::Hashed;

/// The place of an entry in a list: the hottest last, and of equally hot ones that which was stored last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntryRank {
    /// The recent hits of the entry, as eviction counts them.
    pub(crate) heat: u8,
    /// The time at which this process stored the entry, in seconds of the clock.
    pub(crate) stored: u32,
    /// The hash of its key.
    pub(crate) hash: u64,
}

/// The figures of one entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryFigures {
    pub(crate) heat: u8,
    /// The time since this process stored the entry, in whole seconds.
    pub(crate) age: Duration,
    /// The time for which it is fresh, zero for a stale entry; `None` if it has no expiry.
    pub(crate) ttl_left: Option<Duration>,
}

/// The text and the figures of one entry.
pub(crate) struct ListedEntry {
    pub(crate) text: String,
    pub(crate) figures: EntryFigures,
    /// True for an absence or an error.
    pub(crate) is_negative: bool,
}

/// A store whose keys can be listed, with keys and values of any type.
pub(crate) trait KeyList: Send + Sync {
    /// Visits each entry that may be served.
    fn rank(&self, visit: &mut dyn FnMut(EntryRank));
    /// Returns the entry whose key has this hash, if it may still be served. It runs the user's code that writes arguments.
    fn describe(&self, hash: u64) -> Option<ListedEntry>;
}

impl<K: Clone + Eq + 'static, V: Clone + 'static> L1<K, V> {
    /// Visits each entry that is not dead.
    pub(crate) fn rank(&self, visit: &mut dyn FnMut(EntryRank)) {
        if self.is_empty() || !self.is_usable() {
            return;
        }
        self.index.visit(&mut |node| {
            if !self.is_dead(&node.entry) {
                let (heat, stored) = (node.entry.hits(), node.entry.stored());
                visit(EntryRank { heat, stored, hash: node.key.hash });
            }
        });
    }

    /// Returns the key with this hash and the figures of its entry, if that is not dead.
    pub(crate) fn describe(&self, hash: u64) -> Option<(Hashed<K>, EntryFigures)> {
        if !self.is_usable() {
            return None;
        }
        let context = &self.room.context;
        let (now, guard) = (context.clock.now(), Guard::new());
        let node = self.index.peek(hash, &KeyQuery::by_hash(hash), &guard)?;
        if self.is_dead(&node.entry) {
            return None;
        }
        let figures = EntryFigures {
            heat: node.entry.hits(),
            age: node.entry.age(now),
            ttl_left: node.entry.ttl_left(now, &context.log),
        };
        Some((node.key.clone(), figures))
    }
}
