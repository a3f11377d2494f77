//! Text that is put together at compile time: dotted names of fields, and the words of compile errors.

/// Room for text, filled from the front.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    bytes: [u8; Self::ROOM],
    len: usize,
}

impl Text {
    /// In bytes. Compile errors that are longer are cut; a field's dotted name that is longer is refused.
    pub(crate) const ROOM: usize = 512;

    pub(crate) const EMPTY: Self = Self { bytes: [0; Self::ROOM], len: 0 };

    /// With `part` behind it, or `None` if it does not fit.
    pub(crate) const fn try_and(mut self, part: &str) -> Option<Self> {
        let part = part.as_bytes();
        if self.len + part.len() > Self::ROOM {
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

    /// With `part` behind it if it fits.
    pub(crate) const fn and(self, part: &str) -> Self {
        match self.try_and(part) {
            Some(longer) => longer,
            None => self,
        }
    }

    /// What was put in.
    pub(crate) const fn as_str(&self) -> &str {
        match str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            // Only whole strings are put in.
            Err(_) => unreachable!(),
        }
    }
}
