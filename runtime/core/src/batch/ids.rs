//! The parameter types that can hold ids, and the map types that can hold values.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::slice;

use crate::shape::CacheValue;

/// A map from ids to values, as a batch function returns it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which value belongs to which id",
    label = "a batch returns a map",
    note = "return a `HashMap<Id, T>` or a `BTreeMap<Id, T>`, or a `Result` of one, where `Id` is the type of the list's elements"
)]
pub trait BatchMap: Sized {
    /// The type of ids.
    type Id: Clone + Send + Sync + 'static;
    /// The type of one element's value.
    type Value: CacheValue;
    /// An empty map.
    fn empty() -> Self;
    /// Reserves capacity for `more` entries, if the map has one.
    fn reserve(&mut self, more: usize);
    /// The value of an id.
    fn value(&self, id: &Self::Id) -> Option<&Self::Value>;
    /// Inserts the value of an id.
    fn put(&mut self, id: Self::Id, value: Self::Value);
    /// Removes the value of an id.
    fn remove(&mut self, id: &Self::Id);
    /// Inserts all entries of another map.
    fn absorb(&mut self, other: Self);
}

impl<Id: Clone + Eq + Hash + Send + Sync + 'static, V: CacheValue, H: BuildHasher + Default> BatchMap
    for HashMap<Id, V, H>
{
    type Id = Id;
    type Value = V;
    fn empty() -> Self {
        Self::default()
    }
    fn reserve(&mut self, more: usize) {
        self.reserve(more);
    }
    fn value(&self, id: &Id) -> Option<&V> {
        self.get(id)
    }
    fn put(&mut self, id: Id, value: V) {
        self.insert(id, value);
    }
    fn remove(&mut self, id: &Id) {
        self.remove(id);
    }
    fn absorb(&mut self, other: Self) {
        self.extend(other);
    }
}

impl<Id: Clone + Ord + Send + Sync + 'static, V: CacheValue> BatchMap for BTreeMap<Id, V> {
    type Id = Id;
    type Value = V;
    fn empty() -> Self {
        Self::new()
    }
    fn reserve(&mut self, _: usize) {}
    fn value(&self, id: &Id) -> Option<&V> {
        self.get(id)
    }
    fn put(&mut self, id: Id, value: V) {
        self.insert(id, value);
    }
    fn remove(&mut self, id: &Id) {
        self.remove(id);
    }
    fn absorb(&mut self, other: Self) {
        self.extend(other);
    }
}

/// The parameter that holds the ids: `&[Id]` or `Vec<Id>`.
pub trait BatchIds<'a>: Sized {
    /// The type of ids.
    type Id: Clone + 'a;
    /// Iterates over the ids.
    fn iter(&self) -> slice::Iter<'_, Self::Id>;
    /// The parameter with only the missing ids.
    fn lend(missing: &'a [Self::Id]) -> Self;
}

impl<'a, Id: Clone> BatchIds<'a> for &'a [Id] {
    type Id = Id;
    fn iter(&self) -> slice::Iter<'_, Id> {
        (**self).iter()
    }
    fn lend(missing: &'a [Id]) -> Self {
        missing
    }
}

impl<'a, Id: Clone + 'a> BatchIds<'a> for Vec<Id> {
    type Id = Id;
    fn iter(&self) -> slice::Iter<'_, Id> {
        self.as_slice().iter()
    }
    fn lend(missing: &'a [Id]) -> Self {
        missing.to_vec()
    }
}
