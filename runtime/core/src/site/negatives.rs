//! The negative entries of a key template, separate for each type of value. Keys and values are type-erased, so that this code is compiled
//! once and not in each crate that has call sites.

use std::any::{Any, TypeId};
use std::sync::Arc;

use crate::handle::Fastness;
use crate::key::{AnyKey, Hashed, Scopes};
use crate::l1::{Entry, FoundEntry, L1, Lifetime, LoadStart};

/// The content of a negative entry: a cached absence or error.
#[derive(Clone)]
pub(super) struct ErasedNegative {
    pub(super) what: What,
    /// The end of its load, in nanoseconds of the clock: each reader applies a lifetime of its own.
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
