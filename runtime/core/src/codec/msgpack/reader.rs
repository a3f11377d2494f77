//! The bytes, and how a value of each kind is read off them.

use serde::Deserializer;
use serde::de::value::SeqDeserializer;
use serde::de::{self, Visitor};

use super::refused::{Refused, cut_off, refused};

/// Lists and maps within each other: as many as `rmp-serde` writes.
pub(super) const MAX_DEPTH: u16 = 1024;

pub(super) const NIL: u8 = 0xc0;
pub(super) const FALSE: u8 = 0xc2;
pub(super) const TRUE: u8 = 0xc3;
pub(super) const BIN_8: u8 = 0xc4;
/// The byte before a value that is there although it begins like an absent one: `Some(None)`, `Some(())`. The format leaves it unused.
pub(super) const SOME: u8 = 0xc1;

pub(super) struct Reader<'de> {
    bytes: &'de [u8],
    at: usize,
    /// How many more lists and maps may begin within the one under way.
    depth: u16,
    /// Names of which one is likely to come next: to compare bytes is cheaper than to see that they are text.
    pub(super) names: &'static [&'static str],
}

/// The elements of a list, or the entries of a map.
pub(super) struct Members<'a, 'de> {
    pub(super) reader: &'a mut Reader<'de>,
    pub(super) left: usize,
    /// The fields of a struct that have not come yet.
    pub(super) names: &'static [&'static str],
}

