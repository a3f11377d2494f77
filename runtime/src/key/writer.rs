//! Writes one argument into a key so that it can never be mistaken for anything else.

use std::fmt::{self, Write as _};

/// Bytes of which few keys have more.
const ROOM: usize = 48;

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
        for c in text.chars() {
            match c {
                ':' => self.buffer.push_str("%3A"),
                '*' => self.buffer.push_str("%2A"),
                '%' => self.buffer.push_str("%25"),
                c if c.is_control() => self.control(c),
                c => self.buffer.push(c),
            }
        }
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

    fn control(&mut self, c: char) {
        let mut bytes = [0; 4];
        for byte in c.encode_utf8(&mut bytes).bytes() {
            let _ = write!(self.buffer, "%{byte:02X}");
        }
    }
}

struct Escaped<'a>(&'a mut KeyWriter);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.text(text);
        Ok(())
    }
}
