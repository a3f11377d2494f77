//! [`Cipher`]: `XChaCha20-Poly1305` with one secret key.

use chacha20poly1305::aead::Generate as _;
use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};

use super::secret::SecretKey;

/// The length of a nonce, in bytes.
pub(super) const NONCE: usize = 24;
/// The length of the tag behind the encrypted bytes.
pub(super) const TAG: usize = 16;

/// Returns a nonce that was never used: 24 random bytes. `None` if the system has none.
pub(super) fn nonce() -> Option<[u8; NONCE]> {
    <[u8; NONCE]>::try_generate().ok()
}

/// A secret key that encrypts and decrypts.
#[derive(Clone)]
pub(super) struct Cipher(XChaCha20Poly1305);

impl Cipher {
    pub(super) fn new(secret: &SecretKey) -> Self {
        Self(XChaCha20Poly1305::new(secret.bytes().into()))
    }

    /// Encrypts a text in place. Returns the tag, which authenticates it and the associated bytes; `None` if the text is too long.
    pub(super) fn encrypt(&self, nonce: &[u8; NONCE], associated: &[u8], text: &mut [u8]) -> Option<[u8; TAG]> {
        let tag = self.0.encrypt_inout_detached(&XNonce::from(*nonce), associated, text.into()).ok()?;
        Some(tag.into())
    }

    /// Decrypts a text with its tag behind it; `None` if it or the associated bytes are not those that were encrypted.
    pub(super) fn decrypt(&self, nonce: &[u8; NONCE], associated: &[u8], text: &[u8]) -> Option<Vec<u8>> {
        let (text, tag) = text.split_last_chunk::<TAG>()?;
        let mut text = text.to_vec();
        let decrypted = self.0.decrypt_inout_detached(
            &XNonce::from(*nonce),
            associated,
            text.as_mut_slice().into(),
            &Tag::from(*tag),
        );
        decrypted.ok().map(|()| text)
    }
}
