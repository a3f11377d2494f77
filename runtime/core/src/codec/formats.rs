//! How the values of one type are encoded, whatever the type.

use std::cell::RefCell;

use super::fingerprint::Announced;
use super::forms::{Form, Unfit, decode, encode};
use super::msgpack::Extent;
use super::shared_value::SharedValue;
use super::{Codec, digest, documents};

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
    pub(crate) fn new() -> Self {
        let (encode, decode) = documents::formats().unwrap_or((encode::<V>, decode::<V>));
        Self {
            encode,
            decode,
            digest: |value| digest::number(value).map_err(Unfit::new),
            announced: Announced::from_type::<V>,
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
