//! [`MsgpackReader`]: the bytes, and the reading of each kind of value.

use serde::Deserializer;
use serde::de::value::SeqDeserializer;
use serde::de::{self, Visitor};

use super::error::{MsgpackError, cut_off, msgpack_error};

/// Maximum nesting of lists and maps, the same as that of `rmp-serde`.
pub(super) const MAX_DEPTH: u16 = 1024;

pub(super) const NIL: u8 = 0xc0;
pub(super) const FALSE: u8 = 0xc2;
pub(super) const TRUE: u8 = 0xc3;
pub(super) const BIN_8: u8 = 0xc4;
/// The byte before a value that is present although it begins like an absent one: `Some(None)`, `Some(())`. The format leaves it unused.
pub(super) const SOME: u8 = 0xc1;

/// A position in bytes, from which values are read.
pub(super) struct MsgpackReader<'de> {
    bytes: &'de [u8],
    at: usize,
    /// The number of lists and maps that may still begin within the current one.
    depth: u16,
    /// Names of which the next text is probably one: comparing bytes is cheaper than validating UTF-8.
    pub(super) names: &'static [&'static str],
}

/// The elements of a list, or the entries of a map.
pub(super) struct Members<'a, 'de> {
    pub(super) reader: &'a mut MsgpackReader<'de>,
    pub(super) left: usize,
    /// The fields of a struct that have not come yet.
    pub(super) names: &'static [&'static str],
}

