//! Lookups in the index of the local tier.

use scc::Equivalent;

use crate::key::Hashed;
use crate::key::args::Args;

/// A lookup by borrowed arguments.
pub(super) struct ArgsProbe<'a, A> {
    pub(super) hash: u64,
    pub(super) args: &'a A,
}

impl<A: Args> Equivalent<Hashed<A::Owned>> for ArgsProbe<'_, A> {
    #[inline]
    fn equivalent(&self, key: &Hashed<A::Owned>) -> bool {
        self.hash == key.hash && self.args.same(&key.args)
    }
}

/// A lookup by an owned key or by a hash alone, for all paths except a hit. It is one type, so that the index is compiled once for all of
/// them.
pub(super) struct KeyQuery<'a, K> {
    pub(super) hash: u64,
    /// `None` for lookups by the queue, which knows hashes only. Two keys with one hash share a position there, which is harmless.
    pub(super) args: Option<&'a K>,
}

impl<'a, K> KeyQuery<'a, K> {
    pub(super) fn from_key(key: &'a Hashed<K>) -> Self {
        Self { hash: key.hash, args: Some(&key.args) }
    }

    pub(super) fn by_hash(hash: u64) -> Self {
        Self { hash, args: None }
    }
}

impl<K: Eq> Equivalent<Hashed<K>> for KeyQuery<'_, K> {
    fn equivalent(&self, key: &Hashed<K>) -> bool {
        self.hash == key.hash && self.args.is_none_or(|args| *args == key.args)
    }
}
