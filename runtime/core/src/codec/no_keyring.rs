//! The keyring of builds without the feature `encryption`, of which there is none.

use super::unreadable::Unreadable;

/// A keyring in a build that cannot encrypt: it has no values.
#[derive(Debug)]
pub(crate) enum NoKeyring {}

/// The digest of a key, which no keyring makes either.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoNameDigest;

impl NoNameDigest {
    #[expect(clippy::unused_self, reason = "the digest of builds that encrypt has a text")]
    pub(crate) fn as_str(self) -> &'static str {
        ""
    }
}

impl NoKeyring {
    pub(crate) fn name(&self, _: &str) -> NoNameDigest {
        match *self {}
    }

    pub(crate) fn hash(&self, _: u64) -> u64 {
        match *self {}
    }

    pub(super) fn begin(&self, _: &mut Vec<u8>) -> Option<()> {
        match *self {}
    }

    pub(super) fn encrypt(&self, _: &str, _: &[u8], _: &mut [u8]) -> Option<[u8; 16]> {
        match *self {}
    }

    pub(super) fn decrypt(&self, _: &str, _: &[u8], _: &[u8]) -> Result<Vec<u8>, Unreadable> {
        match *self {}
    }
}
