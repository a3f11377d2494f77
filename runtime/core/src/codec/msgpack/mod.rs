//! `MessagePack` with structs as maps, in serde's human-readable form: the format of `rmp-serde`, extended by nested options.
//!
//! `rmp-serde` reads from any `Read`, and all requests take one path. A cache mostly reads, so this reader takes a slice and has a short
//! path for each kind of value. The rare extension types are left to `rmp-serde`. Types get the same calls from both.
//!
//! Invariants: bytes of unknown origin are a value or an error; memory is reserved only for bytes that exist; nesting is bounded.

use serde::Serialize;
use serde::de::DeserializeOwned;

mod deserializer;
mod error;
mod members;
mod reader;
mod serializer;
mod writer;

pub(crate) use error::MsgpackError;
use error::msgpack_error;
use reader::MsgpackReader;
use writer::MsgpackWriter;

/// Reads a value. Fails if bytes follow it.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, MsgpackError> {
    let mut reader = MsgpackReader::new(bytes);
    let value = T::deserialize(&mut reader)?;
    if reader.is_done() { Ok(value) } else { Err(msgpack_error("there are bytes behind the value")) }
}

/// Appends the bytes of a value, with numbers as short as possible, or in the width of their types if `exact`. Returns whether all fields
/// of its structs are in them.
pub(crate) fn write<T: Serialize + ?Sized>(
    value: &T,
    exact: bool,
    bytes: &mut Vec<u8>,
) -> Result<Extent, MsgpackError> {
    fn with<T: Serialize + ?Sized, const EXACT: bool>(value: &T, bytes: &mut Vec<u8>) -> Result<Extent, MsgpackError> {
        let mut writer = MsgpackWriter::<EXACT>::new(bytes);
        value.serialize(&mut writer)?;
        Ok(if writer.has_skipped { Extent::Part } else { Extent::Whole })
    }
    if exact { with::<T, true>(value, bytes) } else { with::<T, false>(value, bytes) }
}

/// The extent to which a value is in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All fields of its structs are in the bytes.
    Whole,
    /// Fields may be left out (`skip_serializing_if`); decoding replaces them by their defaults.
    Part,
}

#[cfg(test)]
mod tests;
