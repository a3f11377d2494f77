//! [`MsgpackWriter`]: the bytes, and the writing of each kind of value.

use super::error::{MsgpackError, msgpack_error};
use super::reader::{BIN_8, MAX_DEPTH};

/// Writes values to the end of a buffer. With `EXACT`, numbers have the width of their type, which self-describing types such as
/// `bson::Bson` distinguish; without it they are as short as possible.
pub(super) struct MsgpackWriter<'a, const EXACT: bool> {
    pub(super) bytes: &'a mut Vec<u8>,
    /// The number of lists and maps that may still begin within the current one.
    depth: u16,
    /// True once a field was left out, which decoding replaces by the field's default.
    pub(super) has_skipped: bool,
}

/// A list or a map whose members are being written.
pub(super) struct Compound<'w, 'a, const EXACT: bool> {
    pub(super) writer: &'w mut MsgpackWriter<'a, EXACT>,
    /// The position of the first member and the number so far, if the number was not known at the start.
    pub(super) unknown: Option<(usize, usize)>,
    pub(super) is_map: bool,
}

impl<'a, const EXACT: bool> MsgpackWriter<'a, EXACT> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes, depth: MAX_DEPTH, has_skipped: false }
    }

    #[inline]
    pub(super) fn put<const N: usize>(&mut self, marker: u8, number: [u8; N]) {
        self.bytes.push(marker);
        self.bytes.extend_from_slice(&number);
    }

    /// Writes an integer that is not negative.
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
            // From -32 on, a number is its own marker.
            if number >= -32 { self.bytes.push(number.cast_unsigned()) } else { self.put(0xd0, number.to_be_bytes()) }
        } else if let Ok(number) = i16::try_from(number) {
            self.put(0xd1, number.to_be_bytes());
        } else if let Ok(number) = i32::try_from(number) {
            self.put(0xd2, number.to_be_bytes());
        } else {
            self.put(0xd3, number.to_be_bytes());
        }
    }

    /// Writes the marker and the length of a text, bytes, a list or a map: in one byte if it is short, else behind a marker.
    #[inline]
    pub(super) fn begin(
        &mut self,
        length: usize,
        short: (u8, usize),
        byte: Option<u8>,
        word: u8,
    ) -> Result<(), MsgpackError> {
        match (u8::try_from(length), byte, u16::try_from(length), u32::try_from(length)) {
            (Ok(length), ..) if usize::from(length) < short.1 => self.bytes.push(short.0 | length),
            (Ok(length), Some(marker), ..) => self.put(marker, [length]),
            (.., Ok(length), _) => self.put(word, length.to_be_bytes()),
            (.., Ok(length)) => self.put(word + 1, length.to_be_bytes()),
            _ => return Err(msgpack_error("it is longer than the format allows")),
        }
        Ok(())
    }

    #[inline]
    pub(super) fn text(&mut self, text: &str) -> Result<(), MsgpackError> {
        self.begin(text.len(), (0xa0, 32), Some(0xd9), 0xda)?;
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    #[inline]
    pub(super) fn binary(&mut self, bytes: &[u8]) -> Result<(), MsgpackError> {
        self.begin(bytes.len(), (0, 0), Some(BIN_8), BIN_8 + 1)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    pub(super) fn list_head(&mut self, length: usize) -> Result<(), MsgpackError> {
        self.begin(length, (0x90, 16), None, 0xdc)
    }

    #[inline]
    pub(super) fn map_head(&mut self, length: usize) -> Result<(), MsgpackError> {
        self.begin(length, (0x80, 16), None, 0xde)
    }

    #[inline]
    pub(super) fn deeper(&mut self) -> Result<(), MsgpackError> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| msgpack_error("it is nested too deeply"))?;
        Ok(())
    }

    /// Begins the map of one entry around the content of a variant.
    #[inline]
    pub(super) fn variant(&mut self, name: &str) -> Result<(), MsgpackError> {
        self.map_head(1)?;
        self.text(name)
    }

    #[inline]
    pub(super) fn shallower(&mut self) {
        self.depth += 1;
    }

    #[inline]
    pub(super) fn members(
        &mut self,
        length: Option<usize>,
        is_map: bool,
    ) -> Result<Compound<'_, 'a, EXACT>, MsgpackError> {
        self.deeper()?;
        let start = self.bytes.len();
        match length {
            Some(length) if is_map => self.map_head(length)?,
            Some(length) => self.list_head(length)?,
            None => {}
        }
        Ok(Compound { writer: self, unknown: length.is_none().then_some((start, 0)), is_map })
    }

    /// Inserts the head of the list or map that began at `start`.
    #[cold]
    pub(super) fn put_head(&mut self, start: usize, count: usize, is_map: bool) -> Result<(), MsgpackError> {
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
