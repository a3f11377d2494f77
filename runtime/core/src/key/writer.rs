//! [`KeyWriter`], the text of a key, with every argument escaped.

use std::fmt::{self, Write as _};

#[cfg(feature = "hash")]
use super::digest::Digest;

/// Initial capacity of a key's buffer, in bytes. Few keys are longer.
const ROOM: usize = 48;

/// Maximum number of bytes that are written as hexadecimal digits. A key with more would be stored as a digest anyway.
#[cfg(feature = "hash")]
const LONG_BYTES: usize = 256;

/// The text of a key, to which [`KeyPart::write`](crate::KeyPart::write) appends.
///
/// [`text`](Self::text) and [`display`](Self::display) percent-escape `:`, `*`, `%` and control characters, so that no argument can end
/// its segment and name another key.
///
/// ```
/// use fastness::key::{KeyPart, KeyWriter};
///
/// let mut key = KeyWriter::new();
/// "1:orders".write(&mut key);
/// assert_eq!(key.as_str(), "1%3Aorders");
/// ```
#[derive(Debug, Default)]
pub struct KeyWriter {
    buffer: String,
}

impl KeyWriter {
    /// Creates an empty key.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty key with room for the length of most keys.
    pub(crate) fn with_usual_capacity() -> Self {
        Self { buffer: String::with_capacity(ROOM) }
    }

    /// Appends text, escaped.
    pub fn text(&mut self, text: &str) {
        // Most arguments need no escaping. Beyond ASCII there are more control characters, so those take the slow path.
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b':' | b'*' | b'%')) {
            return self.buffer.push_str(text);
        }
        escape(text, |piece| self.buffer.push_str(piece));
    }

    /// Appends the `Display` text of a value, escaped.
    pub fn display(&mut self, value: impl fmt::Display) {
        // A `Display` that fails may have written a part; equality never depends on this text.
        let _ = write!(Escaped(self), "{value}");
    }

    /// Appends an integer, which needs no escaping.
    pub(crate) fn integer(&mut self, integer: impl itoa::Integer) {
        self.buffer.push_str(itoa::Buffer::new().format(integer));
    }

    /// Returns the text written so far.
    pub fn as_str(&self) -> &str {
        &self.buffer
    }

    /// Appends structure, unescaped. Structure inside an argument begins with `%` and a character that is not a hexadecimal digit, which
    /// escaped text never contains.
    pub(crate) fn raw(&mut self, text: &str) {
        self.buffer.push_str(text);
    }

    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    pub(crate) fn into_string(self) -> String {
        self.buffer
    }

    /// Appends bytes as hexadecimal digits. More than 256 bytes are digested, because their key would be stored as a digest anyway.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        #[cfg(feature = "hash")]
        if bytes.len() > LONG_BYTES {
            self.raw("%h");
            return self.digest(Digest::from_bytes(bytes));
        }
        self.raw("%x");
        for byte in bytes {
            self.buffer.extend(hexadecimal(*byte));
        }
    }

    /// Appends the 32 digits of a digest.
    #[cfg(feature = "hash")]
    pub(crate) fn digest(&mut self, digest: Digest) {
        for byte in digest.bytes() {
            self.display(format_args!("{byte:02x}"));
        }
    }
}

/// Returns the two hexadecimal digits of a byte.
fn hexadecimal(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)]))
}

/// Passes a text on in pieces, with `:`, `*`, `%` and control characters percent-encoded.
fn escape(text: &str, mut emit: impl FnMut(&str)) {
    let mut plain = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, ':' | '*' | '%') || c.is_control()) {
        emit(&text[plain..at]);
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            let [high, low] = hexadecimal(byte);
            emit("%");
            emit(high.encode_utf8(&mut [0; 4]));
            emit(low.encode_utf8(&mut [0; 4]));
        }
        plain = at + c.len_utf8();
    }
    emit(&text[plain..]);
}

/// The target of an argument's text: a key, or the text that it is compared with.
pub trait Sink {
    /// Appends structure, unescaped.
    fn raw(&mut self, text: &str);
    /// Appends the `Display` text of a value, escaped; `%_` if it is empty.
    fn displayed(&mut self, value: &(impl fmt::Display + ?Sized));
}

impl Sink for KeyWriter {
    fn raw(&mut self, text: &str) {
        self.buffer.push_str(text);
    }

    fn displayed(&mut self, value: &(impl fmt::Display + ?Sized)) {
        let before = self.len();
        self.display(value);
        if self.len() == before {
            self.raw("%_");
        }
    }
}

/// A [`Sink`] that compares the text with another one and stores nothing.
pub(crate) struct Compare<'a> {
    rest: &'a str,
    same: bool,
}

impl<'a> Compare<'a> {
    pub(crate) fn with(text: &'a str) -> Self {
        Self { rest: text, same: true }
    }

    /// Returns whether the text that was written is exactly the other one.
    pub(crate) fn is_same(&self) -> bool {
        self.same && self.rest.is_empty()
    }
}

impl Sink for Compare<'_> {
    fn raw(&mut self, text: &str) {
        match self.rest.strip_prefix(text) {
            Some(rest) => self.rest = rest,
            None => self.same = false,
        }
    }

    fn displayed(&mut self, value: &(impl fmt::Display + ?Sized)) {
        let before = self.rest.len();
        self.same &= write!(self, "{value}").is_ok();
        if self.same && self.rest.len() == before {
            self.raw("%_");
        }
    }
}

impl fmt::Write for Compare<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(text, |piece| self.raw(piece));
        Ok(())
    }
}

struct Escaped<'a>(&'a mut KeyWriter);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.text(text);
        Ok(())
    }
}
