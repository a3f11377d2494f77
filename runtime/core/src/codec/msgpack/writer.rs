//! The bytes, and how a value of each kind is put to them.

use super::reader::{BIN_8, MAX_DEPTH};
use super::refused::{Refused, refused};

/// Writes values to the end of a buffer. `EXACT` numbers have the width of their type, which self-describing types such as
/// `bson::Bson` tell apart; others take as few bytes as they can.
pub(super) struct Writer<'a, const EXACT: bool> {
    pub(super) bytes: &'a mut Vec<u8>,
    /// The number of lists and maps that may still begin within the one under way.
    depth: u16,
    /// True once a field was left out, so that reading puts the field's default in its place.
    pub(super) has_skipped: bool,
}

/// The elements of a list, or the entries of a map, under way.
pub(super) struct Written<'w, 'a, const EXACT: bool> {
    pub(super) writer: &'w mut Writer<'a, EXACT>,
    /// The place where they begin and their number so far, if the number was not known when they began.
    pub(super) unknown: Option<(usize, usize)>,
    pub(super) is_map: bool,
}

impl<'a, const EXACT: bool> Writer<'a, EXACT> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes, depth: MAX_DEPTH, has_skipped: false }
    }

    #[inline]
    pub(super) fn put<const N: usize>(&mut self, marker: u8, number: [u8; N]) {
        self.bytes.push(marker);
        self.bytes.extend_from_slice(&number);
    }

    /// A number without a sign, or one that could have one and is not below zero.
    #[inline]
    pub(super) fn unsigned(&mut self, number: u64) {
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
    pub(super) fn signed(&mut self, number: i64) {
        if let Ok(number) = u64::try_from(number) {
            self.unsigned(number);
        } else if let Ok(number) = i8::try_from(number) {
            // From -32 on it is its own marker.
            if number >= -32 { self.bytes.push(number.cast_unsigned()) } else { self.put(0xd0, number.to_be_bytes()) }
        } else if let Ok(number) = i16::try_from(number) {
            self.put(0xd1, number.to_be_bytes());
        } else if let Ok(number) = i32::try_from(number) {
            self.put(0xd2, number.to_be_bytes());
        } else {
            self.put(0xd3, number.to_be_bytes());
        }
    }

    /// Writes the head of what begins with its length: in one byte with its marker or behind one of up to three markers.
    #[inline]
    pub(super) fn begin(
        &mut self,
        length: usize,
        short: (u8, usize),
        byte: Option<u8>,
        word: u8,
    ) -> Result<(), Refused> {
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
    pub(super) fn binary(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.begin(bytes.len(), (0, 0), Some(BIN_8), BIN_8 + 1)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    pub(super) fn list_head(&mut self, length: usize) -> Result<(), Refused> {
        self.begin(length, (0x90, 16), None, 0xdc)
    }

    #[inline]
    pub(super) fn map_head(&mut self, length: usize) -> Result<(), Refused> {
        self.begin(length, (0x80, 16), None, 0xde)
    }

    #[inline]
    pub(super) fn deeper(&mut self) -> Result<(), Refused> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| refused("it is nested too deeply"))?;
        Ok(())
    }

    /// The map of one entry around what a variant holds.
    #[inline]
    pub(super) fn variant(&mut self, name: &str) -> Result<(), Refused> {
        self.map_head(1)?;
        self.text(name)
    }

    #[inline]
    pub(super) fn shallower(&mut self) {
        self.depth += 1;
    }

    #[inline]
    pub(super) fn members(&mut self, length: Option<usize>, is_map: bool) -> Result<Written<'_, 'a, EXACT>, Refused> {
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
            self.map_head(count)?;
        } else {
            self.list_head(count)?;
        }
        let head = self.bytes.len() - end;
        self.bytes[start..].rotate_right(head);
        Ok(())
    }
}
