//! `MessagePack`, written: with field names, in serde's human-readable form.
//!
//! The bytes are those of `rmp-serde`, but for what those cannot give back: [`SOME`] stands before a value that begins like an absent one.

use serde::ser::{Error as _, Serialize, Serializer};

use super::members::Written;
use super::reader::{BIN_8, FALSE, MAX_DEPTH, NIL, SOME, TRUE};
use super::{Refused, refused};

/// Writes values to the end of a buffer. `EXACT` numbers have the width of their type, which self-describing types such as
/// `bson::Bson` tell apart; others take as few bytes as they can.
pub(super) struct Writer<'a, const EXACT: bool> {
    bytes: &'a mut Vec<u8>,
    /// How many more lists and maps may begin within the one under way.
    depth: u16,
}

impl<'a, const EXACT: bool> Writer<'a, EXACT> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes, depth: MAX_DEPTH }
    }

    #[inline]
    fn put<const N: usize>(&mut self, marker: u8, number: [u8; N]) {
        self.bytes.push(marker);
        self.bytes.extend_from_slice(&number);
    }

    /// A number without a sign, or one that could have one and is not below zero.
    #[inline]
    fn unsigned(&mut self, number: u64) {
        if let Ok(byte) = u8::try_from(number) {
            if byte < 0x80 { self.bytes.push(byte) } else { self.put(0xcc, [byte]) }
        } else if let Ok(number) = u16::try_from(number) {
            self.put(0xcd, number.to_be_bytes());
        } else if let Ok(number) = u32::try_from(number) {
            self.put(0xce, number.to_be_bytes());
        } else {
            self.put(0xcf, number.to_be_bytes());
        }
    }

    #[inline]
    fn signed(&mut self, number: i64) {
        if let Ok(number) = u64::try_from(number) {
            self.unsigned(number);
        } else if number >= -32 {
            #[allow(clippy::cast_possible_truncation)] // its last byte is its marker
            self.bytes.push(number as u8);
        } else if let Ok(number) = i8::try_from(number) {
            self.put(0xd0, number.to_be_bytes());
        } else if let Ok(number) = i16::try_from(number) {
            self.put(0xd1, number.to_be_bytes());
        } else if let Ok(number) = i32::try_from(number) {
            self.put(0xd2, number.to_be_bytes());
        } else {
            self.put(0xd3, number.to_be_bytes());
        }
    }

    /// What begins with its length, in one byte with its marker or behind one of up to three markers.
    #[inline]
    fn begin(&mut self, length: usize, short: (u8, usize), byte: Option<u8>, word: u8) -> Result<(), Refused> {
        match (u8::try_from(length), byte, u16::try_from(length), u32::try_from(length)) {
            (Ok(length), ..) if usize::from(length) < short.1 => self.bytes.push(short.0 | length),
            (Ok(length), Some(marker), ..) => self.put(marker, [length]),
            (.., Ok(length), _) => self.put(word, length.to_be_bytes()),
            (.., Ok(length)) => self.put(word + 1, length.to_be_bytes()),
            _ => return Err(refused("it is longer than the format can say")),
        }
        Ok(())
    }

    #[inline]
    pub(super) fn text(&mut self, text: &str) -> Result<(), Refused> {
        self.begin(text.len(), (0xa0, 32), Some(0xd9), 0xda)?;
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    #[inline]
    fn binary(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.begin(bytes.len(), (0, 0), Some(BIN_8), BIN_8 + 1)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn list_head(&mut self, length: usize) -> Result<(), Refused> {
        self.begin(length, (0x90, 16), None, 0xdc)
    }

    #[inline]
    fn map_head(&mut self, length: usize) -> Result<(), Refused> {
        self.begin(length, (0x80, 16), None, 0xde)
    }

    #[inline]
    fn deeper(&mut self) -> Result<(), Refused> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| refused("it is nested too deeply"))?;
        Ok(())
    }

    /// The map of one entry around what a variant holds.
    #[inline]
    fn variant(&mut self, name: &str) -> Result<(), Refused> {
        self.map_head(1)?;
        self.text(name)
    }

    #[inline]
    pub(super) fn shallower(&mut self) {
        self.depth += 1;
    }

    #[inline]
    fn members(&mut self, length: Option<usize>, is_map: bool) -> Result<Written<'_, 'a, EXACT>, Refused> {
        self.deeper()?;
        let start = self.bytes.len();
        match length {
            Some(length) if is_map => self.map_head(length)?,
            Some(length) => self.list_head(length)?,
            None => {}
        }
        Ok(Written { writer: self, unknown: length.is_none().then_some((start, 0)), is_map })
    }

    /// Puts the head of what began at `start` before it.
    #[cold]
    pub(super) fn put_head(&mut self, start: usize, count: usize, is_map: bool) -> Result<(), Refused> {
        let end = self.bytes.len();
        if is_map {
            self.map_head(count)?
        } else {
            self.list_head(count)?
        }
        let head = self.bytes.len() - end;
        self.bytes[start..].rotate_right(head);
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident: $ty:ty, $marker:literal, $compact:ident;)*) => {$(
        #[inline]
        fn $method(self, number: $ty) -> Result<(), Refused> {
            if EXACT { self.put($marker, number.to_be_bytes()) } else { self.$compact(number.into()) }
            Ok(())
        }
    )*};
}

