//! [`ValueCodec`], the type-erased encoding of one type, and the encoding buffer.

use std::cell::RefCell;

use super::fingerprint::Announced;
use super::forms::{CodecError, Form, decode, encode};
use super::msgpack::Extent;
use super::shared_value::SharedValue;
use super::{Codec, digest, documents};

/// Function pointers that encode and decode values of one type, so that callers do not need its serde bounds.
pub(crate) struct ValueCodec<V> {
    encode: fn(&V, Form, &mut Vec<u8>) -> Result<Extent, CodecError>,
    decode: fn(&[u8], Codec) -> Result<V, CodecError>,
    digest: fn(&V) -> Result<u64, CodecError>,
    announced: fn() -> Announced,
    pub(crate) type_name: fn() -> &'static str,
}

impl<V> Clone for ValueCodec<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for ValueCodec<V> {}

impl<V: SharedValue> ValueCodec<V> {
    pub(crate) fn new() -> Self {
        let (encode, decode) = documents::raw_forms().unwrap_or((encode::<V>, decode::<V>));
        Self {
            encode,
            decode,
            digest: |value| digest::number(value).map_err(CodecError::new),
            announced: Announced::from_type::<V>,
            type_name: std::any::type_name::<V>,
        }
    }
}

impl<V> ValueCodec<V> {
    /// Appends the bytes of a value in a form.
    pub(crate) fn encode(&self, value: &V, form: Form, bytes: &mut Vec<u8>) -> Result<Extent, CodecError> {
        (self.encode)(value, form, bytes)
    }

    /// Decodes a value.
    pub(crate) fn decode(&self, bytes: &[u8], codec: Codec) -> Result<V, CodecError> {
        (self.decode)(bytes, codec)
    }

    /// Returns the fingerprint of the type.
    pub(crate) fn announced(&self) -> Announced {
        (self.announced)()
    }

    /// Checks that these bytes decode to the same value, by comparing the digests of both.
    pub(crate) fn verify(&self, value: &V, bytes: &[u8], codec: Codec) -> Result<(), CodecError> {
        let back = self.decode(bytes, codec)?;
        let same = (self.digest)(value)? == (self.digest)(&back)?;
        if same { Ok(()) } else { Err(CodecError::new("it decodes to another value")) }
    }

    /// Checks that a value decodes unchanged from a form.
    pub(crate) fn survives(&self, value: &V, form: Form) -> Result<(), CodecError> {
        let mut bytes = Vec::new();
        self.encode(value, form, &mut bytes)?;
        self.verify(value, &bytes, form.codec())
    }
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Maximum capacity of a buffer that is used again, in bytes.
const MAX_REUSED_BYTES: usize = 1 << 16;

/// Calls a function with this thread's buffer, which is empty and mostly large enough.
pub(crate) fn with_buffer<R>(use_it: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    // The buffer is taken out, so that a `Serialize` which itself encodes a value gets another one.
    let mut buffer = BUFFER.try_with(RefCell::take).unwrap_or_default();
    buffer.clear();
    let result = use_it(&mut buffer);
    if buffer.capacity() <= MAX_REUSED_BYTES {
        // Fails on a thread that is ending.
        let _ = BUFFER.try_with(|cell| cell.replace(buffer));
    }
    result
}

#[cfg(all(test, feature = "bincode"))]
mod tests;
