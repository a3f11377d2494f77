//! The formats themselves.

use std::cell::RefCell;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fingerprint::Announced;
use super::msgpack::{self, Extent};
use super::{Codec, SharedValue, digest, documents};

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

/// How values of one type are encoded, without their type in the way: a runtime compiled once calls through these.
pub(crate) struct Formats<V> {
    encode: fn(&V, Form, &mut Vec<u8>) -> Result<Extent, Unfit>,
    decode: fn(&[u8], Codec) -> Result<V, Unfit>,
    digest: fn(&V) -> Result<u64, Unfit>,
    announced: fn() -> Announced,
    pub(crate) type_name: fn() -> &'static str,
}

impl<V> Clone for Formats<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Formats<V> {}

impl<V: SharedValue> Formats<V> {
    pub(crate) fn of() -> Self {
        let (encode, decode) = documents::formats().unwrap_or((encode::<V>, decode::<V>));
        Self {
            encode,
            decode,
            digest: |value| digest::of(value).map_err(Unfit::new),
            announced: Announced::of::<V>,
            type_name: std::any::type_name::<V>,
        }
    }
}

impl<V> Formats<V> {
    /// Appends the bytes of a value.
    pub(crate) fn encode(&self, value: &V, form: Form, bytes: &mut Vec<u8>) -> Result<Extent, Unfit> {
        (self.encode)(value, form, bytes)
    }

    pub(crate) fn decode(&self, bytes: &[u8], codec: Codec) -> Result<V, Unfit> {
        (self.decode)(bytes, codec)
    }

    /// Of the type's names and fields, as far as its serde implementation announces them.
    pub(crate) fn announced(&self) -> Announced {
        (self.announced)()
    }

    /// Checks that these bytes give a value back: decodes them, and compares all that serde is told of both.
    pub(crate) fn verify(&self, value: &V, bytes: &[u8], codec: Codec) -> Result<(), Unfit> {
        let back = self.decode(bytes, codec)?;
        let same = (self.digest)(value)? == (self.digest)(&back)?;
        if same { Ok(()) } else { Err(Unfit::new("it comes back as another value")) }
    }

    /// Checks that a value comes back from a form.
    pub(crate) fn survives(&self, value: &V, form: Form) -> Result<(), Unfit> {
        let mut bytes = Vec::new();
        self.encode(value, form, &mut bytes)?;
        self.verify(value, &bytes, form.codec())
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

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A buffer larger than this is given back after use.
const KEEP: usize = 1 << 16;

/// Lends a buffer that is empty and, after the first use on this thread, large enough.
pub(crate) fn with_buffer<R>(use_it: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    // Taken out, so that an implementation of `Serialize` that encodes something itself gets one of its own.
    let mut buffer = BUFFER.try_with(RefCell::take).unwrap_or_default();
    buffer.clear();
    let result = use_it(&mut buffer);
    if buffer.capacity() <= KEEP {
        // A thread that is ending has none any more.
        let _ = BUFFER.try_with(|kept| kept.replace(buffer));
    }
    result
}

#[cfg(all(test, feature = "bincode"))]
mod tests;
