//! The hashes by which a key or a prefix is invalidated.

use super::scopes::{self, Scopes};

/// A key or a prefix, as hashes for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub(crate) scope: u64,
    pub(crate) root: u16,
}

impl Pattern {
    /// Makes the pattern of one key.
    pub fn exact(key: &str) -> Self {
        Self { scope: scopes::hash(key), root: scopes::root(key) }
    }

    /// Makes the pattern of all keys that begin with these whole segments.
    pub fn prefix(segments: &str) -> Self {
        Self { scope: scopes::hash(&format!("{segments}:")), root: scopes::root(segments) }
    }
}

impl Scopes {
    /// Returns the pattern that invalidates this key alone.
    pub(crate) fn key_pattern(&self) -> Pattern {
        Pattern { scope: self.hashes()[0], root: self.root() }
    }
}
