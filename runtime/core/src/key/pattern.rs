//! The hashes of a key or of a prefix of keys, by which both are invalidated.

use super::scopes::{self, Scopes};

/// A key or a prefix, as the log knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub(crate) scope: u64,
    pub(crate) root: u16,
}

impl Pattern {
    /// One key.
    pub fn exact(key: &str) -> Self {
        Self { scope: scopes::hash(key), root: scopes::root(key) }
    }

    /// All keys that start with these whole segments.
    pub fn prefix(segments: &str) -> Self {
        Self { scope: scopes::hash(&format!("{segments}:")), root: scopes::root(segments) }
    }
}

impl Scopes {
    /// What invalidates this key alone.
    pub(crate) fn own(&self) -> Pattern {
        Pattern { scope: self.hashes()[0], root: self.root() }
    }
}
