//! The keys of a store, for an inspector: ranked by hash, then described one by one.
//!
//! Two steps, so that a list of few keys of a large store copies few keys. Neither takes a lock, counts a hit or promotes an entry.

use std::time::Duration;

use scc::Guard;

use super::L1;
use super::meta::EntryMeta;

/// The place of an entry in a list: the hottest last, and of equally hot ones that which was loaded last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntryRank {
    /// The recent hits of the entry, as eviction counts them.
    pub(crate) heat: u8,
    /// The time at which its load ended; the larger the later.
    pub(crate) loaded: u32,
    /// The hash of its key in the lower half, and that of the key's text in the upper half.
    pub(crate) hash: u64,
}

/// The figures of one entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryFigures {
    pub(crate) heat: u8,
    /// The time since its load ended, in whole seconds.
    pub(crate) age: Duration,
    /// The time for which it is fresh, zero for a stale entry; `None` if it has no expiry.
    pub(crate) ttl_left: Option<Duration>,
    /// The bytes that it counts for.
    pub(crate) bytes: usize,
    /// True if these are only the bytes of its type.
    pub(crate) is_guess: bool,
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
    /// Visits each entry that may be served, with the bytes that it counts for.
    fn rank(&self, visit: &mut dyn FnMut(EntryRank, usize));
    /// Returns the entry whose key has this hash, if it may still be served. It runs the user's code that writes arguments.
    fn describe(&self, hash: u64) -> Option<ListedEntry>;
}

impl<K: Clone + Eq + 'static, V: Clone + 'static> L1<K, V> {
    /// Visits each entry that is not dead, with the bytes that it counts for.
    pub(crate) fn rank(&self, visit: &mut dyn FnMut(EntryRank, usize)) {
        if self.is_empty() || !self.is_usable() {
            return;
        }
        self.index.visit(&mut |node| {
            if !self.is_dead(&node.entry) {
                let meta = node.entry.meta();
                visit(EntryRank { heat: meta.hits(), loaded: meta.loaded(), hash: hash_of(meta) }, meta.weight());
            }
        });
    }

    /// Returns the key with this hash and the figures of its entry, if that is not dead.
    pub(crate) fn describe(&self, hash: u64) -> Option<(K, EntryFigures)> {
        if !self.is_usable() {
            return None;
        }
        let context = &self.room.context;
        let (now, guard) = (context.clock.now(), Guard::new());
        // The lower half, as in `hash_of`.
        #[allow(clippy::cast_possible_truncation)]
        let node = self.index.find(hash as u32, |node| hash_of(node.entry.meta()) == hash, &guard)?;
        if self.is_dead(&node.entry) {
            return None;
        }
        let meta = node.entry.meta();
        let (heat, age, bytes) = (meta.hits(), meta.age(now), meta.weight());
        let is_guess = node.entry.value().is_some_and(|value| self.weigher.is_guess(value));
        let figures = EntryFigures { heat, age, ttl_left: meta.ttl_left(now, &context.log), bytes, is_guess };
        Some((node.args.clone(), figures))
    }
}

/// Returns the hash of a key, and of its text, because the first alone is not unique.
fn hash_of(meta: &EntryMeta) -> u64 {
    u64::from(meta.hash()) | meta.text_hash() << 32
}
