//! Owned keys with their hash, so that no key is hashed twice.

use std::any::Any;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use super::scopes::Scopes;

/// Owned arguments, as entries store them.
pub trait OwnedKey: Clone + Eq + Send + Sync + 'static {}

impl<K: Clone + Eq + Send + Sync + 'static> OwnedKey for K {}

/// Type-erased owned arguments: code that takes these is compiled once, not once per key type.
#[derive(Clone)]
pub(crate) struct AnyKey(Arc<dyn ErasedKey>);

trait ErasedKey: Any + Send + Sync {
    fn is(&self, other: &dyn Any) -> bool;
}

impl AnyKey {
    /// Returns the arguments, if they are of this type.
    pub(crate) fn downcast_ref<K: OwnedKey>(&self) -> Option<&K> {
        let key: &dyn Any = &*self.0;
        key.downcast_ref()
    }
}

impl<K: OwnedKey> ErasedKey for K {
    fn is(&self, other: &dyn Any) -> bool {
        other.downcast_ref() == Some(self)
    }
}

impl PartialEq for AnyKey {
    fn eq(&self, other: &Self) -> bool {
        let other: &dyn Any = &*other.0;
        self.0.is(other)
    }
}

impl Eq for AnyKey {}

impl<K: OwnedKey> Hashed<K> {
    /// Erases the type of the arguments.
    pub(crate) fn erased(&self) -> Hashed<AnyKey> {
        Hashed { hash: self.hash, args: AnyKey(Arc::new(self.args.clone())) }
    }
}

/// Owned arguments and their hash. Equal only if the arguments are, never by the hash alone.
#[derive(Clone, Debug)]
pub(crate) struct Hashed<K> {
    pub(crate) hash: u64,
    pub(crate) args: K,
}

impl<K: Eq> PartialEq for Hashed<K> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.args == other.args
    }
}

impl<K: Eq> Eq for Hashed<K> {}

impl<K> Hash for Hashed<K> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// The key of one call in all its forms: arguments, scopes and text.
#[derive(Debug)]
pub(crate) struct CallKey<'a, K> {
    pub(crate) args: &'a Hashed<K>,
    pub(crate) scopes: &'a Scopes,
    /// The key's text, bounded by [`bounded`](super::template::bounded).
    pub(crate) text: &'a str,
}

impl<K> Clone for CallKey<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for CallKey<'_, K> {}

impl<'a, K> CallKey<'a, K> {
    /// Returns the key's text with its hash, as direct calls look keys up.
    pub(crate) fn text(&self) -> KeyText<'a> {
        KeyText { hash: self.scopes.hashes()[0], text: self.text }
    }
}

/// The bounded text of a key, and the hash of its full text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyText<'a> {
    pub(crate) hash: u64,
    pub(crate) text: &'a str,
}

/// Hasher that passes an existing hash through.
#[derive(Clone, Copy, Default)]
pub(crate) struct Prehashed(u64);

impl BuildHasher for Prehashed {
    type Hasher = Self;

    #[inline]
    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for Prehashed {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        debug_assert!(false, "`Hashed` feeds a u64 only");
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erased_keys_differ_by_hash_arguments_and_type() {
        let key = |hash, args: u64| Hashed { hash, args }.erased();
        assert!(key(1, 7) == key(1, 7));
        assert!(key(1, 7) != key(1, 8) && key(1, 7) != key(2, 7));
        assert!(key(1, 7) != Hashed { hash: 1, args: 7_u32 }.erased());
    }
}
