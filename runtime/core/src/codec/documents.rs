//! Types that are written as bytes of their own, because serde does not give them back: registered by the crates that know them.
//!
//! `bson::Document` reads a field `$date` as a date, whether a date was written or a document that has such a field, as extended JSON has
//! no way to tell them apart. So where documents are all of a value, their own bytes stand in for what they say to serde.

use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{self, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Codec;
use super::forms::{Form, Unfit, decode, encode};
use super::msgpack::Extent;

type Encode<V> = fn(&V, Form, &mut Vec<u8>) -> Result<Extent, Unfit>;
type Decode<V> = fn(&[u8], Codec) -> Result<V, Unfit>;

/// A type's own bytes.
pub trait OwnBytes: 'static {
    /// The type.
    type Value: 'static;

    /// The value as bytes.
    ///
    /// # Errors
    ///
    /// If it has none.
    fn write(value: &Self::Value) -> Result<Vec<u8>, String>;

    /// The value that these bytes are.
    ///
    /// # Errors
    ///
    /// If they are not exactly one.
    fn read(bytes: &[u8]) -> Result<Self::Value, String>;
}

/// Two function pointers, an [`Encode`] and a [`Decode`].
type Pair = (Box<dyn Any>, Box<dyn Any>);

/// The forms of a type, of lists of it and of an `Arc` of either, to be registered with `inventory`.
#[derive(Debug)]
pub struct OwnForms(fn(TypeId) -> Option<Pair>);

impl OwnForms {
    /// The forms of `B`'s values.
    pub const fn new<B: OwnBytes>() -> Self {
        Self(forms::<B>)
    }
}

inventory::collect!(OwnForms);

/// The form of a type's own.
pub(super) fn formats<V: 'static>() -> Option<(Encode<V>, Decode<V>)> {
    let (encode, decode) = inventory::iter::<OwnForms>().find_map(|forms| (forms.0)(TypeId::of::<V>()))?;
    Some((*encode.downcast_ref::<Encode<V>>()?, *decode.downcast_ref::<Decode<V>>()?))
}

fn forms<B: OwnBytes>(asked: TypeId) -> Option<Pair> {
    pair::<B::Value>(asked, |value, form, bytes| encode(&Written::<B>(value), form, bytes), read::<B>)
        .or_else(|| {
            let write: Encode<Vec<B::Value>> = |list, form, bytes| encode(&written::<B>(list), form, bytes);
            pair(asked, write, read_list::<B>)
        })
        .or_else(|| {
            let write: Encode<Arc<B::Value>> = |value, form, bytes| encode(&Written::<B>(value), form, bytes);
            pair(asked, write, |bytes, codec| read::<B>(bytes, codec).map(Arc::new))
        })
        .or_else(|| {
            let write: Encode<Arc<Vec<B::Value>>> = |list, form, bytes| encode(&written::<B>(list), form, bytes);
            pair(asked, write, |bytes, codec| read_list::<B>(bytes, codec).map(Arc::new))
        })
}

fn read<B: OwnBytes>(bytes: &[u8], codec: Codec) -> Result<B::Value, Unfit> {
    decode::<Read<B>>(bytes, codec).map(|read| read.0)
}

fn read_list<B: OwnBytes>(bytes: &[u8], codec: Codec) -> Result<Vec<B::Value>, Unfit> {
    decode::<Vec<Read<B>>>(bytes, codec).map(|list| list.into_iter().map(|read| read.0).collect())
}

/// Returns these two, if they are for the type that is asked for.
fn pair<T: 'static>(asked: TypeId, encode: Encode<T>, decode: Decode<T>) -> Option<Pair> {
    (asked == TypeId::of::<T>()).then(|| (Box::new(encode) as Box<dyn Any>, Box::new(decode) as Box<dyn Any>))
}

struct Written<'a, B: OwnBytes>(&'a B::Value);

fn written<B: OwnBytes>(list: &[B::Value]) -> Vec<Written<'_, B>> {
    list.iter().map(Written).collect()
}

impl<B: OwnBytes> Serialize for Written<'_, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&B::write(self.0).map_err(S::Error::custom)?)
    }
}

struct Read<B: OwnBytes>(B::Value);

impl<'de, B: OwnBytes> Deserialize<'de> for Read<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(AsBytes(PhantomData))
    }
}

struct AsBytes<B>(PhantomData<B>);

impl<'de, B: OwnBytes> Visitor<'de> for AsBytes<B> {
    type Value = Read<B>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a value")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Read<B>, E> {
        B::read(bytes).map(Read).map_err(E::custom)
    }

    /// Reads the list of numbers that JSON makes of bytes.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Read<B>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
