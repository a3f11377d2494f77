//! serde's `Serializer` for [`MsgpackWriter`]: field names, and the human-readable form of types that have two.
//!
//! The bytes are those of `rmp-serde`, with one addition: [`SOME`] stands before a present value that begins like an absent one.

use serde::ser::{Error as _, Serialize, Serializer};

use super::error::MsgpackError;
use super::reader::{FALSE, NIL, SOME, TRUE};
use super::writer::{Compound, MsgpackWriter};

macro_rules! numbers {
    ($($method:ident: $ty:ty, $marker:literal, $compact:ident;)*) => {$(
        #[inline]
        fn $method(self, number: $ty) -> Result<(), MsgpackError> {
            if EXACT { self.put($marker, number.to_be_bytes()) } else { self.$compact(number.into()) }
            Ok(())
        }
    )*};
}

impl<'w, 'a, const EXACT: bool> Serializer for &'w mut MsgpackWriter<'a, EXACT> {
    type Ok = ();
    type Error = MsgpackError;
    type SerializeSeq = Compound<'w, 'a, EXACT>;
    type SerializeTuple = Compound<'w, 'a, EXACT>;
    type SerializeTupleStruct = Compound<'w, 'a, EXACT>;
    type SerializeTupleVariant = Compound<'w, 'a, EXACT>;
    type SerializeMap = Compound<'w, 'a, EXACT>;
    type SerializeStruct = Compound<'w, 'a, EXACT>;
    type SerializeStructVariant = Compound<'w, 'a, EXACT>;

    numbers! {
        serialize_u8: u8, 0xcc, unsigned;
        serialize_u16: u16, 0xcd, unsigned;
        serialize_u32: u32, 0xce, unsigned;
        serialize_u64: u64, 0xcf, unsigned;
        serialize_i8: i8, 0xd0, signed;
        serialize_i16: i16, 0xd1, signed;
        serialize_i32: i32, 0xd2, signed;
        serialize_i64: i64, 0xd3, signed;
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), MsgpackError> {
        self.bytes.push(if value { TRUE } else { FALSE });
        Ok(())
    }

    #[inline]
    fn serialize_i128(self, number: i128) -> Result<(), MsgpackError> {
        self.binary(&number.to_be_bytes())
    }

    #[inline]
    fn serialize_u128(self, number: u128) -> Result<(), MsgpackError> {
        self.binary(&number.to_be_bytes())
    }

    #[inline]
    fn serialize_f32(self, number: f32) -> Result<(), MsgpackError> {
        self.put(0xca, number.to_be_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, number: f64) -> Result<(), MsgpackError> {
        self.put(0xcb, number.to_be_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), MsgpackError> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), MsgpackError> {
        self.text(text)
    }

    #[inline]
    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), MsgpackError> {
        self.binary(bytes)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), MsgpackError> {
        self.bytes.push(NIL);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), MsgpackError> {
        let start = self.bytes.len();
        value.serialize(&mut *self)?;
        if let Some(&(NIL | SOME)) = self.bytes.get(start) {
            self.bytes.insert(start, SOME);
        }
        Ok(())
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), MsgpackError> {
        self.bytes.push(NIL);
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), MsgpackError> {
        self.list_head(0)
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), MsgpackError> {
        self.text(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), MsgpackError> {
        if name == rmp_serde::MSGPACK_EXT_STRUCT_NAME {
            let mut theirs = rmp_serde::Serializer::new(&mut *self.bytes).with_human_readable();
            return theirs.serialize_newtype_struct(name, value).map_err(MsgpackError::custom);
        }
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), MsgpackError> {
        self.variant(variant)?;
        self.deeper()?;
        value.serialize(&mut *self)?;
        self.shallower();
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Compound<'w, 'a, EXACT>, MsgpackError> {
        self.members(length, false)
    }

    #[inline]
    fn serialize_tuple(self, length: usize) -> Result<Compound<'w, 'a, EXACT>, MsgpackError> {
        self.members(Some(length), false)
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Compound<'w, 'a, EXACT>, MsgpackError> {
        self.members(Some(length), false)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'w, 'a, EXACT>, MsgpackError> {
        self.variant(variant)?;
        self.members(Some(length), false)
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Compound<'w, 'a, EXACT>, MsgpackError> {
        self.members(length, true)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Compound<'w, 'a, EXACT>, MsgpackError> {
        self.members(Some(length), true)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'w, 'a, EXACT>, MsgpackError> {
        self.variant(variant)?;
        self.members(Some(length), true)
    }
}
