//! Responses whose bodies are still coming, for later requests to join.

use std::collections::HashMap;
use std::sync::Arc;

use super::stored::{ResponseEntry, Stored, StoredResponse};
use super::target::StoredKey;
use crate::engine::Background;
use crate::flight::FlightRef;
use crate::http::fill::FillBody;
use crate::key::{Hashed, Prehashed};
use crate::log::Epoch;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::sync::{Mutex, lock};

/// Maximum number of responses of one resource that can be joined at a time, its variants included.
const MAX_PER_KEY: usize = 16;

/// Response whose body is still coming.
pub(super) struct Fill {
    /// The response as it is stored at the end, but without a body.
    pub(super) head: Arc<ResponseEntry>,
    /// The epoch at which its load began.
    pub(super) epoch: Epoch,
    /// The time after which no request joins it, in nanoseconds.
    pub(super) joinable_until: u64,
    pub(super) body: Arc<FillBody>,
    pub(super) flight: FlightRef,
    /// Number that no other fill of the process has.
    pub(super) number: u64,
}

impl Fill {
    pub(super) fn recorded(&self) -> &StoredResponse {
        match &self.head.stored {
            Stored::Response(recorded) => recorded,
            Stored::Varies(_) => unreachable!("a fill has the head of a response"),
        }
    }
}

type FillsByKey = HashMap<Hashed<StoredKey>, Vec<Arc<Fill>>, Prehashed>;

/// Responses of one store whose bodies are still coming.
#[derive(Default)]
pub(super) struct Fills {
    /// The fills of each resource, by its key without a variant.
    by_key: Mutex<FillsByKey>,
    /// The number of fills.
    count: AtomicU64,
    /// Bounds the loads without clients.
    pub(super) background: Arc<Background>,
}

/// Place of a fill in the table. Dropping it removes the fill.
pub(super) struct FillPlace {
    fills: Arc<Fills>,
    key: Hashed<StoredKey>,
    pub(super) number: u64,
}

impl Fills {
    /// Makes a place for a fill.
    pub(super) fn place(self: &Arc<Self>, key: Hashed<StoredKey>) -> FillPlace {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        FillPlace { fills: self.clone(), key, number: NUMBER.fetch_add(1, Relaxed) }
    }

    /// Adds a fill, unless its resource has too many.
    pub(super) fn insert(&self, key: &Hashed<StoredKey>, fill: Arc<Fill>) {
        let mut by_key = lock(&self.by_key);
        let fills = by_key.entry(key.clone()).or_default();
        if fills.len() < MAX_PER_KEY {
            fills.push(fill);
            self.count.fetch_add(1, AcqRel);
        }
    }

    /// Finds the last fill of a resource that is wanted.
    pub(super) fn find(
        &self,
        key: impl FnOnce() -> Hashed<StoredKey>,
        is_wanted: impl Fn(&Fill) -> bool,
    ) -> Option<Arc<Fill>> {
        if self.count.load(Acquire) == 0 {
            return None;
        }
        let fills = lock(&self.by_key).get(&key())?.clone();
        fills.into_iter().rev().find(|fill| is_wanted(fill))
    }

    /// Returns the number of fills.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        lock(&self.by_key).values().map(Vec::len).sum()
    }
}

impl Drop for FillPlace {
    fn drop(&mut self) {
        let mut by_key = lock(&self.fills.by_key);
        let Some(fills) = by_key.get_mut(&self.key) else { return };
        let at = fills.iter().position(|fill| fill.number == self.number);
        let removed = at.map(|at| fills.remove(at));
        if fills.is_empty() {
            by_key.remove(&self.key);
        }
        drop(by_key);
        if removed.is_some() {
            self.fills.count.fetch_sub(1, AcqRel);
        }
    }
}
