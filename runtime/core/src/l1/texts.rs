//! Table of keys by their texts, for direct calls, which know only the text of a key.
//!
//! Maps the hash of a text, which is the first scope of each entry, to the hash by which the index knows the key; so the code is the same
//! for all types of keys and values. A lookup compares the key that it finds with the text. Two texts with one hash replace each other,
//! which costs a load and nothing else.
//!
//! A store has no such table until the first lookup by text. Afterwards each insert and removal maintains it.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::key::Prehashed;
use crate::sync::{Mutex, lock};

/// Hashes of keys by the hashes of their texts.
#[derive(Default)]
pub(super) struct Texts {
    hashes: Mutex<HashMap<u64, u32, Prehashed>>,
    /// Set once the entries that existed before the table are in it.
    filled: OnceLock<()>,
}

impl Texts {
    /// Fills the table once; concurrent callers wait until it is filled.
    pub(super) fn fill(&self, fill: impl FnOnce()) {
        self.filled.get_or_init(fill);
    }

    pub(super) fn get(&self, text: u64) -> Option<u32> {
        lock(&self.hashes).get(&text).copied()
    }

    pub(super) fn insert(&self, text: u64, hash: u32) {
        lock(&self.hashes).insert(text, hash);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        lock(&self.hashes).len()
    }

    /// Removes a text, unless it belongs to another key by now.
    pub(super) fn remove(&self, text: u64, hash: u32) {
        let mut hashes = lock(&self.hashes);
        if hashes.get(&text) == Some(&hash) {
            hashes.remove(&text);
            if hashes.len() < hashes.capacity() / 8 {
                hashes.shrink_to_fit();
            }
        }
    }
}
