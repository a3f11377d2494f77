//! A digest of a value as serde sees it, by which a decoded value is compared with the original.
//!
//! Covers the kind and the width of each number, the names of types and variants, and the difference between text, bytes and lists. The
//! order of the elements of lists and maps does not count, because a hash set has another one each time.

use std::fmt;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use xxhash_rust::xxh3::xxh3_64;

/// Digests a value.
pub(super) fn number<T: Serialize + ?Sized>(value: &T) -> Result<u64, Undigested> {
    value.serialize(DigestSerializer)
}

/// The failure of a value's `Serialize`.
#[derive(Debug)]
pub(super) struct Undigested(String);

impl fmt::Display for Undigested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Undigested {}

impl serde::ser::Error for Undigested {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

/// Mixes two numbers into one.
#[inline]
fn mix(left: u64, right: u64) -> u64 {
    let product = u128::from(left ^ 0x9e37_79b9_7f4a_7c15) * u128::from(right.rotate_left(32) ^ 0xd6e8_feb8_6659_fd93);
    #[allow(clippy::cast_possible_truncation)] // both halves
    let folded = (product >> 64) as u64 ^ product as u64;
    folded.wrapping_add(right)
}

fn text(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

#[derive(Clone, Copy)]
struct DigestSerializer;

macro_rules! leaves {
    ($($method:ident($ty:ty) $kind:literal |$value:ident| $bits:expr;)*) => {$(
        #[inline]
        fn $method(self, $value: $ty) -> Result<u64, Undigested> {
            Ok(mix($kind, $bits))
        }
    )*};
}

impl Serializer for DigestSerializer {
    type Ok = u64;
    type Error = Undigested;
    type SerializeSeq = CompositeDigest;
    type SerializeTuple = CompositeDigest;
    type SerializeTupleStruct = CompositeDigest;
    type SerializeTupleVariant = CompositeDigest;
    type SerializeMap = CompositeDigest;
    type SerializeStruct = CompositeDigest;
    type SerializeStructVariant = CompositeDigest;

    leaves! {
        serialize_bool(bool) 1 |value| u64::from(value);
        serialize_i8(i8) 2 |value| i64::from(value).cast_unsigned();
        serialize_i16(i16) 3 |value| i64::from(value).cast_unsigned();
        serialize_i32(i32) 4 |value| i64::from(value).cast_unsigned();
        serialize_i64(i64) 5 |value| value.cast_unsigned();
        serialize_i128(i128) 6 |value| xxh3_64(&value.to_le_bytes());
        serialize_u8(u8) 7 |value| value.into();
        serialize_u16(u16) 8 |value| value.into();
        serialize_u32(u32) 9 |value| value.into();
        serialize_u64(u64) 10 |value| value;
        serialize_u128(u128) 11 |value| xxh3_64(&value.to_le_bytes());
        serialize_f32(f32) 12 |value| value.to_bits().into();
        serialize_f64(f64) 13 |value| value.to_bits();
        serialize_char(char) 14 |value| u64::from(u32::from(value));
        serialize_str(&str) 15 |value| text(value);
        serialize_bytes(&[u8]) 16 |value| xxh3_64(value);
        serialize_unit_struct(&'static str) 17 |name| text(name);
    }

    fn serialize_none(self) -> Result<u64, Undigested> {
        Ok(mix(18, 0))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<u64, Undigested> {
        Ok(mix(19, value.serialize(self)?))
    }

    fn serialize_unit(self) -> Result<u64, Undigested> {
        Ok(mix(20, 0))
    }

    fn serialize_unit_variant(self, name: &'static str, index: u32, _: &'static str) -> Result<u64, Undigested> {
        Ok(mix(mix(21, text(name)), index.into()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<u64, Undigested> {
        Ok(mix(mix(22, text(name)), value.serialize(self)?))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<u64, Undigested> {
        Ok(mix(mix(mix(23, text(name)), index.into()), value.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<CompositeDigest, Undigested> {
        Ok(CompositeDigest::new(24))
    }

    fn serialize_tuple(self, _: usize) -> Result<CompositeDigest, Undigested> {
        Ok(CompositeDigest::new(25))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<CompositeDigest, Undigested> {
        Ok(CompositeDigest::new(mix(26, text(name))))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<CompositeDigest, Undigested> {
        Ok(CompositeDigest::new(mix(mix(27, text(name)), index.into())))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<CompositeDigest, Undigested> {
        Ok(CompositeDigest::new(28))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<CompositeDigest, Undigested> {
        Ok(CompositeDigest::new(mix(29, text(name))))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<CompositeDigest, Undigested> {
        Ok(CompositeDigest::new(mix(mix(30, text(name)), index.into())))
    }
}

/// The members of a list, a map or a struct.
struct CompositeDigest {
    kind: u64,
    sum: u64,
    count: u64,
    /// The digest of the key of the current entry.
    key: u64,
}

impl CompositeDigest {
    fn new(kind: u64) -> Self {
        Self { kind, sum: 0, count: 0, key: 0 }
    }

    /// Adds a part whose position does not count.
    fn add(&mut self, part: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(part);
    }

    /// Adds a part whose position counts.
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Undigested> {
        let part = value.serialize(DigestSerializer)?;
        self.count += 1;
        self.sum = mix(self.sum, part);
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Undigested> {
        let part = value.serialize(DigestSerializer)?;
        self.add(mix(text(name), part));
        Ok(())
    }

    #[allow(clippy::unnecessary_wraps)] // the traits return results
    fn number(&self) -> Result<u64, Undigested> {
        Ok(mix(mix(self.kind, self.count), self.sum))
    }
}

macro_rules! parts {
    ($($for:ident $method:ident($($name:ident: $ty:ty)?) |$parts:ident, $value:ident| $add:expr;)*) => {$(
        impl $for for CompositeDigest {
            type Ok = u64;
            type Error = Undigested;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $ty,)? $value: &T) -> Result<(), Undigested> {
                let $parts = self;
                $add
            }

            fn end(self) -> Result<u64, Undigested> {
                self.number()
            }
        }
    )*};
}

parts! {
    SerializeSeq serialize_element() |parts, value| value.serialize(DigestSerializer).map(|part| parts.add(part));
    SerializeTuple serialize_element() |parts, value| parts.push(value);
    SerializeTupleStruct serialize_field() |parts, value| parts.push(value);
    SerializeTupleVariant serialize_field() |parts, value| parts.push(value);
    SerializeStruct serialize_field(name: &'static str) |parts, value| parts.field(name, value);
    SerializeStructVariant serialize_field(name: &'static str) |parts, value| parts.field(name, value);
}

impl SerializeMap for CompositeDigest {
    type Ok = u64;
    type Error = Undigested;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Undigested> {
        self.key = key.serialize(DigestSerializer)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Undigested> {
        let part = mix(self.key, value.serialize(DigestSerializer)?);
        self.add(part);
        Ok(())
    }

    fn end(self) -> Result<u64, Undigested> {
        self.number()
    }
}

#[cfg(test)]
mod tests;
