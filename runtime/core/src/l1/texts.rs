//! Entries by the texts of their keys, for direct calls, which know no more of a key than that.
//!
//! A text leads to the hash by which the index knows its key, by way of the text's own hash, which each entry has as its first scope.
//! So it is the same code for all types of keys and values. Whoever looks compares the key that is found with the text: two texts
//! of one hash take each other's place here, which costs a load and nothing else.
//!
//! A store has none until it is first asked for, and then pays for it where an entry comes or goes.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::key::Prehashed;
use crate::sync::{Mutex, lock};

/// Hashes of keys by the hashes of their texts.
#[derive(Default)]
pub(super) struct Texts {
    hashes: Mutex<HashMap<u64, u64, Prehashed>>,
    /// Whether the entries are in it that were there before.
    filled: OnceLock<()>,
}

impl Texts {
    /// Fills it, once; others wait until it is done.
    pub(super) fn fill(&self, fill: impl FnOnce()) {
        self.filled.get_or_init(fill);
    }

    pub(super) fn get(&self, text: u64) -> Option<u64> {
        lock(&self.hashes).get(&text).copied()
    }

    pub(super) fn insert(&self, text: u64, hash: u64) {
        lock(&self.hashes).insert(text, hash);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        lock(&self.hashes).len()
    }

    /// Removes a text, unless it leads to another key by now.
    pub(super) fn remove(&self, text: u64, hash: u64) {
        let mut hashes = lock(&self.hashes);
        if hashes.get(&text) == Some(&hash) {
            hashes.remove(&text);
            if hashes.len() < hashes.capacity() / 8 {
                hashes.shrink_to_fit();
            }
        }
    }
}
