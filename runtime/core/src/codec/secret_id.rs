//! The id of a secret key, by which an envelope names the one that encrypted it.

use std::fmt;

/// Maximum length of an id, in bytes.
pub(super) const MAX_ID: usize = 16;

/// The id of a secret key: at most 16 letters, digits, `.`, `-` and `_`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SecretId {
    length: u8,
    bytes: [u8; MAX_ID],
}

impl SecretId {
    /// Parses an id; `None` if it is none.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let is_id = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
        if text.is_empty() || text.len() > MAX_ID || !text.iter().all(is_id) {
            return None;
        }
        let mut bytes = [0; MAX_ID];
        bytes[..text.len()].copy_from_slice(text);
        Some(Self { length: u8::try_from(text.len()).ok()?, bytes })
    }

    pub(crate) fn as_str(&self) -> &str {
        // Only ASCII is parsed.
        std::str::from_utf8(&self.bytes[..self.length.into()]).unwrap_or_default()
    }
}

impl fmt::Debug for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
