//! The formats themselves.

use std::cell::RefCell;
use std::fmt;
use std::sync::OnceLock;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Codec, SharedValue, fingerprint, msgpack};

/// A value did not go into bytes, or bytes did not give a value.
#[derive(Debug)]
pub(crate) struct Unfit(pub(crate) String);

impl Unfit {
    fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// How values of one type are encoded, without their type in the way: a runtime compiled once calls through these.
pub(crate) struct Formats<V> {
    encode: fn(&V, Codec, &mut Vec<u8>) -> Result<(), Unfit>,
    decode: fn(&[u8], Codec) -> Result<V, Unfit>,
    fingerprint: fn() -> u64,
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
        Self {
            encode: encode::<V>,
            decode: decode::<V>,
            fingerprint: fingerprint::of::<V>,
            type_name: std::any::type_name::<V>,
        }
    }
}

impl<V> Formats<V> {
    /// Appends the bytes of a value.
    pub(crate) fn encode(&self, value: &V, codec: Codec, bytes: &mut Vec<u8>) -> Result<(), Unfit> {
        (self.encode)(value, codec, bytes)
    }

    pub(crate) fn decode(&self, bytes: &[u8], codec: Codec) -> Result<V, Unfit> {
        (self.decode)(bytes, codec)
    }

    /// Of the type's names and fields, as far as its serde implementation announces them.
    pub(crate) fn fingerprint(&self) -> u64 {
        (self.fingerprint)()
    }

    /// Whether a value comes back from a format: encoded, decoded, and compared by the bytes of the default format.
    pub(crate) fn survives(&self, value: &V, codec: Codec) -> Result<(), Unfit> {
        let bytes = |value: &V, codec| {
            let mut bytes = Vec::new();
            self.encode(value, codec, &mut bytes).map(|()| bytes)
        };
        let back = self.decode(&bytes(value, codec)?, codec)?;
        let same = bytes(value, Codec::MessagePack)? == bytes(&back, Codec::MessagePack)?;
        if same { Ok(()) } else { Err(Unfit::new("it comes back as another value")) }
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

fn encode<V: Serialize>(value: &V, codec: Codec, bytes: &mut Vec<u8>) -> Result<(), Unfit> {
    match codec {
        Codec::MessagePack => {
            let mut serializer = rmp_serde::Serializer::new(bytes).with_struct_map().with_human_readable();
            value.serialize(&mut serializer).map_err(Unfit::new)
        }
        Codec::Json => serde_json::to_writer(bytes, value).map_err(Unfit::new),
        #[cfg(feature = "bincode")]
        Codec::Bincode => bincode::serde::encode_into_std_write(value, bytes, BINCODE).map(drop).map_err(Unfit::new),
    }
}

fn decode<V: DeserializeOwned>(bytes: &[u8], codec: Codec) -> Result<V, Unfit> {
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

/// The codec of one call site: what was asked for, or the default where its values do not survive that.
#[derive(Debug, Default)]
pub(crate) struct Choice(OnceLock<Codec>);

impl Choice {
    /// The codec to encode with. The first value decides.
    pub(crate) fn of<V>(&self, asked: Codec, formats: &Formats<V>, value: &V) -> Codec {
        *self.0.get_or_init(|| match asked {
            #[cfg(feature = "bincode")]
            Codec::Bincode => match formats.survives(value, asked) {
                Ok(()) => asked,
                Err(Unfit(why)) => {
                    tracing::warn!(
                        r#type = (formats.type_name)(), why,
                        "values of this type do not survive bincode and are stored as MessagePack: leave `codec = bincode` out"
                    );
                    Codec::MessagePack
                }
            },
            _ => {
                let _ = (formats, value);
                asked
            }
        })
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
    let mut buffer = BUFFER.take();
    buffer.clear();
    let result = use_it(&mut buffer);
    if buffer.capacity() <= KEEP {
        BUFFER.set(buffer);
    }
    result
}

#[cfg(all(test, feature = "bincode"))]
mod tests;