impl<'w, 'a, const EXACT: bool> Serializer for &'w mut Writer<'a, EXACT> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Written<'w, 'a, EXACT>;
    type SerializeTuple = Written<'w, 'a, EXACT>;
    type SerializeTupleStruct = Written<'w, 'a, EXACT>;
    type SerializeTupleVariant = Written<'w, 'a, EXACT>;
    type SerializeMap = Written<'w, 'a, EXACT>;
    type SerializeStruct = Written<'w, 'a, EXACT>;
    type SerializeStructVariant = Written<'w, 'a, EXACT>;

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
    fn serialize_bool(self, value: bool) -> Result<(), Refused> {
        self.bytes.push(if value { TRUE } else { FALSE });
        Ok(())
    }

    #[inline]
    fn serialize_i128(self, number: i128) -> Result<(), Refused> {
        self.binary(&number.to_be_bytes())
    }

    #[inline]
    fn serialize_u128(self, number: u128) -> Result<(), Refused> {
        self.binary(&number.to_be_bytes())
    }

    #[inline]
    fn serialize_f32(self, number: f32) -> Result<(), Refused> {
        self.put(0xca, number.to_be_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, number: f64) -> Result<(), Refused> {
        self.put(0xcb, number.to_be_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), Refused> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Refused> {
        self.text(text)
    }

    #[inline]
    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Refused> {
        self.binary(bytes)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Refused> {
        self.bytes.push(NIL);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        let start = self.bytes.len();
        value.serialize(&mut *self)?;
        if let Some(&(NIL | SOME)) = self.bytes.get(start) {
            self.bytes.insert(start, SOME);
        }
        Ok(())
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Refused> {
        self.bytes.push(NIL);
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refused> {
        self.list_head(0)
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Refused> {
        self.text(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Refused> {
        if name == rmp_serde::MSGPACK_EXT_STRUCT_NAME {
            let mut theirs = rmp_serde::Serializer::new(&mut *self.bytes).with_human_readable();
            return theirs.serialize_newtype_struct(name, value).map_err(Refused::custom);
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
    ) -> Result<(), Refused> {
        self.variant(variant)?;
        self.deeper()?;
        value.serialize(&mut *self)?;
        self.shallower();
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Written<'w, 'a, EXACT>, Refused> {
        self.members(length, false)
    }

    #[inline]
    fn serialize_tuple(self, length: usize) -> Result<Written<'w, 'a, EXACT>, Refused> {
        self.members(Some(length), false)
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Written<'w, 'a, EXACT>, Refused> {
        self.members(Some(length), false)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Written<'w, 'a, EXACT>, Refused> {
        self.variant(variant)?;
        self.members(Some(length), false)
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Written<'w, 'a, EXACT>, Refused> {
        self.members(length, true)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Written<'w, 'a, EXACT>, Refused> {
        self.members(Some(length), true)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Written<'w, 'a, EXACT>, Refused> {
        self.variant(variant)?;
        self.members(Some(length), true)
    }
}
