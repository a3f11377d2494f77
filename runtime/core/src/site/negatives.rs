//! The negative entries of a key template, separate for each type of value. Keys and values are type-erased, so that this code is compiled
//! once and not in each crate that has call sites.

use std::any::{Any, TypeId};
use std::sync::Arc;

use super::by_text::KeyTexts;
use crate::handle::Fastness;
use crate::key::template::bounded;
use crate::key::{AnyKey, Hashed, OwnedKey, Scopes};
#[cfg(feature = "settings")]
use crate::l1::AnyStore;
use crate::l1::{Entry, EntryRank, FoundEntry, KeyList, L1, Lifetime, ListedEntry, LoadStart};

/// The content of a negative entry: a cached absence or error.
#[derive(Clone)]
pub(super) struct ErasedNegative {
    pub(super) what: What,
    /// The times of its load, in nanoseconds of the clock: each reader applies a lifetime of its own.
    pub(super) began: u64,
    pub(super) ended: u64,
}

#[derive(Clone)]
pub(super) enum What {
    Absent,
    Failed(Arc<dyn Any + Send + Sync>),
}

/// The negative entries of one key template and type of value.
pub(super) struct Negatives(Arc<L1<AnyKey, ErasedNegative>>);

impl Negatives {
    /// The negative entries of a handle for a key template and a type of values: an absence of one type says nothing about another type
    /// under the same key.
    pub(super) fn new(
        handle: &Fastness,
        shape: &str,
        function: Option<TypeId>,
        value: TypeId,
        capacity: Option<usize>,
    ) -> Self {
        Self(handle.store(&format!("{shape} {value:?}"), function, capacity))
    }

    /// Returns the address of the store, and its keys, which have these texts.
    pub(super) fn keys<K: OwnedKey>(&self, texts: KeyTexts<K>) -> (usize, Arc<dyn KeyList>) {
        (Arc::as_ptr(&self.0).addr(), Arc::new(NegativeKeys { entries: self.0.clone(), texts }))
    }

    /// Returns the store.
    #[cfg(feature = "settings")]
    pub(super) fn store(&self) -> Arc<dyn AnyStore> {
        self.0.clone()
    }

    /// Names the function whose negative entries these are, for events, and the texts of its keys.
    pub(super) fn set_name<K: OwnedKey>(&self, function: &Arc<str>, texts: KeyTexts<K>) {
        let text = move |key: &AnyKey| key.downcast_ref().map_or_else(String::new, |key| bounded(texts.text(key)));
        self.0.set_name(function, true, text);
    }

    /// Returns whether nothing is cached, as for most functions.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The negative entry of this key, if it is valid, fresh or not.
    pub(super) fn get(&self, key: &Hashed<AnyKey>) -> Option<FoundEntry<ErasedNegative>> {
        self.0.get(key)
    }

    pub(super) fn insert(
        &self,
        key: Hashed<AnyKey>,
        negative: ErasedNegative,
        (start, life): (LoadStart, Lifetime),
        scopes: &Scopes,
    ) {
        self.0.insert(key, Entry::new(negative, start, life, scopes));
    }

    /// Removes the negative entry of this key, unless its load began later than the one with this number.
    pub(super) fn remove(&self, key: &Hashed<AnyKey>, number: u64) {
        self.0.remove(key, number);
    }

    /// Returns whether the load of the negative entry of this key began later than the one with this number.
    pub(super) fn has_newer(&self, key: &Hashed<AnyKey>, number: u64) -> bool {
        self.0.has_newer(key, number)
    }
}

/// The keys of negative entries, whose arguments are of one type.
struct NegativeKeys<K> {
    entries: Arc<L1<AnyKey, ErasedNegative>>,
    texts: KeyTexts<K>,
}

impl<K: OwnedKey> KeyList for NegativeKeys<K> {
    fn rank(&self, visit: &mut dyn FnMut(EntryRank, usize)) {
        self.entries.rank(visit);
    }

    fn describe(&self, hash: u64) -> Option<ListedEntry> {
        let (key, figures) = self.entries.describe(hash)?;
        let text = self.texts.text(key.downcast_ref()?);
        Some(ListedEntry { text, figures, is_negative: true })
    }
}
