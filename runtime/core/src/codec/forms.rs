//! The forms in which a value is encoded, and the calls of the formats' crates.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;
use super::msgpack::{self, Extent};

/// The error of a value that could not be encoded, or of bytes that could not be decoded.
#[derive(Debug)]
pub(crate) struct CodecError(pub(crate) String);

impl CodecError {
    pub(super) fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// The form in which a value is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The default form of a codec.
    Plain(Codec),
    /// `MessagePack` with numbers in the width of their type, for types that distinguish it: `bson::Bson` has integers of 32 and of 64
    /// bits.
    Exact,
}

impl Form {
    /// Returns the codec that decodes it.
    pub(crate) fn codec(self) -> Codec {
        match self {
            Self::Plain(codec) => codec,
            Self::Exact => Codec::MessagePack,
        }
    }
}

/// Configuration of bincode, with a limit: it allocates the length that the bytes claim for a string before it checks that they hold as
/// much. The limit counts decoded sizes, which are up to 16 times the payload.
#[cfg(feature = "bincode")]
const BINCODE: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<{ 256 << 20 }>,
> = bincode::config::standard().with_limit();

pub(super) fn encode<V: Serialize>(value: &V, form: Form, bytes: &mut Vec<u8>) -> Result<Extent, CodecError> {
    match form {
        Form::Plain(Codec::MessagePack) => msgpack::write(value, false, bytes).map_err(CodecError::new),
        Form::Exact => msgpack::write(value, true, bytes).map_err(CodecError::new),
        Form::Plain(Codec::Json) => serde_json::to_writer(bytes, value).map(|()| Extent::Part).map_err(CodecError::new),
        #[cfg(feature = "bincode")]
        Form::Plain(Codec::Bincode) => {
            bincode::serde::encode_into_std_write(value, bytes, BINCODE).map(|_| Extent::Part).map_err(CodecError::new)
        }
    }
}

pub(super) fn decode<V: DeserializeOwned>(bytes: &[u8], codec: Codec) -> Result<V, CodecError> {
    match codec {
        Codec::MessagePack => msgpack::from_slice(bytes).map_err(CodecError::new),
        Codec::Json => serde_json::from_slice(bytes).map_err(CodecError::new),
        #[cfg(feature = "bincode")]
        Codec::Bincode => match bincode::serde::decode_from_slice(bytes, BINCODE) {
            Ok((value, length)) if length == bytes.len() => Ok(value),
            Ok(_) => Err(CodecError::new("there are bytes behind the value")),
            Err(error) => Err(CodecError::new(error)),
        },
    }
}