impl<'de> Reader<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes, at: 0, depth: MAX_DEPTH, names: &[] }
    }

    pub(super) fn is_done(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// How many bytes are left.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.rest().len()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Refused> {
        let byte = *self.bytes.get(self.at).ok_or_else(cut_off)?;
        self.at += 1;
        Ok(byte)
    }

    /// Whether this byte comes next; if so, it has been read.
    #[inline]
    pub(super) fn is_next(&mut self, byte: u8) -> Result<bool, Refused> {
        let is_next = *self.bytes.get(self.at).ok_or_else(cut_off)? == byte;
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    #[inline]
    fn rest(&self) -> &'de [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The bytes of a number.
    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let bytes = *self.rest().first_chunk().ok_or_else(cut_off)?;
        self.at += N;
        Ok(bytes)
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'de [u8], Refused> {
        let bytes = self.rest().get(..length).ok_or_else(cut_off)?;
        self.at += length;
        Ok(bytes)
    }

    /// A length in one, two or four bytes: the place of its marker among the three.
    #[inline]
    fn length(&mut self, width: u8) -> Result<usize, Refused> {
        Ok(match width {
            0 => usize::from(self.byte()?),
            1 => usize::from(u16::from_be_bytes(self.array()?)),
            // Where `usize` is shorter, there are not as many bytes anyway.
            _ => usize::try_from(u32::from_be_bytes(self.array()?)).unwrap_or(usize::MAX),
        })
    }

    #[inline]
    fn text(&mut self, length: usize) -> Result<&'de str, Refused> {
        std::str::from_utf8(self.take(length)?).map_err(|_| refused("a text is not UTF-8"))
    }

    #[inline]
    fn list<V: Visitor<'de>>(&mut self, length: usize, visitor: V) -> Result<V::Value, Refused> {
        self.nested(length, &[], |members| visitor.visit_seq(members))
    }

    #[inline]
    fn map<V: Visitor<'de>>(&mut self, length: usize, visitor: V) -> Result<V::Value, Refused> {
        self.nested(length, &[], |members| visitor.visit_map(members))
    }

    #[inline]
    fn nested<R>(
        &mut self,
        length: usize,
        names: &'static [&'static str],
        read: impl FnOnce(&mut Members<'_, 'de>) -> Result<R, Refused>,
    ) -> Result<R, Refused> {
        self.within(|reader| {
            let mut members = Members { reader, left: length, names };
            let value = read(&mut members)?;
            if members.left == 0 { Ok(value) } else { Err(refused("there is more in it than its type holds")) }
        })
    }

    /// Reads one level further in.
    #[inline]
    pub(super) fn within<R>(&mut self, read: impl FnOnce(&mut Self) -> Result<R, Refused>) -> Result<R, Refused> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| refused("it is nested too deeply"))?;
        let value = read(self)?;
        self.depth += 1;
        Ok(value)
    }

    /// Whatever comes behind this marker, if it is nothing that was asked for or nothing in particular was.
    #[inline(never)]
    pub(super) fn any<V: Visitor<'de>>(&mut self, marker: u8, visitor: V) -> Result<V::Value, Refused> {
        match marker {
            0x80..=0x8f => self.map(usize::from(marker & 0x0f), visitor),
            0x90..=0x9f => self.list(usize::from(marker & 0x0f), visitor),
            0xa0..=0xbf => visitor.visit_borrowed_str(self.text(usize::from(marker & 0x1f))?),
            NIL => visitor.visit_unit(),
            FALSE | TRUE => visitor.visit_bool(marker == TRUE),
            BIN_8..=0xc6 => {
                let length = self.length(marker - BIN_8)?;
                visitor.visit_borrowed_bytes(self.take(length)?)
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

    /// By the width in which it was written: some types can tell.
    #[inline]
    fn number<V: Visitor<'de>>(&mut self, marker: u8, visitor: V) -> Result<V::Value, Refused> {
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
            _ => Err(refused("no number stands where one is expected")),
        }
    }

    /// By the crate that wrote it.
    #[cold]
    fn extension<V: Visitor<'de>>(&mut self, marker: u8, visitor: V) -> Result<V::Value, Refused> {
        let start = self.at - 1;
        let length = if marker < 0xd4 { self.length(marker - 0xc7)? } else { 1 << (marker - 0xd4) };
        // Its kind takes a byte.
        self.take(1)?;
        self.take(length)?;
        let mut reader = rmp_serde::Deserializer::from_read_ref(&self.bytes[start..self.at]).with_human_readable();
        reader.deserialize_any(visitor).map_err(de::Error::custom)
    }

    /// Whole numbers of 128 bits are 16 bytes.
    #[inline]
    pub(super) fn wide(&mut self) -> Result<Option<[u8; 16]>, Refused> {
        if self.rest().get(..2) != Some(&[BIN_8, 16]) {
            return Ok(None);
        }
        self.at += 2;
        self.array().map(Some)
    }

    #[inline]
    pub(super) fn a_number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Refused> {
        match self.byte()? {
            marker @ (0x00..=0x7f | 0xca..=0xd3 | 0xe0..=0xff) => self.number(marker, visitor),
            marker => self.any(marker, visitor),
        }
    }

    #[inline]
    pub(super) fn a_text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Refused> {
        let length = match self.byte()? {
            marker @ 0xa0..=0xbf => usize::from(marker & 0x1f),
            marker @ 0xd9..=0xda => self.length(marker - 0xd9)?,
            marker => return self.any(marker, visitor),
        };
        visitor.visit_borrowed_str(self.text(length)?)
    }

    /// The name of a field or a variant. Those of a struct come in the order of its fields.
    #[inline]
    pub(super) fn a_name<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Refused> {
        let start = self.at;
        if let marker @ 0xa0..=0xbf = self.byte()? {
            let bytes = self.take(usize::from(marker & 0x1f))?;
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
    pub(super) fn a_list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Refused> {
        match self.byte()? {
            marker @ 0x90..=0x9f => self.list(usize::from(marker & 0x0f), visitor),
            marker @ BIN_8..=0xc6 => {
                let length = self.length(marker - BIN_8)?;
                visitor.visit_seq(SeqDeserializer::new(self.take(length)?.iter().copied()))
            }
            marker => self.any(marker, visitor),
        }
    }

    /// Reads a list of at least `length` elements. Where serde leaves a field out of a tuple struct, the list says nothing of which one it was.
    #[inline]
    pub(super) fn a_tuple<V: Visitor<'de>>(&mut self, length: usize, visitor: V) -> Result<V::Value, Refused> {
        let is_short = match *self.rest() {
            [marker @ 0x90..=0x9f, ..] => usize::from(marker & 0x0f) < length,
            [0xdc, high, low, ..] => usize::from(u16::from_be_bytes([high, low])) < length,
            _ => false,
        };
        if is_short { Err(refused("a tuple lacks an element")) } else { self.a_list(visitor) }
    }

    #[inline]
    pub(super) fn a_map<V: Visitor<'de>>(
        &mut self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let length = match self.byte()? {
            marker @ 0x80..=0x8f => usize::from(marker & 0x0f),
            0xde => self.length(1)?,
            marker => return self.any(marker, visitor),
        };
        self.nested(length, names, |members| visitor.visit_map(members))
    }
}
