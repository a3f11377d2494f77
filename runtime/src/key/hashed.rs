//! Keys that bring their hash along, so that nothing is hashed twice.

use std::hash::{BuildHasher, Hash, Hasher};

/// Owned arguments and their hash. Equality is the arguments', never the hash's alone.
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

/// The hasher that takes the hash as it is.
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
        debug_assert!(false, "a key's hash is a u64");
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
