//! One cached value, and the data by which it is judged.

use std::time::Duration;

use super::deferred_drops;
use super::meta::{EntryMeta, age};
use super::times::{Lifetime, LoadStart};
use crate::key::Scopes;
use crate::log::{Judgement, Log};

/// A value in the local tier. A small value, and the fields that a hit reads, share one or two cache lines with the key.
#[repr(C)]
pub(crate) struct Entry<V: 'static> {
    /// `Some` until the entry is dropped, which defers the `Drop` of the value.
    value: Option<V>,
    meta: EntryMeta,
}

/// A copy of an entry that was found valid.
#[derive(Clone, Debug)]
pub(crate) struct FoundEntry<V> {
    pub(crate) value: V,
    /// The times that bound its use. Here `early_from` is the time until which a hit may serve it.
    pub(crate) life: Lifetime,
    /// The time until which a hit may serve it; zero once a refresh record was found.
    pub(crate) fresh_until: u64,
    /// The time before which the origin is not called again after a failure; see stale-if-error.
    pub(crate) retry_at: u64,
    pub(crate) start: LoadStart,
    /// The time at which its load ended, for its age.
    pub(crate) loaded: u32,
}

impl<V> FoundEntry<V> {
    pub(crate) fn is_fresh(&self, now: u64) -> bool {
        now < self.life.expires.min(self.life.local_until) && !self.is_refreshed()
    }

    /// Returns the time since its load ended, in whole seconds.
    pub(crate) fn age(&self, now: u64) -> Duration {
        age(self.loaded, now)
    }

    /// Returns whether a refresh record came after its load began, so that it is expired whatever its ttl.
    pub(crate) fn is_refreshed(&self) -> bool {
        self.fresh_until == 0
    }
}

impl<V: 'static> Drop for Entry<V> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            deferred_drops::defer_drop(value);
        }
    }
}

impl<V: 'static> Entry<V> {
    /// Returns the data that does not depend on the type of the value.
    #[inline]
    pub(super) fn meta(&self) -> &EntryMeta {
        &self.meta
    }

    pub(super) fn meta_mut(&mut self) -> &mut EntryMeta {
        &mut self.meta
    }

    /// Returns the value, for its weight.
    pub(super) fn value(&self) -> Option<&V> {
        self.value.as_ref()
    }

    /// Returns the number of its load.
    pub(crate) fn number(&self) -> u64 {
        self.meta.number()
    }
}

impl<V: Clone + 'static> Entry<V> {
    pub(crate) fn new(value: V, start: LoadStart, life: Lifetime, scopes: &Scopes) -> Self {
        Self { value: Some(value), meta: EntryMeta::new(start, &life, scopes) }
    }

    /// Returns the value if it is fresh and valid.
    #[inline]
    pub(crate) fn hit(&self, now: u64, log: &Log) -> Option<&V> {
        if self.meta.is_hit(now, log) { self.value.as_ref() } else { None }
    }

    /// Returns a copy of the entry if it is valid, fresh or not, and not idle; notes the read.
    pub(super) fn get_at(&self, now: u64, log: &Log) -> Option<FoundEntry<V>> {
        if self.meta.is_unread(now) {
            return None;
        }
        self.meta.note_read(now);
        self.get(log)
    }

    /// Returns a copy of the entry if it is valid, fresh or not.
    pub(crate) fn get(&self, log: &Log) -> Option<FoundEntry<V>> {
        let value = self.value.as_ref().filter(|_| self.meta.judge(log) != Judgement::Invalidated)?.clone();
        self.meta.count();
        let (life, fresh_until, start) = (self.meta.life(), self.meta.fresh_until(), self.meta.start());
        let loaded = self.meta.loaded();
        Some(FoundEntry { value, life, fresh_until, retry_at: 0, start, loaded })
    }
}
