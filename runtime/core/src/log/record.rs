//! The record of one invalidation or refresh: the scopes to raise, and the roots whose entries have to be judged again.

use crate::key::scopes::tag;
use crate::key::{Pattern, Scope};

/// Returns the table key of a scope's last refresh. Its low half is the scope's, so both are in one bucket.
pub(crate) fn expiry_of(scope: u64) -> u64 {
    scope ^ (0xA5C3_96E1 << 32)
}

/// Item of the log: the scopes that an invalidation or a refresh concerns. Records with the same scopes are equal, whatever their texts.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // independent of each other
pub(crate) struct Record {
    pub(super) scopes: Vec<u64>,
    pub(super) roots: Vec<u16>,
    pub(super) tags: bool,
    pub(super) clear: bool,
    pub(super) expires: bool,
    /// The texts of scopes, for events: only those that this process has made while a subscription wanted them.
    pub(super) texts: Vec<Box<str>>,
    /// True if it sends no event.
    pub(super) silent: bool,
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        let parts = |record: &Self| (record.tags, record.clear, record.expires);
        (&self.scopes, &self.roots, parts(self)) == (&other.scopes, &other.roots, parts(other))
    }
}

impl Eq for Record {}

impl Record {
    /// Makes the record that invalidates everything.
    pub(crate) fn clear() -> Self {
        Self { clear: true, ..Self::default() }
    }

    /// Makes the record that invalidates one key or prefix.
    pub(crate) fn from_pattern(pattern: Pattern) -> Self {
        Self { scopes: vec![pattern.scope], roots: vec![pattern.root], ..Self::default() }
    }

    /// Makes the record that invalidates these scopes, with their texts for events if `named`.
    pub(crate) fn from_named_scopes(named: bool, scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut record = Self::default();
        for scope in scopes {
            if named {
                record.name(scope.text());
            }
            match scope.pattern() {
                Ok(Pattern { scope, root }) => record.push(scope, root),
                Err(tag) => record.push_tag(tag),
            }
        }
        record
    }

    /// Turns the record into a refresh of the same scopes: loads that began before become expired, not invalid. A record of everything
    /// stays an invalidation, because it has no scope.
    #[must_use]
    pub(crate) fn into_refresh(mut self) -> Self {
        self.expires = !self.clear;
        self
    }

    /// Makes the record send no event, in this process.
    #[cfg(any(feature = "redis", feature = "http"))]
    #[must_use]
    pub(crate) fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// Returns whether it sends no event.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent
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

    /// Notes the text of a scope: `user:7`, `user:*`, or `#team:7` for a tag.
    pub(crate) fn name(&mut self, text: String) {
        self.texts.push(text.into());
    }

    /// Replaces the texts of its scopes.
    #[cfg(feature = "redis")]
    pub(crate) fn with_texts(self, texts: Vec<Box<str>>) -> Self {
        Self { texts, ..self }
    }

    /// Returns the texts of its scopes, as far as they are known.
    pub(crate) fn texts(&self) -> &[Box<str>] {
        &self.texts
    }

    /// Makes one record of several: a refresh if all of them are refreshes, otherwise an invalidation.
    #[cfg(feature = "redis")]
    pub(crate) fn union<'a>(records: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self { expires: true, ..Self::default() };
        for record in records {
            all.expires &= record.expires;
            all.extend(record);
        }
        all.dedup();
        all
    }

    /// Adds the scopes of a record of the same kind. Scopes that are added again and again take room only once.
    pub(crate) fn absorb(&mut self, other: &Self) {
        let crosses = |before: usize, after: usize| before.next_power_of_two() < after;
        let before = self.scopes.len();
        self.expires |= other.expires;
        self.extend(other);
        if crosses(before.max(64), self.scopes.len()) {
            self.dedup();
        }
    }

    /// Splits the record into parts of at most this many scopes; none if it is empty. A record of everything is a part of its own: the
    /// scopes beside it may name keys whose bytes have to be erased.
    pub(crate) fn split(mut self, scopes: usize) -> Vec<Self> {
        self.dedup();
        let clear = std::mem::take(&mut self.clear).then(Self::clear);
        let all = std::mem::take(&mut self.scopes);
        if all.len() > scopes {
            // The text of a scope does not say to which part it belongs.
            self.texts = Vec::new();
        }
        let parts = all.chunks(scopes).map(|part| Self { scopes: part.to_vec(), ..self.clone() });
        parts.chain(clear).collect()
    }

    fn extend(&mut self, other: &Self) {
        self.scopes.extend(&other.scopes);
        self.roots.extend(&other.roots);
        self.tags |= other.tags;
        self.clear |= other.clear;
        self.texts.extend_from_slice(&other.texts);
    }

    fn dedup(&mut self) {
        self.scopes.sort_unstable();
        self.scopes.dedup();
        self.roots.sort_unstable();
        self.roots.dedup();
        self.texts.sort_unstable();
        self.texts.dedup();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.scopes.is_empty() && !self.clear
    }

    pub(crate) fn is_clear(&self) -> bool {
        self.clear
    }

    /// Returns true for a refresh, false for an invalidation.
    pub(crate) fn is_refresh(&self) -> bool {
        self.expires
    }

    pub(crate) fn has_tags(&self) -> bool {
        self.tags
    }

    pub(crate) fn scopes(&self) -> &[u64] {
        &self.scopes
    }

    /// Returns the table keys that the record raises: invalidations and refreshes of one scope have different keys.
    pub(crate) fn raised(&self) -> impl Iterator<Item = u64> {
        self.scopes.iter().map(|&scope| if self.expires { expiry_of(scope) } else { scope })
    }

    pub(crate) fn roots(&self) -> &[u16] {
        &self.roots
    }
}
