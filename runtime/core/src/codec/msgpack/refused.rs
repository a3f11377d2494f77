//! Bytes that are no value, and values that go into no bytes.

use std::borrow::Cow;
use std::fmt;

use serde::{de, ser};

/// The reason why bytes are no value, or a value no bytes. Behind a pointer, because every step of reading returns one or none.
#[derive(Debug)]
pub(crate) struct Refused(Box<Cow<'static, str>>);

#[cold]
pub(super) fn refused(why: &'static str) -> Refused {
    Refused(Box::new(Cow::Borrowed(why)))
}

#[cold]
pub(super) fn cut_off() -> Refused {
    refused("the bytes are cut off")
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    #[cold]
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(Box::new(Cow::Owned(why.to_string())))
    }
}

impl de::Error for Refused {
    #[cold]
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(Box::new(Cow::Owned(why.to_string())))
    }
}
