//! The canonical bytes of a value for its digest: each piece that the value passes to serde, with its kind and its end.
//!
//! Invariants: values of one type that serialise differently give different bytes, even if only the width of a number differs, or a
//! character stands in place of a text, as in an untagged enum. Equal values of std's unordered maps and sets give the same bytes, because
//! their entries are digested one by one and then sorted, at 32 bytes an entry. Ordered maps keep their order.

use std::any::type_name;
use std::fmt;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant, Serializer,
};
use sha2::{Digest as _, Sha256};

/// Hashes a value. Fails if its `Serialize` does.
pub(super) fn hash(value: &(impl Serialize + ?Sized)) -> Result<Sha256, fmt::Error> {
    let mut canonical = Canonical(Sha256::new());
    value.serialize(&mut canonical)?;
    Ok(canonical.0)
}

/// Returns whether this iterator is one of an unordered map or set. The order of any other counts. If std renames one of these iterators,
/// its order counts too, and equal values may then miss.
fn is_unordered<I>() -> bool {
    let (name, from) =
        (type_name::<I>(), ["std::collections::hash::map::", "std::collections::hash::set::", "hashbrown::"]);
    from.iter().any(|path| name.starts_with(path))
}

struct Canonical(Sha256);

impl Canonical {
    fn tag(&mut self, tag: u8) {
        self.0.update([tag]);
    }

    fn sized(&mut self, tag: u8, bytes: &[u8]) {
        self.tag(tag);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn unordered(&mut self, tag: u8, mut entries: Vec<[u8; 32]>) {
        entries.sort_unstable();
        self.sized(tag, entries.as_flattened());
    }

    fn begin(&mut self, tag: u8, variant: Option<&str>) -> &mut Self {
        if let Some(variant) = variant {
            self.sized(b'v', variant.as_bytes());
        }
        self.tag(tag);
        self
    }
}

macro_rules! integers {
    ($tag:literal: $($method:ident: $ty:ty),*) => {$(
        fn $method(self, value: $ty) -> Result<(), fmt::Error> {
            self.sized($tag, &value.to_le_bytes());
            Ok(())
        }
    )*};
}

impl Serializer for &mut Canonical {
    type Ok = ();
    type Error = fmt::Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    integers!(b'i': serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128);
    integers!(b'I': serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128);

    fn serialize_bool(self, value: bool) -> Result<(), fmt::Error> {
        self.tag(if value { b'1' } else { b'0' });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), fmt::Error> {
        self.sized(b'f', &value.to_bits().to_le_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), fmt::Error> {
        self.sized(b'f', &value.to_bits().to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), fmt::Error> {
        self.sized(b'c', value.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), fmt::Error> {
        self.sized(b's', value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), fmt::Error> {
        self.sized(b'b', value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), fmt::Error> {
        self.tag(b'-');
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), fmt::Error> {
        self.tag(b'+');
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), fmt::Error> {
        self.tag(b'u');
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), fmt::Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), fmt::Error> {
        self.begin(b'u', Some(variant));
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), fmt::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), fmt::Error> {
        value.serialize(self.begin(b'n', Some(variant)))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, fmt::Error> {
        Ok(self.begin(b'[', None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, fmt::Error> {
        Ok(self.begin(b'[', None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, fmt::Error> {
        Ok(self.begin(b'[', None))
    }

    fn serialize_tuple_variant(self, _: &str, _: u32, variant: &'static str, _: usize) -> Result<Self, fmt::Error> {
        Ok(self.begin(b'[', Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, fmt::Error> {
        Ok(self.begin(b'{', None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, fmt::Error> {
        Ok(self.begin(b'{', None))
    }

    fn serialize_struct_variant(self, _: &str, _: u32, variant: &'static str, _: usize) -> Result<Self, fmt::Error> {
        Ok(self.begin(b'{', Some(variant)))
    }

    fn collect_seq<I>(self, items: I) -> Result<(), fmt::Error>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if is_unordered::<I::IntoIter>() {
            let digests = items.into_iter().map(|item| Ok(hash(&item)?.finalize().into()));
            let digests = digests.collect::<Result<_, fmt::Error>>()?;
            self.unordered(b'(', digests);
            return Ok(());
        }
        let mut seq = self.serialize_seq(None)?;
        items.into_iter().try_for_each(|item| SerializeSeq::serialize_element(&mut seq, &item))?;
        SerializeSeq::end(seq)
    }

    fn collect_map<K, V, I>(self, entries: I) -> Result<(), fmt::Error>
    where
        K: Serialize,
        V: Serialize,
        I: IntoIterator<Item = (K, V)>,
    {
        if is_unordered::<I::IntoIter>() {
            let digests = entries.into_iter().map(|entry| Ok(hash(&entry)?.finalize().into()));
            let digests = digests.collect::<Result<_, fmt::Error>>()?;
            self.unordered(b')', digests);
            return Ok(());
        }
        let mut map = self.serialize_map(None)?;
        entries.into_iter().try_for_each(|(key, value)| map.serialize_entry(&key, &value))?;
        SerializeMap::end(map)
    }
}

macro_rules! lists {
    ($($kind:ident $method:ident),*) => {$(
        impl $kind for &mut Canonical {
            type Ok = ();
            type Error = fmt::Error;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
                value.serialize(&mut **self)
            }
            fn end(self) -> Result<(), fmt::Error> {
                self.tag(b']');
                Ok(())
            }
        }
    )*};
}

lists!(SerializeSeq serialize_element, SerializeTuple serialize_element);
lists!(SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field);

macro_rules! structs {
    ($($kind:ident),*) => {$(
        impl $kind for &mut Canonical {
            type Ok = ();
            type Error = fmt::Error;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), fmt::Error> {
                self.sized(b's', name.as_bytes());
                value.serialize(&mut **self)
            }
            fn end(self) -> Result<(), fmt::Error> {
                self.tag(b'}');
                Ok(())
            }
        }
    )*};
}

structs!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for &mut Canonical {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), fmt::Error> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), fmt::Error> {
        self.tag(b'}');
        Ok(())
    }
}
