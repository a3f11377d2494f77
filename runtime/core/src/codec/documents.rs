//! Documents of `MongoDB`, which are written as BSON.
//!
//! `bson::Document` reads a field `$date` as a date, whether a date was written or a document that has such a field, as extended JSON has
//! no way to tell them apart. So where documents are all of a value, their own bytes stand in for what they say to serde.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bson::Document;
use serde::de::{self, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Codec;
use super::forms::{Form, Unfit, decode, encode};
use super::msgpack::Extent;

type Encode<V> = fn(&V, Form, &mut Vec<u8>) -> Result<Extent, Unfit>;
type Decode<V> = fn(&[u8], Codec) -> Result<V, Unfit>;

/// The form of a type's own, for documents and lists of them.
pub(super) fn formats<V: 'static>() -> Option<(Encode<V>, Decode<V>)> {
    pair::<V, Document>(
        |document, form, bytes| encode(&Written(document), form, bytes),
        |bytes, codec| decode::<Read>(bytes, codec).map(|read| read.0),
    )
    .or_else(|| {
        pair::<V, Vec<Document>>(
            |list, form, bytes| encode(&list.iter().map(Written).collect::<Vec<_>>(), form, bytes),
            |bytes, codec| decode::<Vec<Read>>(bytes, codec).map(|list| list.into_iter().map(|read| read.0).collect()),
        )
    })
    .or_else(|| {
        pair::<V, Arc<Document>>(
            |document, form, bytes| encode(&Written(document), form, bytes),
            |bytes, codec| decode::<Read>(bytes, codec).map(|read| Arc::new(read.0)),
        )
    })
    .or_else(|| {
        pair::<V, Arc<Vec<Document>>>(
            |list, form, bytes| encode(&list.iter().map(Written).collect::<Vec<_>>(), form, bytes),
            |bytes, codec| {
                decode::<Vec<Read>>(bytes, codec).map(|list| Arc::new(list.into_iter().map(|read| read.0).collect()))
            },
        )
    })
}

/// Returns these two, if they are for the type that is asked for.
fn pair<V: 'static, T: 'static>(encode: Encode<T>, decode: Decode<T>) -> Option<(Encode<V>, Decode<V>)> {
    let (encode, decode): (&dyn Any, &dyn Any) = (&encode, &decode);
    Some((*encode.downcast_ref::<Encode<V>>()?, *decode.downcast_ref::<Decode<V>>()?))
}

struct Written<'a>(&'a Document);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0.to_vec().map_err(S::Error::custom)?)
    }
}

struct Read(Document);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(AsBytes)
    }
}

struct AsBytes;

impl<'de> Visitor<'de> for AsBytes {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a document")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Read, E> {
        let mut left = bytes;
        let document = Document::from_reader(&mut left).map_err(E::custom)?;
        if left.is_empty() { Ok(Read(document)) } else { Err(E::custom("bytes are left over")) }
    }

    /// Reads the list of numbers that JSON makes of bytes.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Read, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
