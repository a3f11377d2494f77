//! Bytes that are no value.

/// Why bytes are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Something else wrote them.
    NotOurs,
    /// A version of fastness did that this one does not know.
    OtherVersion,
    /// They are cut off, or some of them have changed.
    Damaged,
    /// They are another key's.
    OtherKey,
    /// They are of another type, or of another version of it.
    OtherType,
    /// They are in a format that this build does not have.
    UnknownFormat,
    /// They are larger than is allowed once they are decompressed.
    #[cfg(feature = "compression")]
    TooLarge,
}
