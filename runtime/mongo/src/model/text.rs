//! Text that is built at compile time: dotted field names, and compile error messages.

/// A string of bounded length, built in constants.
#[derive(Clone, Copy, Debug)]
pub struct ConstText {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl ConstText {
    /// Capacity in bytes. A longer compile error is truncated; a longer dotted field name is a compile error.
    pub(crate) const CAPACITY: usize = 512;

    pub(crate) const EMPTY: Self = Self { bytes: [0; Self::CAPACITY], len: 0 };

    /// Appends `part`; `None` if it does not fit.
    pub(crate) const fn try_append(mut self, part: &str) -> Option<Self> {
        let part = part.as_bytes();
        if self.len + part.len() > Self::CAPACITY {
            return None;
        }
        let mut at = 0;
        while at < part.len() {
            self.bytes[self.len + at] = part[at];
            at += 1;
        }
        self.len += part.len();
        Some(self)
    }

    /// Appends `part`, or returns the text unchanged if it does not fit.
    pub(crate) const fn append(self, part: &str) -> Self {
        match self.try_append(part) {
            Some(longer) => longer,
            None => self,
        }
    }

    /// Returns the text.
    pub(crate) const fn as_str(&self) -> &str {
        match str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            // Only whole strings are appended.
            Err(_) => unreachable!(),
        }
    }
}
