//! [`Digester`]: digests of keys, by HMAC-SHA256, so that a name in Redis tells nothing of its key without the secret key.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::secret::SecretKey;

/// The length of the text of a digest: a mark, and 32 hexadecimal digits.
const LENGTH: usize = 33;
/// Separates digests of keys from digests of their hashes.
const OF_KEY: &[u8] = b"key";
const OF_HASH: &[u8] = b"hash";

/// The secret key of names.
#[derive(Clone)]
pub(super) struct Digester(Hmac<Sha256>);

/// The digest of a key, as it stands in a name: `@` and the first 128 bits in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameDigest([u8; LENGTH]);

impl NameDigest {
    pub(crate) fn as_str(&self) -> &str {
        // Only ASCII is written.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Digester {
    pub(super) fn new(secret: &SecretKey) -> Self {
        Self(Hmac::new_from_slice(secret.bytes()).expect("a key of any length"))
    }

    pub(super) fn digest(&self, key: &str) -> NameDigest {
        let digest = u128::from_be_bytes(self.first(OF_KEY, key.as_bytes()));
        let mut text = [b'@'; LENGTH];
        for (at, digit) in text[1..].iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[usize::try_from(digest >> (124 - 4 * at) & 15).unwrap_or_default()];
        }
        NameDigest(text)
    }

    pub(super) fn hash(&self, hash: u64) -> u64 {
        u64::from_le_bytes(self.first(OF_HASH, &hash.to_le_bytes()))
    }

    /// Returns the first bytes of the digest.
    fn first<const N: usize>(&self, kind: &[u8], of: &[u8]) -> [u8; N] {
        let digest = self.0.clone().chain_update(kind).chain_update(of).finalize().into_bytes();
        digest.first_chunk().copied().unwrap_or([0; N])
    }
}
