//! Writes one argument into a key so that it can never be mistaken for anything else.

use std::fmt::{self, Write as _};

#[cfg(feature = "hash")]
use super::digest::Digest;

/// Bytes of which few keys have more.
const ROOM: usize = 48;

/// A key with more bytes than these, in hexadecimal, is too long to be stored as it is.
#[cfg(feature = "hash")]
const LONG_BYTES: usize = 256;

/// The text of a key, as [`KeyPart::write`](crate::KeyPart::write) appends to it.
///
/// Whatever is appended as [`text`](Self::text) or [`display`](Self::display) is percent-escaped: `:`, `*`, `%` and
/// control characters. So no argument can end its segment early and reach another key's space.
///
/// ```
/// use fastness::{KeyPart, KeyWriter};
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
    /// An empty key.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty key with room for as many bytes as most keys have.
    pub(crate) fn roomy() -> Self {
        Self { buffer: String::with_capacity(ROOM) }
    }

    /// Appends text, escaped.
    pub fn text(&mut self, text: &str) {
        // Most arguments are as they are; beyond ASCII there are control characters too.
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b':' | b'*' | b'%')) {
            return self.buffer.push_str(text);
        }
        escape(text, |piece| self.buffer.push_str(piece));
    }

    /// Appends what `value` displays, escaped.
    pub fn display(&mut self, value: impl fmt::Display) {
        // A `Display` that reports an error has still written what it could; equality never depends on this text.
        let _ = write!(Escaped(self), "{value}");
    }

    /// Appends an integer, in which nothing has to be escaped.
    pub(crate) fn integer(&mut self, integer: impl itoa::Integer) {
        self.buffer.push_str(itoa::Buffer::new().format(integer));
    }

    /// What has been written.
    pub fn as_str(&self) -> &str {
        &self.buffer
    }

    /// Appends structure, as it is. Structure of ours inside an argument starts with `%` and a character that is not a
    /// hexadecimal digit, which no escaped text contains.
    pub(crate) fn raw(&mut self, text: &str) {
        self.buffer.push_str(text);
    }

    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    pub(crate) fn into_string(self) -> String {
        self.buffer
    }

    /// Appends bytes as hexadecimal digits. More than 256 bytes, whose key is stored as a digest anyhow, are digested at once.
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

/// The two digits of a byte.
fn hexadecimal(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)]))
}

/// Gives the text in pieces, with `:`, `*`, `%` and control characters as their bytes.
fn escape(text: &str, mut give: impl FnMut(&str)) {
    let mut plain = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, ':' | '*' | '%') || c.is_control()) {
        give(&text[plain..at]);
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            let [high, low] = hexadecimal(byte);
            give("%");
            give(high.encode_utf8(&mut [0; 4]));
            give(low.encode_utf8(&mut [0; 4]));
        }
        plain = at + c.len_utf8();
    }
    give(&text[plain..]);
}

/// The target of an argument's text: a key, or the text that it is compared with.
pub trait Sink {
    /// Structure, as it is.
    fn raw(&mut self, text: &str);
    /// What `value` displays, escaped; `%_` where that is nothing.
    fn shown(&mut self, value: &(impl fmt::Display + ?Sized));
}

impl Sink for KeyWriter {
    fn raw(&mut self, text: &str) {
        self.buffer.push_str(text);
    }

    fn shown(&mut self, value: &(impl fmt::Display + ?Sized)) {
        let before = self.len();
        self.display(value);
        if self.len() == before {
            self.raw("%_");
        }
    }
}

/// Compares what is written with a text, and keeps nothing of it.
pub(crate) struct Compare<'a> {
    rest: &'a str,
    same: bool,
}

impl<'a> Compare<'a> {
    pub(crate) fn with(text: &'a str) -> Self {
        Self { rest: text, same: true }
    }

    /// Whether all of the text was written, and nothing else.
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

    fn shown(&mut self, value: &(impl fmt::Display + ?Sized)) {
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
