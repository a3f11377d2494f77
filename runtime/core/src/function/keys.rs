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
    /// The keys, in the order of the list.
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
    /// The time since the load of the entry ended, in whole seconds; another process may have made it.
    pub age: Duration,
    /// The time for which the entry is fresh; zero if only its staleness is left. `None` if it has no expiry.
    pub ttl_left: Option<Duration>,
    /// The bytes that the entry counts for, as [`Builder::max_bytes`](crate::Builder::max_bytes) weighs it.
    pub bytes: usize,
    /// True if `bytes` has only the size of the value's type: it may take more, and neither `weigh` nor the type says how much.
    pub is_size_of_type: bool,
    /// True for a stored absence or error.
    pub is_negative: bool,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyOrder {
    /// The hottest first.
    Heat,
    /// The largest first, and of equally large ones the hottest.
    Bytes,
}

/// The place of an entry in a list, and the index of its store. The first of the list is the greatest.
type Ranked = (usize, EntryRank, usize);

/// Lists up to `limit` keys of these stores.
pub(super) fn list(stores: &[Arc<dyn KeyList>], limit: usize, order: KeyOrder) -> Keys {
    let (ranked, is_complete) = first(stores, limit, order);
    let keys = ranked.into_iter().filter_map(|(_, rank, store)| stores[store].describe(rank.hash).map(info)).collect();
    Keys { keys, is_complete }
}

/// Returns the ranks of the first `limit` entries, and whether these are all.
fn first(stores: &[Arc<dyn KeyList>], limit: usize, order: KeyOrder) -> (Vec<Ranked>, bool) {
    let mut best = BinaryHeap::new();
    let mut is_complete = true;
    for (index, store) in stores.iter().enumerate() {
        store.rank(&mut |rank, bytes| {
            best.push(Reverse((if order == KeyOrder::Bytes { bytes } else { 0 }, rank, index)));
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
    let is_size_of_type = figures.is_guess;
    KeyInfo { key: Key::from_rendered(text), heat, age, ttl_left, bytes, is_size_of_type, is_negative }
}
