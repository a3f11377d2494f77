//! [`ShortString`], the owned form of a string argument.

use std::fmt;

/// Maximum length of a text that is stored inline, in bytes. One more would make every string larger than 24 bytes.
const INLINE: usize = 22;

/// A string of 24 bytes: up to 22 bytes of text are stored inline, a longer text on the heap.
#[derive(Clone)]
pub struct ShortString(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; INLINE] },
    Heap(Box<str>),
}

impl ShortString {
    /// Returns the bytes of the text.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => &bytes[..usize::from(*len).min(INLINE)],
            Repr::Heap(text) => text.as_bytes(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            // The bytes were copied from a valid text.
            Repr::Inline { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Repr::Heap(text) => text,
        }
    }
}

impl From<&str> for ShortString {
    fn from(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        match (u8::try_from(text.len()), bytes.get_mut(..text.len())) {
            (Ok(len), Some(room)) => {
                room.copy_from_slice(text.as_bytes());
                Self(Repr::Inline { len, bytes })
            }
            _ => Self(Repr::Heap(text.into())),
        }
    }
}

impl PartialEq for ShortString {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for ShortString {}

impl fmt::Debug for ShortString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{INLINE, ShortString};

    #[test]
    fn any_text_comes_back_and_no_two_are_equal() {
        assert_eq!(size_of::<ShortString>(), 24);
        let texts: Vec<String> = (0..=2 * INLINE).flat_map(|len| ["x", "é", "\0"].map(|c| c.repeat(len))).collect();
        for (at, text) in texts.iter().enumerate() {
            let short = ShortString::from(&**text);
            assert_eq!((short.as_str(), short.as_bytes()), (&**text, text.as_bytes()));
            assert_eq!(short.clone(), short);
            assert_eq!(format!("{short:?}"), format!("{text:?}"));
            for other in &texts[..at] {
                assert_eq!(short == ShortString::from(&**other), text == other);
            }
        }
    }
}
