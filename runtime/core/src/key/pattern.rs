//! Patterns given at run time: `user:42`, or `user:*`.

use super::scopes::{self, Scopes};

/// What to invalidate, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub(crate) scope: u64,
    pub(crate) root: u16,
}

impl Pattern {
    /// A key as it is stored, or a prefix of whole segments followed by `:*`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let bad = |why: &str| Err(format!("`{text}` is not a pattern: {why}"));
        if text.is_empty() || text.starts_with([':', '*']) || text.ends_with(':') {
            return bad("write a key such as `user:42`, or a prefix such as `user:*`");
        }
        let Some(prefix) = text.strip_suffix(":*") else {
            return if text.contains('*') { bad(WILDCARD) } else { Ok(Self::exact(text)) };
        };
        if prefix.contains('*') { bad(WILDCARD) } else { Ok(Self::prefix(prefix)) }
    }

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

const WILDCARD: &str = "`*` may only stand alone behind the last colon, as in `user:*`; to invalidate across prefixes give the entries a tag and invalidate that";