impl<'de> MsgpackReader<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes, at: 0, depth: MAX_DEPTH, names: &[] }
    }

    pub(super) fn is_done(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Returns the number of bytes left.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.rest().len()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, MsgpackError> {
        let byte = *self.bytes.get(self.at).ok_or_else(cut_off)?;
        self.at += 1;
        Ok(byte)
    }

    /// Reads this byte if it is next. Returns whether it was.
    #[inline]
    pub(super) fn is_next(&mut self, byte: u8) -> Result<bool, MsgpackError> {
        let is_next = *self.bytes.get(self.at).ok_or_else(cut_off)? == byte;
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    #[inline]
    fn rest(&self) -> &'de [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Reads the bytes of a number.
    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], MsgpackError> {
        let bytes = *self.rest().first_chunk().ok_or_else(cut_off)?;
        self.at += N;
        Ok(bytes)
    }

    #[inline]
    fn read_bytes(&mut self, length: usize) -> Result<&'de [u8], MsgpackError> {
        let bytes = self.rest().get(..length).ok_or_else(cut_off)?;
        self.at += length;
        Ok(bytes)
    }

    /// Reads a length in one, two or four bytes, by the position of its marker among the three.
    #[inline]
    fn length(&mut self, width: u8) -> Result<usize, MsgpackError> {
        Ok(match width {
            0 => usize::from(self.byte()?),
            1 => usize::from(u16::from_be_bytes(self.array()?)),
            // Where `usize` is shorter, that many bytes cannot exist.
            _ => usize::try_from(u32::from_be_bytes(self.array()?)).unwrap_or(usize::MAX),
        })
    }

    #[inline]
    fn text(&mut self, length: usize) -> Result<&'de str, MsgpackError> {
        std::str::from_utf8(self.read_bytes(length)?).map_err(|_| msgpack_error("a text is not UTF-8"))
    }

    #[inline]
    fn list<V: Visitor<'de>>(&mut self, length: usize, visitor: V) -> Result<V::Value, MsgpackError> {
        self.nested(length, &[], |members| visitor.visit_seq(members))
    }

    #[inline]
    fn map<V: Visitor<'de>>(&mut self, length: usize, visitor: V) -> Result<V::Value, MsgpackError> {
        self.nested(length, &[], |members| visitor.visit_map(members))
    }

    #[inline]
    fn nested<R>(
        &mut self,
        length: usize,
        names: &'static [&'static str],
        read: impl FnOnce(&mut Members<'_, 'de>) -> Result<R, MsgpackError>,
    ) -> Result<R, MsgpackError> {
        self.within(|reader| {
            let mut members = Members { reader, left: length, names };
            let value = read(&mut members)?;
            if members.left == 0 { Ok(value) } else { Err(msgpack_error("there are more members than its type has")) }
        })
    }

    /// Reads one level deeper.
    #[inline]
    pub(super) fn within<R>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<R, MsgpackError>,
    ) -> Result<R, MsgpackError> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| msgpack_error("it is nested too deeply"))?;
        let value = read(self)?;
        self.depth += 1;
        Ok(value)
    }

    /// Reads the value behind this marker, whatever its kind.
    #[inline(never)]
    pub(super) fn any<V: Visitor<'de>>(&mut self, marker: u8, visitor: V) -> Result<V::Value, MsgpackError> {
        match marker {
            0x80..=0x8f => self.map(usize::from(marker & 0x0f), visitor),
            0x90..=0x9f => self.list(usize::from(marker & 0x0f), visitor),
            0xa0..=0xbf => visitor.visit_borrowed_str(self.text(usize::from(marker & 0x1f))?),
            NIL => visitor.visit_unit(),
            FALSE | TRUE => visitor.visit_bool(marker == TRUE),
            BIN_8..=0xc6 => {
                let length = self.length(marker - BIN_8)?;
                visitor.visit_borrowed_bytes(self.read_bytes(length)?)
            }
            0xd9..=0xdb => {
                let length = self.length(marker - 0xd9)?;
                visitor.visit_borrowed_str(self.text(length)?)
            }
            0xdc..=0xdd => {
                let length = self.length(marker - 0xdc + 1)?;
                self.list(length, visitor)
            }
            0xde..=0xdf => {
                let length = self.length(marker - 0xde + 1)?;
                self.map(length, visitor)
            }
            0xc7..=0xc9 | 0xd4..=0xd8 => self.extension(marker, visitor),
            SOME => self.within(|reader| visitor.visit_some(reader)),
            _ => self.number(marker, visitor),
        }
    }

    /// Reads a number in the width in which it was written, which some types distinguish.
    #[inline]
    fn number<V: Visitor<'de>>(&mut self, marker: u8, visitor: V) -> Result<V::Value, MsgpackError> {
        match marker {
            0x00..=0x7f => visitor.visit_u8(marker),
            0xe0..=0xff => visitor.visit_i8(marker.cast_signed()),
            0xca => visitor.visit_f32(f32::from_be_bytes(self.array()?)),
            0xcb => visitor.visit_f64(f64::from_be_bytes(self.array()?)),
            0xcc => visitor.visit_u8(self.byte()?),
            0xcd => visitor.visit_u16(u16::from_be_bytes(self.array()?)),
            0xce => visitor.visit_u32(u32::from_be_bytes(self.array()?)),
            0xcf => visitor.visit_u64(u64::from_be_bytes(self.array()?)),
            0xd0 => visitor.visit_i8(self.byte()?.cast_signed()),
            0xd1 => visitor.visit_i16(i16::from_be_bytes(self.array()?)),
            0xd2 => visitor.visit_i32(i32::from_be_bytes(self.array()?)),
            0xd3 => visitor.visit_i64(i64::from_be_bytes(self.array()?)),
            _ => Err(msgpack_error("a number is expected")),
        }
    }

    /// Reads an extension type by `rmp-serde`, which wrote it.
    #[cold]
    fn extension<V: Visitor<'de>>(&mut self, marker: u8, visitor: V) -> Result<V::Value, MsgpackError> {
        let start = self.at - 1;
        let length = if marker < 0xd4 { self.length(marker - 0xc7)? } else { 1 << (marker - 0xd4) };
        // The kind of the extension is one byte.
        self.read_bytes(1)?;
        self.read_bytes(length)?;
        let mut reader = rmp_serde::Deserializer::from_read_ref(&self.bytes[start..self.at]).with_human_readable();
        reader.deserialize_any(visitor).map_err(de::Error::custom)
    }

    /// Reads an integer of 128 bits, which is written as 16 bytes.
    #[inline]
    pub(super) fn wide(&mut self) -> Result<Option<[u8; 16]>, MsgpackError> {
        if self.rest().get(..2) != Some(&[BIN_8, 16]) {
            return Ok(None);
        }
        self.at += 2;
        self.array().map(Some)
    }

    #[inline]
    pub(super) fn a_number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, MsgpackError> {
        match self.byte()? {
            marker @ (0x00..=0x7f | 0xca..=0xd3 | 0xe0..=0xff) => self.number(marker, visitor),
            marker => self.any(marker, visitor),
        }
    }

    #[inline]
    pub(super) fn a_text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, MsgpackError> {
        let length = match self.byte()? {
            marker @ 0xa0..=0xbf => usize::from(marker & 0x1f),
            marker @ 0xd9..=0xda => self.length(marker - 0xd9)?,
            marker => return self.any(marker, visitor),
        };
        visitor.visit_borrowed_str(self.text(length)?)
    }

    /// Reads the name of a field or a variant. The names of a struct come in the order of its fields.
    #[inline]
    pub(super) fn a_name<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, MsgpackError> {
        let start = self.at;
        if let marker @ 0xa0..=0xbf = self.byte()? {
            let bytes = self.read_bytes(usize::from(marker & 0x1f))?;
            if let Some(index) = self.names.iter().position(|name| name.as_bytes() == bytes) {
                let name = self.names[index];
                self.names = &self.names[index + 1..];
                return visitor.visit_borrowed_str(name);
            }
        }
        self.at = start;
        self.a_text(visitor)
    }

    #[inline]
    pub(super) fn a_list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, MsgpackError> {
        match self.byte()? {
            marker @ 0x90..=0x9f => self.list(usize::from(marker & 0x0f), visitor),
            marker @ BIN_8..=0xc6 => {
                let length = self.length(marker - BIN_8)?;
                visitor.visit_seq(SeqDeserializer::new(self.read_bytes(length)?.iter().copied()))
            }
            marker => self.any(marker, visitor),
        }
    }

    /// Reads a list of at least `length` elements. A shorter one lacks a field that serde left out of a tuple struct, and does not tell
    /// which.
    #[inline]
    pub(super) fn a_tuple<V: Visitor<'de>>(&mut self, length: usize, visitor: V) -> Result<V::Value, MsgpackError> {
        let is_short = match *self.rest() {
            [marker @ 0x90..=0x9f, ..] => usize::from(marker & 0x0f) < length,
            [0xdc, high, low, ..] => usize::from(u16::from_be_bytes([high, low])) < length,
            _ => false,
        };
        if is_short { Err(msgpack_error("a tuple lacks an element")) } else { self.a_list(visitor) }
    }

    #[inline]
    pub(super) fn a_map<V: Visitor<'de>>(
        &mut self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, MsgpackError> {
        let length = match self.byte()? {
            marker @ 0x80..=0x8f => usize::from(marker & 0x0f),
            0xde => self.length(1)?,
            marker => return self.any(marker, visitor),
        };
        self.nested(length, names, |members| visitor.visit_map(members))
    }
}
