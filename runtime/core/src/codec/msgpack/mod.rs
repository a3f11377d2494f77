//! `MessagePack` with structs as maps, in serde's human-readable form: what `rmp-serde` writes and reads, and what it cannot give back.
//!
//! `rmp-serde` itself reads from anything that gives bytes, and whatever is asked for goes through one path. Reading is what a
//! cache does most, so here it is from a slice, with a short path for each kind of value. The rare extension types are left to
//! `rmp-serde`, and how a value is read differs in nothing that a type could notice.
//!
//! Invariants: bytes of unknown origin are a value or refused; room is made only for what is there; nesting is bounded.

use serde::Serialize;
use serde::de::DeserializeOwned;

mod deserializer;
mod members;
mod reader;
mod refused;
mod serializer;
mod writer;

use reader::Reader;
pub(crate) use refused::Refused;
use refused::refused;
use writer::Writer;

/// Reads a value, and nothing after it.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let mut reader = Reader::new(bytes);
    let value = T::deserialize(&mut reader)?;
    if reader.is_done() { Ok(value) } else { Err(refused("bytes are left over")) }
}

/// Appends the bytes of a value: as few as can be, or with numbers in the width of their types. Returns whether all
/// fields of its structs are in them.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, exact: bool, bytes: &mut Vec<u8>) -> Result<Extent, Refused> {
    fn with<T: Serialize + ?Sized, const EXACT: bool>(value: &T, bytes: &mut Vec<u8>) -> Result<Extent, Refused> {
        let mut writer = Writer::<EXACT>::new(bytes);
        value.serialize(&mut writer)?;
        Ok(if writer.has_skipped { Extent::Part } else { Extent::Whole })
    }
    if exact { with::<T, true>(value, bytes) } else { with::<T, false>(value, bytes) }
}

/// How much of a value is in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All fields of its structs.
    Whole,
    /// Fields may have been left out (`skip_serializing_if`), in whose place reading puts their defaults.
    Part,
}

#[cfg(test)]
mod tests;
