//! Digests of keys and requests.

use sha2::{Digest as _, Sha256};

/// The first half of a SHA-256: no other text with the same digest can be found.
pub(super) type Digest = [u8; 16];

/// The digest of parts that cannot run into each other: each is fed with its length before it.
pub(super) fn digest(feed: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Digest {
    let mut hash = Sha256::new();
    feed(&mut |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    });
    let mut short = Digest::default();
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}
