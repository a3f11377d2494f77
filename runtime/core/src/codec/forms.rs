//! The ways in which a value is written and read.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;
use super::msgpack::{self, Extent};

/// A value did not go into bytes, or bytes did not give a value.
#[derive(Debug)]
pub(crate) struct Unfit(pub(crate) String);

impl Unfit {
    pub(super) fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// The way in which a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The way of the codec itself.
    Plain(Codec),
    /// `MessagePack` with numbers in the width of their type, which some types can tell: `bson::Bson` has integers of 32 and of 64 bits.
    Exact,
}

impl Form {
    /// The codec that reads it.
    pub(crate) fn codec(self) -> Codec {
        match self {
            Self::Plain(codec) => codec,
            Self::Exact => Codec::MessagePack,
        }
    }
}

/// bincode makes room for a string of whatever length the bytes claim, before it looks whether they hold as much. The limit is on
/// the sizes of what is decoded, up to 16 times the payload's.
#[cfg(feature = "bincode")]
const BINCODE: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<{ 256 << 20 }>,
> = bincode::config::standard().with_limit();

pub(super) fn encode<V: Serialize>(value: &V, form: Form, bytes: &mut Vec<u8>) -> Result<Extent, Unfit> {
    match form {
        Form::Plain(Codec::MessagePack) => msgpack::write(value, false, bytes).map_err(Unfit::new),
        Form::Exact => msgpack::write(value, true, bytes).map_err(Unfit::new),
        Form::Plain(Codec::Json) => serde_json::to_writer(bytes, value).map(|()| Extent::Part).map_err(Unfit::new),
        #[cfg(feature = "bincode")]
        Form::Plain(Codec::Bincode) => {
            bincode::serde::encode_into_std_write(value, bytes, BINCODE).map(|_| Extent::Part).map_err(Unfit::new)
        }
    }
}

pub(super) fn decode<V: DeserializeOwned>(bytes: &[u8], codec: Codec) -> Result<V, Unfit> {
    match codec {
        Codec::MessagePack => msgpack::from_slice(bytes).map_err(Unfit::new),
        Codec::Json => serde_json::from_slice(bytes).map_err(Unfit::new),
        #[cfg(feature = "bincode")]
        Codec::Bincode => match bincode::serde::decode_from_slice(bytes, BINCODE) {
            Ok((value, length)) if length == bytes.len() => Ok(value),
            Ok(_) => Err(Unfit::new("bytes are left over")),
            Err(error) => Err(Unfit::new(error)),
        },
    }
}
