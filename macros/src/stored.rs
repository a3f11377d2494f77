//! May use: args, diag, key, policy, signature, subject, template, value.
//!
//! What `cacheable` and `cache_put` share: a key under which one value is stored, its tags and its limits.

use syn::Expr;

use crate::{
    args::Slot,
    diag::Diag,
    key::{Key, Skips},
    policy::Storing,
    signature::Params,
    template::Use,
    value,
};

/// A checked entry.
pub(crate) struct Stored {
    pub(crate) key: Key,
    pub(crate) tags: Vec<Key>,
    pub(crate) skips: Skips,
    pub(crate) condition: Option<Expr>,
    pub(crate) capacity: Option<usize>,
    /// Of the value's meaning; zero where none is given.
    pub(crate) version: usize,
    pub(crate) storing: Storing,
}

/// The checked tags of an entry, or the tags to invalidate.
pub(crate) fn tags(slot: &Slot<Expr>, params: &Params, diag: &mut Diag) -> Vec<Key> {
    let Some(list) = slot.value() else {
        return Vec::new();
    };
    let literals = value::strings("tags", list, diag);
    literals.into_iter().filter_map(|literal| Key::parse(literal, Use::Tag, params, diag)).collect()
}

/// The version, from 1; zero if none was given.
pub(crate) fn version(slot: &Slot<Expr>, diag: &mut Diag) -> usize {
    slot.value().and_then(|expr| value::count("version", expr, diag)).unwrap_or(0)
}

/// The capacity, if one was given.
pub(crate) fn capacity(slot: &Slot<Expr>, diag: &mut Diag) -> Option<usize> {
    slot.value().and_then(|expr| value::count("capacity", expr, diag))
}
