//! Digests of an argument's serde form, and of keys that are too long to be stored.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

mod canonical;

/// The first 128 bits of a SHA-256.
///
/// The digest is cryptographic, because the input of `{filter:hash}` may come from an attacker, and a forged collision would give one
/// caller another caller's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Digests a value by its serde form. Equal `HashMap`s and `HashSet`s have equal digests.
    ///
    /// A value whose `Serialize` fails gets a new digest each time: it is never found, and never confused with another.
    pub(crate) fn from_value<T: Serialize + ?Sized>(value: &T) -> Self {
        canonical::hash(value).map_or_else(|_| Self::unique(), Self::finish)
    }

    /// Digests bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self::finish(Sha256::new_with_prefix(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn finish(hash: Sha256) -> Self {
        let mut short = [0; 16];
        short.copy_from_slice(&hash.finalize()[..16]);
        Self(short)
    }

    fn unique() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_ne_bytes());
        bytes[8..].copy_from_slice(&fastrand::u64(..).to_ne_bytes());
        Self(bytes)
    }
}

#[cfg(test)]
mod tests;
