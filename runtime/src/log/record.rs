//! One invalidation: the scopes to raise, and the roots whose entries have to look again.

use crate::key::Pattern;
use crate::key::scopes::tag;

/// What one invalidation concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(super) scopes: Vec<u64>,
    pub(super) roots: Vec<u16>,
    pub(super) tags: bool,
    pub(super) clear: bool,
}

impl Record {
    /// Everything.
    pub(crate) fn clear() -> Self {
        Self { clear: true, ..Self::default() }
    }

    /// One key or prefix.
    pub(crate) fn of(pattern: Pattern) -> Self {
        Self { scopes: vec![pattern.scope], roots: vec![pattern.root], ..Self::default() }
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

    /// Everything that one of these concerns.
    #[cfg(feature = "redis")]
    pub(crate) fn union<'a>(records: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for record in records {
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

    pub(crate) fn has_tags(&self) -> bool {
        self.tags
    }

    pub(crate) fn scopes(&self) -> &[u64] {
        &self.scopes
    }

    pub(crate) fn roots(&self) -> &[u16] {
        &self.roots
    }
}
