//! Types that are stored as bytes of their own, because serde does not return them unchanged. The crates that know them register them.
//!
//! `bson::Document` decodes a field `$date` as a date, whether a date or a document with such a field was encoded: extended JSON cannot
//! tell them apart. So a value that consists of documents is stored as their BSON bytes.

use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{self, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Codec;
use super::forms::{CodecError, Form, decode, encode};
use super::msgpack::Extent;

type Encode<V> = fn(&V, Form, &mut Vec<u8>) -> Result<Extent, CodecError>;
type Decode<V> = fn(&[u8], Codec) -> Result<V, CodecError>;

/// The encoding of a type as bytes of its own.
pub trait RawBytes: 'static {
    /// The type.
    type Value: 'static;

    /// Encodes a value.
    ///
    /// # Errors
    ///
    /// Fails if the value cannot be encoded.
    fn write(value: &Self::Value) -> Result<Vec<u8>, String>;

    /// Decodes a value.
    ///
    /// # Errors
    ///
    /// Fails if the bytes are not exactly one value.
    fn read(bytes: &[u8]) -> Result<Self::Value, String>;
}

/// Two type-erased function pointers, an [`Encode`] and a [`Decode`].
type Pair = (Box<dyn Any>, Box<dyn Any>);

/// The functions that store a type, lists of it and an `Arc` of either as own bytes, to be registered with `inventory`.
#[derive(Debug)]
pub struct RawForms(fn(TypeId) -> Option<Pair>);

impl RawForms {
    /// Makes the functions for the values of `B`.
    pub const fn new<B: RawBytes>() -> Self {
        Self(forms::<B>)
    }
}

inventory::collect!(RawForms);

/// Returns the functions of a registered type.
pub(super) fn raw_forms<V: 'static>() -> Option<(Encode<V>, Decode<V>)> {
    let (encode, decode) = inventory::iter::<RawForms>().find_map(|forms| (forms.0)(TypeId::of::<V>()))?;
    Some((*encode.downcast_ref::<Encode<V>>()?, *decode.downcast_ref::<Decode<V>>()?))
}

fn forms<B: RawBytes>(asked: TypeId) -> Option<Pair> {
    pair::<B::Value>(asked, |value, form, bytes| encode(&AsRawBytes::<B>(value), form, bytes), read::<B>)
        .or_else(|| {
            let write: Encode<Vec<B::Value>> = |list, form, bytes| encode(&as_raw_bytes::<B>(list), form, bytes);
            pair(asked, write, read_list::<B>)
        })
        .or_else(|| {
            let write: Encode<Arc<B::Value>> = |value, form, bytes| encode(&AsRawBytes::<B>(value), form, bytes);
            pair(asked, write, |bytes, codec| read::<B>(bytes, codec).map(Arc::new))
        })
        .or_else(|| {
            let write: Encode<Arc<Vec<B::Value>>> = |list, form, bytes| encode(&as_raw_bytes::<B>(list), form, bytes);
            pair(asked, write, |bytes, codec| read_list::<B>(bytes, codec).map(Arc::new))
        })
}

fn read<B: RawBytes>(bytes: &[u8], codec: Codec) -> Result<B::Value, CodecError> {
    decode::<FromRawBytes<B>>(bytes, codec).map(|read| read.0)
}

fn read_list<B: RawBytes>(bytes: &[u8], codec: Codec) -> Result<Vec<B::Value>, CodecError> {
    decode::<Vec<FromRawBytes<B>>>(bytes, codec).map(|list| list.into_iter().map(|read| read.0).collect())
}

/// Returns these two functions if they are for the type `asked`.
fn pair<T: 'static>(asked: TypeId, encode: Encode<T>, decode: Decode<T>) -> Option<Pair> {
    (asked == TypeId::of::<T>()).then(|| (Box::new(encode) as Box<dyn Any>, Box::new(decode) as Box<dyn Any>))
}

/// Serialises a value as its own bytes.
struct AsRawBytes<'a, B: RawBytes>(&'a B::Value);

fn as_raw_bytes<B: RawBytes>(list: &[B::Value]) -> Vec<AsRawBytes<'_, B>> {
    list.iter().map(AsRawBytes).collect()
}

impl<B: RawBytes> Serialize for AsRawBytes<'_, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&B::write(self.0).map_err(S::Error::custom)?)
    }
}

/// Deserialises a value from its own bytes.
struct FromRawBytes<B: RawBytes>(B::Value);

impl<'de, B: RawBytes> Deserialize<'de> for FromRawBytes<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(RawBytesVisitor(PhantomData))
    }
}

struct RawBytesVisitor<B>(PhantomData<B>);

impl<'de, B: RawBytes> Visitor<'de> for RawBytesVisitor<B> {
    type Value = FromRawBytes<B>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a value")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<FromRawBytes<B>, E> {
        B::read(bytes).map(FromRawBytes).map_err(E::custom)
    }

    /// Reads bytes from the list of numbers that JSON stores them as.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<FromRawBytes<B>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
