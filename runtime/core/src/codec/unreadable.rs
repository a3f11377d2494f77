//! The reasons why an envelope is rejected.

#[cfg(feature = "encryption")]
use super::secret_id::SecretId;

/// Reason why an envelope could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Another program wrote the bytes.
    NotOurs,
    /// An unknown version of fastness wrote them.
    OtherVersion,
    /// Bytes are missing or have changed.
    Damaged,
    /// The value is of another key.
    OtherKey,
    /// The value is of another type, or of another version of it.
    OtherType,
    /// The format is not known to this build.
    UnknownFormat,
    /// The decompressed payload is larger than allowed.
    #[cfg(feature = "compression")]
    TooLarge,
    /// The value is encrypted with a secret key that the keyring lacks.
    #[cfg(feature = "encryption")]
    UnknownSecret(SecretId),
    /// The value is not encrypted although there is a keyring, or the secret key of this id did not encrypt it for this key and these
    /// times.
    #[cfg(feature = "encryption")]
    Forged(Option<SecretId>),
}
