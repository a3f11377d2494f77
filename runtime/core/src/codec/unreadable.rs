//! The reasons why an envelope is rejected.

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
}
