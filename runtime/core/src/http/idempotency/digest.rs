//! Digests of keys and requests.

use sha2::{Digest as _, Sha256};

/// First half of a SHA-256, which is collision-resistant enough to stand for its input.
pub(super) type RequestDigest = [u8; 16];

/// Returns the digest of several parts. Each is preceded by its length, so that parts cannot run into each other.
pub(super) fn digest(feed: impl FnOnce(&mut dyn FnMut(&[u8]))) -> RequestDigest {
    let mut hash = Sha256::new();
    feed(&mut |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    });
    let mut short = RequestDigest::default();
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}
