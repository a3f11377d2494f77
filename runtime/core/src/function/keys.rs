//! The keys of a function.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use crate::key::Key;
use crate::l1::{EntryRank, KeyList, ListedEntry};

/// The keys of a function, from [`CachedFunction::keys`](super::CachedFunction::keys).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Keys {
    /// The keys, the hottest first.
    pub keys: Vec<KeyInfo>,
    /// True if no entry was left out for the limit.
    pub is_complete: bool,
}

/// One key, and the figures of its entry in this process.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The key, as the direct API takes it.
    pub key: Key,
    /// The recent hits as eviction counts them: 0 to 3, where 3 is a hot entry.
    pub heat: u8,
    /// The time since this process stored the entry, in whole seconds. A value that was fetched from the shared tier was loaded before.
    pub age: Duration,
    /// The time for which the entry is fresh; zero if only its staleness is left. `None` if it has no expiry.
    pub ttl_left: Option<Duration>,
    /// The bytes that the entry counts for, as [`Builder::max_bytes`](crate::Builder::max_bytes) weighs it.
    pub bytes: usize,
    /// True for a stored absence or error.
    pub is_negative: bool,
}

/// Lists up to `limit` keys of these stores.
pub(super) fn list(stores: &[Arc<dyn KeyList>], limit: usize) -> Keys {
    let (ranked, is_complete) = hottest(stores, limit);
    let describe = |(_, store): (EntryRank, usize), hash| stores[store].describe(hash).map(info);
    let keys = ranked.into_iter().filter_map(|ranked| describe(ranked, ranked.0.hash)).collect();
    Keys { keys, is_complete }
}

/// Returns the ranks of up to `limit` entries, the hottest first, with the indexes of their stores; and whether these are all.
fn hottest(stores: &[Arc<dyn KeyList>], limit: usize) -> (Vec<(EntryRank, usize)>, bool) {
    let mut best = BinaryHeap::new();
    let mut is_complete = true;
    for (index, store) in stores.iter().enumerate() {
        store.rank(&mut |rank| {
            best.push(Reverse((rank, index)));
            if best.len() > limit {
                best.pop();
                is_complete = false;
            }
        });
    }
    // `Reverse`, so that the greatest comes first.
    (best.into_sorted_vec().into_iter().map(|Reverse(ranked)| ranked).collect(), is_complete)
}

fn info(ListedEntry { text, figures, is_negative }: ListedEntry) -> KeyInfo {
    let (heat, age, ttl_left, bytes) = (figures.heat, figures.age, figures.ttl_left, figures.bytes);
    KeyInfo { key: Key::from_rendered(text), heat, age, ttl_left, bytes, is_negative }
}
