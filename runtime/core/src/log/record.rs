//! One invalidation or refresh: the scopes to raise, and the roots whose entries have to look again.

use crate::key::scopes::tag;
use crate::key::{Pattern, Scope};

/// The key of a scope's last refresh in a table of positions. It is in the same bucket as the scope, whose low half is the same.
pub(crate) fn expiry_of(scope: u64) -> u64 {
    scope ^ (0xA5C3_96E1 << 32)
}

/// What one invalidation or refresh concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(super) scopes: Vec<u64>,
    pub(super) roots: Vec<u16>,
    pub(super) tags: bool,
    pub(super) clear: bool,
    pub(super) expires: bool,
}

impl Record {
    /// Everything.
    pub(crate) fn clear() -> Self {
        Self { clear: true, ..Self::default() }
    }

    /// One key or prefix.
    pub(crate) fn from_pattern(pattern: Pattern) -> Self {
        Self { scopes: vec![pattern.scope], roots: vec![pattern.root], ..Self::default() }
    }

    /// What these scopes reach.
    pub(crate) fn from_scopes(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut record = Self::default();
        for scope in scopes {
            match scope.pattern() {
                Ok(Pattern { scope, root }) => record.push(scope, root),
                Err(tag) => record.push_tag(tag),
            }
        }
        record
    }

    /// The same scopes for a refresh: what began before is expired, not invalid. Everything is invalidated all the same, because
    /// it has no scope.
    #[must_use]
    pub(crate) fn into_refresh(mut self) -> Self {
        self.expires = !self.clear;
        self
    }

    /// Adds a key or a prefix.
    pub(crate) fn push(&mut self, scope: u64, root: u16) {
        self.scopes.push(scope);
        self.roots.push(root);
    }

    /// Adds a tag.
    pub(crate) fn push_tag(&mut self, text: &str) {
        self.scopes.push(tag(text));
        self.tags = true;
    }

    /// Everything that one of these concerns: to be expired if each of them is a refresh, and else to be invalidated.
    #[cfg(feature = "redis")]
    pub(crate) fn union<'a>(records: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self { expires: true, ..Self::default() };
        for record in records {
            all.expires &= record.expires;
            all.scopes.extend(&record.scopes);
            all.roots.extend(&record.roots);
            all.tags |= record.tags;
            all.clear |= record.clear;
        }
        all.scopes.sort_unstable();
        all.scopes.dedup();
        all.roots.sort_unstable();
        all.roots.dedup();
        all
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.scopes.is_empty() && !self.clear
    }

    pub(crate) fn is_clear(&self) -> bool {
        self.clear
    }

    /// True for a refresh, which expires what it concerns; an invalidation forbids it.
    pub(crate) fn is_refresh(&self) -> bool {
        self.expires
    }

    pub(crate) fn has_tags(&self) -> bool {
        self.tags
    }

    #[cfg(any(test, feature = "redis"))]
    pub(crate) fn scopes(&self) -> &[u64] {
        &self.scopes
    }

    /// The keys under which the record is in a table of positions: a scope is expired under another key than it is invalidated.
    pub(crate) fn raised(&self) -> impl Iterator<Item = u64> {
        self.scopes.iter().map(|&scope| if self.expires { expiry_of(scope) } else { scope })
    }

    pub(crate) fn roots(&self) -> &[u16] {
        &self.roots
    }
}
